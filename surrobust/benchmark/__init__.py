"""Benchmark: predictors and searches judged on the tables, each beside its peers.

``predictors`` and ``searches`` mirror each other: a protocol, its results in a file from which a
broken run continues, a leaderboard. Beside every score of a predictor stands what a perfect one
would reach (from the retraining ``noise``); beside the strategies stand the searchers
of others (``peers``).
"""

from .predictors import (
    BASELINE,
    TARGETS,
    TRAINING_SIZES,
    ParameterCount,
    Score,
    Standing,
    ceiling,
    check_request,
    has_ceiling,
    learning_curves,
    read_scores,
    score_predictor,
    split,
    standings,
    training_classes,
    write_leaderboard,
    write_scores,
)

__all__ = [
    "BASELINE",
    "TARGETS",
    "TRAINING_SIZES",
    "ParameterCount",
    "Score",
    "Standing",
    "ceiling",
    "check_request",
    "has_ceiling",
    "learning_curves",
    "read_scores",
    "score_predictor",
    "split",
    "standings",
    "training_classes",
    "write_leaderboard",
    "write_scores",
]
