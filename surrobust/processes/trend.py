"""What a prior expects of new targets, where it may be wrong, and how searches learn from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from .._parts import tensor
from ..encodings import Columns
from ..errors import InvalidInputError, InvalidModelError
from ..spaces import Architecture
from ..typing import FloatArray
from .prior import PriorScores, is_alike, weights_of_alike

_COMPONENTS = 6
"""How many principal components of the scores trees are shown."""


@dataclass(frozen=True, eq=False, repr=False)
class KnownTargets:
    """A prior that knows the scores of t other targets, for m new ones.

    It expects the mean of those that are alike by name (:func:`weights_of_alike`); all of them are
    rows of a linear trend, in which what the expectation misses can come back.

    Args:
        scores: The scores.
        targets: Names of the new targets; empty where one has none.
        slopes: Of the expectations, which have unit spread over the representatives, ``(m, t)``.
        levels: Subtracted, so that their mean is zero, ``(m,)``.
        turns: Two square matrices ``(2, t, t)`` that the scores are multiplied by: one that only
            scales them to a mean squared norm of one, and one that draws the principal components
            towards one size (the square root of each), so that what sets apart targets which are
            alike weighs more.
        components: Loadings of the leading principal components, ``(t, c)``.
    """

    scores: PriorScores
    targets: tuple[str, ...]
    slopes: FloatArray = tensor("float64", "m t")
    levels: FloatArray = tensor("float64", "m")
    turns: FloatArray = tensor("float64", "2 t t")
    components: FloatArray = tensor("float64", "t c")

    @classmethod
    def of(cls, scores: PriorScores, targets: Sequence[str], *, maximise: bool = True) -> Self:
        """Decide what is expected.

        Args:
            scores: Of other targets.
            targets: The new ones.
            maximise: Whether higher values of the known targets promise what is wanted.
        """
        # (m, t): what each known target says about each new one, by their names.
        weights = np.stack([weights_of_alike(name, scores.targets) for name in targets])
        table = scores.scores.astype(np.float64)
        spread = (table @ weights.T).std(axis=0)
        # Where targets cancel out nothing is expected.
        slopes = weights / np.where(spread > 1e-6, spread, np.inf)[:, None]
        slopes = slopes if maximise else -slopes
        # Of the t x t moments, about 0, which is the mean of scores already; ascending.
        moments, vectors = np.linalg.eigh(table.T @ table / len(table))
        # Targets that follow from others have a moment of
        # rounding errors, to a negative power below.
        moments = np.maximum(moments, 1e-9 * moments[-1])
        # A component of variance v, times v^(-1/4), has variance v^(1/2); the sum of
        # these is the mean squared norm, which is divided by.
        drawn = (vectors * moments**-0.25) @ vectors.T / np.sqrt(np.sqrt(moments).sum())
        turns = np.stack([np.eye(len(moments)) / np.sqrt(moments.sum()), drawn])
        # The largest first; what is too small to be more than
        # rounding would be blown up to spread 1.
        leading = np.flatnonzero(moments > 1e-6 * moments[-1])[::-1][:_COMPONENTS]
        components = vectors[:, leading] / np.sqrt(moments[leading])
        levels = (table @ slopes.T).mean(axis=0)
        return cls(scores, tuple(targets), slopes, levels, turns, components)

    def __repr__(self) -> str:
        return f"KnownTargets({self.scores.name!r})"

    @property
    def is_foreign(self) -> bool:
        """Whether a target has a name and no known one is of its benchmark."""
        return any(name and not is_alike(name, self.scores.targets) for name in self.targets)

    def expected(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return what is expected of cells, ``(n, m)``."""
        return self.scores.rows(cells) @ self.slopes.T - self.levels

    def rows(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the rows of both turns, ``(2, n, t + 1)``; last, the expectations' mean."""
        # What the share of the expectation took too much or too little of can come back as a slope.
        together = self.expected(cells).mean(axis=1, keepdims=True)
        turned = self.scores.rows(cells) @ self.turns
        return np.concatenate([turned, np.stack([together, together])], axis=2)

    def predict(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return what is expected of the one target, ``(n,)``, in units of no meaning."""
        return self.expected(architectures)[:, 0]

    def related(self, architectures: Sequence[Architecture], /) -> FloatArray:
        """Return the scores of the t known targets, turned, ``(n, t)``."""
        turned: FloatArray = self.scores.rows(architectures) @ self.turns[1]
        return turned

    @property
    def columns(self) -> Columns:
        """The leading principal components of the scores, as columns for trees."""
        names = tuple(f"prior {i}" for i in range(self.components.shape[1]))
        return Columns(names, self.scores.scores.astype(np.float64) @ self.components)

    def check(self) -> None:
        """Refuse more components than there can be.

        Raises:
            InvalidModelError: If there are.
        """
        if (n := self.components.shape[1]) > _COMPONENTS:
            msg = f"weights: expected at most {_COMPONENTS} components, got {n}"
            raise InvalidModelError(msg)


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
        # Over one cell of each function class: cells that many write would count many times.
        norms = (((p - m) ** 2).sum(axis=1).mean() for p, m in zip(raw, self._means, strict=True))
        # A prior that says the same everywhere is a row of zeros, no error.
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
