"""What is known of every cell beforehand: other targets as scores, and how alike they are."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._checks import brief, check_values
from .._parts import tensor
from ..encodings import FunctionFeatureEncoder
from ..errors import InvalidInputError, InvalidModelError
from ..spaces import Architecture, NASBench201, representative_indices
from ..targets import Target
from ..typing import FloatArray
from .scores import ScoreMap

if TYPE_CHECKING:
    from ..predictors import AbstractPredictor


@dataclass(frozen=True, eq=False)
class PriorScores:
    """Scores (see :class:`ScoreMap`) of t other targets, one row per representative.

    Cells that compute the same with the same convolutions have the mean of their rows.

    Args:
        name: What a card calls it.
        targets: Names of the t columns.
        scores: Ordered by the representatives' indices, ``(6466, t)`` float32.
    """

    name: str
    targets: tuple[str, ...]
    scores: np.ndarray = tensor("float32", "6466 t")

    def check(self) -> None:
        """Refuse names that are not one for each column.

        Raises:
            InvalidModelError: If they are others.
        """
        if len(self.targets) != self.scores.shape[1]:
            msg = f"prior: expected {self.scores.shape[1]} targets, got {len(self.targets)}"
            raise InvalidModelError(msg)

    @classmethod
    def of(cls, predictor: "AbstractPredictor", *, name: str | None = None) -> Self:
        """Ask a fitted predictor for every representative.

        Args:
            predictor: Of one target or many.
            name: Default: the name on its card, or else its kind.

        Raises:
            NotFittedError: If the predictor was not fitted.
        """
        targets = predictor.targets
        # As the model says it: near an end of the range means are bent together.
        values = predictor._moments(NASBench201().representatives())[0]
        card = predictor.card or {}
        return cls.of_columns(
            dict(zip(targets, values.T, strict=True)), name=name or card.get("name", predictor.kind)
        )

    @classmethod
    def of_columns(cls, columns: Mapping[str, Any], *, name: str) -> Self:
        """Take columns that are there already, measured or computed.

        Args:
            columns: Finite values of all representatives, ascending by index, each ``(6466,)``,
                by name; larger need not be better.
            name: What a card calls them.

        Raises:
            InvalidInputError: If there is none, or one is of another shape, not finite, or the
                same everywhere.
        """
        cells = NASBench201().representatives()
        if not columns:
            msg = "prior: expected at least one column, got none"
            raise InvalidInputError(msg)
        for key, column in columns.items():
            values = check_values(column, n=len(cells))
            if values.ndim != 1 or np.ptp(values) == 0:
                msg = f"prior: expected values that vary, one per cell, got others for {brief(key)}"
                raise InvalidInputError(msg)
        values = np.stack([np.asarray(c, np.float64) for c in columns.values()], axis=1)
        # Targets differ in unit and in their tails; as scores,
        # coefficients of one variance suit all.
        scores = ScoreMap.fit(values, transform="scores")[1]
        return cls(name, tuple(columns), _mean_of_twins(scores, cells).astype(np.float32))

    @cached_property
    def checksum(self) -> str:
        """The sha256 of the targets' names and of the scores, not of what a card calls them."""
        text = json.dumps(self.targets).encode()
        # A machine has either byte order: equal scores, equal checksums.
        return hashlib.sha256(text + self.scores.astype("<f4").tobytes()).hexdigest()

    @property
    def reference(self) -> dict[str, str]:
        """The name and the checksum, by which a card refers to the scores."""
        return {"name": self.name, "sha256": self.checksum}

    def rows(self, cells: Sequence[Architecture]) -> FloatArray:
        """Return the scores of cells, ``(n, t)``."""
        indices = [cell.representative.index for cell in cells]
        found = np.searchsorted(representative_indices(), indices)
        rows: FloatArray = self.scores[found].astype(np.float64)
        return rows

    def check_reference(self, reference: Mapping[str, str]) -> None:
        """Refuse a card's reference that is not to these scores.

        Raises:
            InvalidModelError: If it is to others.
        """
        if self.reference != dict(reference):
            wanted = brief(reference.get("sha256"), 80)
            msg = f"prior: expected sha256 {wanted}, got {self.checksum} of {brief(self.name)}"
            raise InvalidModelError(msg)


def reference_of(prior: PriorScores | Mapping[str, str]) -> dict[str, str]:
    """Return the name and checksum of scores, or of what they are referred to by."""
    return prior.reference if isinstance(prior, PriorScores) else dict(prior)


def _mean_of_twins(scores: FloatArray, cells: Sequence[Architecture]) -> FloatArray:
    key = FunctionFeatureEncoder().key
    groups: dict[Any, int] = {}
    group = np.array([groups.setdefault(key(cell), len(groups)) for cell in cells])
    sums = np.zeros((len(groups), scores.shape[1]))
    np.add.at(sums, group, scores)
    means: FloatArray = (sums / np.bincount(group)[:, None])[group]
    return means


def weights_of_alike(name: str, known: Sequence[str]) -> FloatArray:
    """Return how much each known target says about one of which only the name is known, ``(t,)``.

    The weights sum to one. Within the target's own benchmark they fall by ``exp(-2)`` for another
    image set, by ``exp(-2)`` between attacked and not attacked, by ``exp(-1)`` for another attack,
    and the more epsilons differ; targets of other benchmarks get none. Where the benchmark is not
    among the known, or the name is no target's, all weights are equal: trained otherwise, networks
    may fall to the same attack in another order.
    """
    target = _parse(name)
    points = np.array([_points(target, _parse(other)) for other in known])
    if np.isneginf(points).all():
        return np.full(len(known), 1 / len(known))
    # Less the largest, so that exp of many points does not overflow; -inf becomes 0.
    weights: FloatArray = np.exp(points - points.max())
    return weights / weights.sum()


def is_alike(name: str, known: Sequence[str]) -> bool:
    """Return whether a known target is of the benchmark of one of which only the name is known."""
    target = _parse(name)
    others = [_parse(other) for other in known]
    return target is not None and any(o and o.benchmark == target.benchmark for o in others)


def _parse(name: str) -> Target | None:
    try:
        return Target.parse(name)
    except InvalidInputError:
        return None


def _points(target: Target | None, other: Target | None) -> float:
    if target is None or other is None or target.benchmark != other.benchmark:
        return -np.inf
    points = 2.0 * (target.images == other.images) + 1.0 * (_attack(target) == _attack(other))
    if target.epsilon is None or other.epsilon is None:
        return points + 2.0 * (target.epsilon is other.epsilon)
    # exp(-|log (a / b)|) is the smaller epsilon over the larger; equal ones are worth 2.
    return points + 2.0 + 2.0 * float(np.exp(-abs(np.log(target.epsilon / other.epsilon))))


def _attack(target: Target) -> str:
    return target.metric.rpartition("-")[0] if target.epsilon is not None else target.metric
