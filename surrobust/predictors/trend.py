"""What a prior expects of new targets, and the columns along which the expectation may be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..encodings import Columns
from ..errors import InvalidModelError
from ..spaces import Architecture
from ..typing import FloatArray
from .prior_scores import PriorScores
from .tensors import pack_tensors, take_tensor, unpack_tensors

FILE = "trend.safetensors"

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
        tensors = unpack_tensors(content, name=FILE)
        t = len(prior.targets)
        shapes: dict[str, tuple[int | None, ...]] = {
            "slopes": (n_targets, t),
            "levels": (n_targets,),
            "turns": (2, t, t),
            "components": (t, None),
        }
        found = {k: take_tensor(tensors, k, dtype="float64", shape=s) for k, s in shapes.items()}
        if (n := found["components"].shape[1]) > _COMPONENTS:
            msg = f"{FILE}: expected at most {_COMPONENTS} components, got {n}"
            raise InvalidModelError(msg)
        return cls(prior, **found)
