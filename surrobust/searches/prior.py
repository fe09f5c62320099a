"""What a prior says of architectures, in the form in which searches learn from it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from ..errors import InvalidInputError
from ..spaces import Architecture
from ..typing import FloatArray


class Prior(Protocol):
    """What is believed before anything is measured, for instance a shipped predictor."""

    def predict(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return expected values of shape ``(n,)`` or ``(n, 1)``, up to scale and offset."""
        ...


@runtime_checkable
class RelatedPrior(Prior, Protocol):
    """A prior that also has numbers which may explain what its expectation misses."""

    def related(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return ``(n, t)`` numbers, for instance the scores of t other targets."""
        ...


class PriorRows:
    """Rows of linear trends: the expectation alone, then the related numbers if there are such.

    Both are centred over the function classes; the expectation has deviation 1 there, the rows of
    related numbers a mean squared norm of 1.

    Args:
        prior: The prior.
        leads: One architecture of each function class.

    Raises:
        InvalidInputError: If the prior predicts several values, or not finite ones.
    """

    def __init__(self, prior: Prior, leads: Sequence[Architecture]) -> None:
        self._prior = prior
        self._leads = leads
        raw = self._raw(leads)
        self._means = [part.mean(axis=0) for part in raw]
        norms = (((p - m) ** 2).sum(axis=1).mean() for p, m in zip(raw, self._means, strict=True))
        self._scales = [float(np.sqrt(norm)) or 1.0 for norm in norms]
        self._rows = self._scaled(raw)

    def __call__(self, architectures: Sequence[Architecture]) -> tuple[FloatArray, ...]:
        """Return one array per trend, ``(n, 1)`` and perhaps ``(n, t)``."""
        if architectures is self._leads:
            return self._rows
        return self._scaled(self._raw(architectures))

    def expected(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return the expectation, ``(n,)``."""
        return self(architectures)[0][:, 0]

    def _scaled(self, raw: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
        parts = zip(raw, self._means, self._scales, strict=True)
        return tuple((part - mean) / scale for part, mean, scale in parts)

    def _raw(self, architectures: Sequence[Architecture]) -> list[FloatArray]:
        n = len(architectures)
        expected = np.asarray(self._prior.predict(architectures), dtype=np.float64)
        if expected.shape not in ((n,), (n, 1)):
            msg = f"prior: expected a predictor of one value, got predictions of {expected.shape}"
            raise InvalidInputError(msg)
        parts = [expected.reshape(n, 1)]
        if isinstance(self._prior, RelatedPrior):
            parts.append(np.asarray(self._prior.related(architectures), np.float64).reshape(n, -1))
        if not all(np.isfinite(part).all() for part in parts):
            msg = "prior: expected finite predictions, got others"
            raise InvalidInputError(msg)
        return parts
