"""A predictor's parameters, its score, and what scikit-learn asks an estimator about itself."""

import inspect
from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Any, ClassVar, Self

import numpy as np

from ..._checks import check_choice, check_values
from ...metrics import kendall_tau
from ..inputs import names_of_values, parse_architectures


class Estimator(ABC):
    """A regressor by scikit-learn's conventions, without importing scikit-learn.

    Parameters are the constructor's arguments, keywords that are stored under their own names.
    scikit-learn is imported where it asks, which it does only when it is there.
    """

    kind: ClassVar[str]
    """What messages call it."""

    _estimator_type = "regressor"  # asked for by scikit-learn before 1.6, which has tags instead

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Return the names of the constructor's arguments."""
        return tuple(name for name in inspect.signature(cls.__init__).parameters if name != "self")

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments, as given: they make another like this, not fitted."""
        return {name: getattr(self, name) for name in self.option_names()}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments by name.

        Args:
            deep: Whether those of arguments that are estimators themselves are among them, as
                ``<argument>__<parameter>``.
        """
        params = self.arguments
        for name, value in self.arguments.items() if deep else ():
            if _is_estimator(value):
                inner = value.get_params()
                params |= {f"{name}__{key}": inner[key] for key in inner}
        return params

    def set_params(self, **params: Any) -> Self:
        """Become what the constructor makes of other arguments; those not named stay.

        The fit is given up, as it was made by the old ones: what is asked or saved before the next
        would not be what the parameters say. Without arguments nothing changes; nor does it where
        one is refused.

        Args:
            params: As :meth:`get_params` names them.

        Raises:
            InvalidInputError: If a name is not known or a value is refused.
        """
        if not params:
            return self
        own = self.arguments
        inner: dict[str, dict[str, Any]] = defaultdict(dict)
        for key, value in params.items():
            name, _, rest = key.partition("__")
            check_choice(f"parameter of {self.kind}", name, self.option_names())
            if rest:
                inner[name][rest] = value
            else:
                own[name] = value
        for name, values in inner.items():
            if not _is_estimator(own[name]):
                key = f"{name}__{next(iter(values))}"
                check_choice(f"parameter of {self.kind}", key, self.option_names())
            own[name] = own[name].set_params(**values)
        made = type(self)(**own)
        vars(self).clear()
        vars(self).update(vars(made))
        return self

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, the mean over targets, as scikit-learn's do.

        Ranks are judged by :func:`kendall_scorer`.

        Args:
            X: n architectures, as for ``predict``.
            y: Their values, shaped as those that were fitted. Columns of a DataFrame are taken by
                name where their names are the targets'.
            sample_weight: How much each counts, ``(n,)``; None for all alike.

        Raises:
            InvalidInputError: If ``y`` does not fit.
            NotFittedError: If the predictor was not fitted.
        """
        from sklearn.metrics import r2_score

        predicted, names = self.predict(parse_architectures(X)), names_of_values(y)
        if names is not None and set(names) == set(self.targets) and len(names) > 1:
            y = y[list(self.targets)]
        true = check_values(y, n=len(predicted))
        return float(r2_score(true, predicted, sample_weight=sample_weight))

    @property
    @abstractmethod
    def targets(self) -> tuple[str, ...]:
        """The targets' names."""

    @abstractmethod
    def predict(self, architectures: Any) -> Any:
        """Return expected values."""

    @abstractmethod
    def __sklearn_is_fitted__(self) -> bool: ...

    def __sklearn_clone__(self) -> Self:
        from sklearn.base import clone

        # Columns and priors are large and never change: copies may share them.
        own = {k: clone(v) if _is_estimator(v) else v for k, v in self.arguments.items()}
        return type(self)(**own)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            transformer_tags=None,
            classifier_tags=None,
            regressor_tags=RegressorTags(),
            input_tags=InputTags(one_d_array=True, string=True, dict=True),
        )


def kendall_scorer(estimator: Any, X: Any, y: Any) -> float:
    """Return Kendall's tau-b of what an estimator predicts, the mean over targets.

    For ``scoring=`` of scikit-learn's tools. NaN where values or predictions are constant.

    Args:
        estimator: Fitted; it may be a pipeline.
        X: n architectures.
        y: Their values, ``(n,)`` or ``(n, m)``.
    """
    predicted = np.asarray(estimator.predict(X))
    true = check_values(y, n=len(predicted)).reshape(len(predicted), -1)
    columns = zip(true.T, predicted.reshape(true.shape).T, strict=True)
    return float(np.mean([kendall_tau(*pair) for pair in columns]))


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)
