"""What a prior expects of new targets, where it may be wrong, and how searches learn from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np

from .._tensors import pack_tensors, take_tensor, unpack_tensors
from ..encodings import Columns
from ..errors import InvalidInputError, InvalidModelError
from ..spaces import Architecture
from ..typing import FloatArray
from .prior import PriorScores

TREND_FILE = "trend.safetensors"

_COMPONENTS = 6
"""How many principal components of the scores trees are shown."""


@dataclass(frozen=True)
class Trend:
    """Rows of a linear model on the scores of t known targets, for m new ones.

    Args:
        prior: The scores.
        slopes: Of the expectations, which have unit spread over the representatives, ``(m, t)``.
        levels: Subtracted, so that their mean is zero, ``(m,)``.
        turns: Two square matrices ``(2, t, t)`` that the scores are multiplied by: one that only
            scales them to a mean squared norm of one, and one that draws the principal components
            towards one size (the square root of each), so that what sets apart targets which are
            alike weighs more.
        components: Loadings of the leading principal components, ``(t, c)``.
    """

    prior: PriorScores
    slopes: FloatArray
    levels: FloatArray
    turns: FloatArray
    components: FloatArray

    @classmethod
    def of(cls, prior: PriorScores, weights: FloatArray) -> Self:
        """Decide what is expected.

        Args:
            prior: The scores.
            weights: What each of its t targets says about each of m new ones, ``(m, t)``.
        """
        table = prior.scores.astype(np.float64)
        spread = (table @ weights.T).std(axis=0)
        # Where targets cancel out nothing is expected.
        slopes = weights / np.where(spread > 1e-6, spread, np.inf)[:, None]
        moments, vectors = np.linalg.eigh(table.T @ table / len(table))
        moments = np.maximum(moments, 1e-9 * moments[-1])
        drawn = (vectors * moments**-0.25) @ vectors.T / np.sqrt(np.sqrt(moments).sum())
        turns = np.stack([np.eye(len(moments)) / np.sqrt(moments.sum()), drawn])
        leading = np.flatnonzero(moments > 1e-6 * moments[-1])[::-1][:_COMPONENTS]
        components = vectors[:, leading] / np.sqrt(moments[leading])
        return cls(prior, slopes, (table @ slopes.T).mean(axis=0), turns, components)

    def expected(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return what is expected of cells, ``(n, m)``."""
        return self.prior.rows(cells) @ self.slopes.T - self.levels

    def rows(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the rows of both kinds, ``(2, n, t + 1)``; last, the expectations' mean."""
        together = self.expected(cells).mean(axis=1, keepdims=True)
        turned = self.prior.rows(cells) @ self.turns
        return np.concatenate([turned, np.stack([together, together])], axis=2)

    @property
    def columns(self) -> Columns:
        """The leading principal components of the scores, as columns for trees."""
        names = tuple(f"prior {i}" for i in range(self.components.shape[1]))
        return Columns(names, self.prior.scores.astype(np.float64) @ self.components)

    def pack(self) -> bytes:
        """Return all but the scores as a safetensors file."""
        return pack_tensors({k: v for k, v in self.__dict__.items() if isinstance(v, np.ndarray)})

    @classmethod
    def unpack(cls, content: bytes, prior: PriorScores, n_targets: int) -> Self:
        """Read a trend.

        Raises:
            InvalidModelError: If it is damaged, or not of these scores and ``n_targets`` targets.
        """
        tensors = unpack_tensors(content, name=TREND_FILE)
        t = len(prior.targets)
        shapes: dict[str, tuple[int | None, ...]] = {
            "slopes": (n_targets, t),
            "levels": (n_targets,),
            "turns": (2, t, t),
            "components": (t, None),
        }
        found = {k: take_tensor(tensors, k, dtype="float64", shape=s) for k, s in shapes.items()}
        if (n := found["components"].shape[1]) > _COMPONENTS:
            msg = f"{TREND_FILE}: expected at most {_COMPONENTS} components, got {n}"
            raise InvalidModelError(msg)
        return cls(prior, **found)


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
