"""The manners of an estimator: what scikit-learn, pandas and notebooks expect of a predictor.

``parameters`` are the constructor's, read, changed and copied; ``frames`` shapes answers, with
pandas or without; ``described`` says what a predictor is; ``recall`` keeps the last answer.
"""

from .parameters import Estimator, kendall_scorer

__all__ = ["Estimator", "kendall_scorer"]
