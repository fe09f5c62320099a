"""Which targets are alike, by their names alone."""

from collections.abc import Sequence

import numpy as np

from ..errors import InvalidInputError
from ..targets import Target
from ..typing import FloatArray


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
    return points + 2.0 + 2.0 * float(np.exp(-abs(np.log(target.epsilon / other.epsilon))))


def _attack(target: Target) -> str:
    return target.metric.rpartition("-")[0] if target.epsilon is not None else target.metric
