"""How much a candidate promises: arrays in, scores of shape ``(n,)`` out.

All of them maximise; ``mean`` and ``std`` are a model's prediction in any unit.
"""

import itertools
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from ..metrics import non_dominated
from ..typing import FloatArray


class Acquisition(Protocol):
    """Scores candidates; the highest is measured next."""

    def __call__(
        self,
        mean: FloatArray,
        std: FloatArray,
        *,
        best: float,
        trial: int,
        rng: np.random.Generator,
        noise: float,
    ) -> FloatArray:
        """Return one score per candidate.

        Args:
            mean: Predicted values, shape ``(n,)``.
            std: Their standard deviations, shape ``(n,)``, not negative.
            best: The best value so far, in the same unit.
            trial: How many architectures were asked for before.
            rng: Source of randomness.
            noise: Standard deviation of a measurement about the value that is predicted.
        """
        ...


def expected_improvement(
    mean: FloatArray,
    std: FloatArray,
    *,
    best: float,
    trial: int = 0,  # noqa: ARG001
    rng: np.random.Generator | None = None,  # noqa: ARG001
    noise: float = 0.0,  # noqa: ARG001
) -> FloatArray:
    """Return the logarithm of the expected improvement over ``best``.

    Jones et al., "Efficient Global Optimization" (1998), equation 15; the logarithm keeps the
    order where the improvement itself underflows (Ament et al., NeurIPS 2023). A candidate
    without uncertainty scores the logarithm of its plain improvement.
    """
    from scipy.special import log_ndtr

    gain = np.asarray(mean, dtype=np.float64) - best
    std = np.maximum(np.asarray(std, dtype=np.float64), _SMALLEST)
    u = gain / std
    log_density = -0.5 * u * u - 0.5 * np.log(2 * np.pi)
    # u * cdf(u) + pdf(u); far below the best, where both cancel, it tends to pdf(u) / u**2.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # Both branches are computed for all, where they may overflow or be the
        # logarithm of 0; np.where takes the one that holds.
        near = np.log(np.maximum(u * np.exp(log_ndtr(u)) + np.exp(log_density), 0.0))
        far = log_density - 2 * np.log(np.abs(u))
    return np.log(std) + np.where(u < _FAR_BELOW, far, near)


def measured_improvement(
    mean: FloatArray,
    std: FloatArray,
    *,
    best: float,
    trial: int = 0,  # noqa: ARG001
    rng: np.random.Generator | None = None,  # noqa: ARG001
    noise: float = 0.0,
) -> FloatArray:
    """Return the logarithm of the expected improvement of what will be measured over ``best``.

    A search is judged by measured values, and the best of them owes something to its noise: to be
    better, another needs luck too, which every candidate has alike. Counting it, the search tries
    out those of high mean instead of those that are only uncertain.
    """
    # The variance of a measurement: the model's own and the noise.
    return expected_improvement(mean, np.hypot(std, noise), best=best)


def upper_confidence_bound(
    mean: FloatArray,
    std: FloatArray,
    *,
    best: float = 0.0,  # noqa: ARG001
    trial: int = 0,  # noqa: ARG001
    rng: np.random.Generator | None = None,  # noqa: ARG001
    noise: float = 0.0,  # noqa: ARG001
    kappa: float = 1.0,
) -> FloatArray:
    """Return ``mean + kappa * std`` (Srinivas et al., ICML 2010)."""
    return np.asarray(mean) + kappa * np.asarray(std)


def confidence_cycle(
    mean: FloatArray,
    std: FloatArray,
    *,
    best: float = 0.0,  # noqa: ARG001
    trial: int,
    rng: np.random.Generator | None = None,  # noqa: ARG001
    noise: float = 0.0,  # noqa: ARG001
) -> FloatArray:
    """Return ``mean + kappa * std`` with kappa 0, 1 and 2 in turn: exploit, balance, explore."""
    return np.asarray(mean) + (trial % 3) * np.asarray(std)


def thompson(
    mean: FloatArray,
    std: FloatArray,
    *,
    best: float = 0.0,  # noqa: ARG001
    trial: int = 0,  # noqa: ARG001
    rng: np.random.Generator,
    noise: float = 0.0,  # noqa: ARG001
) -> FloatArray:
    """Return one draw per candidate from its predicted normal distribution, independently."""
    return np.asarray(mean) + np.asarray(std) * rng.standard_normal(np.shape(mean))


# So small that u is huge and the logarithm that of the plain
# improvement; not 0, by which u divides.
_SMALLEST = 1e-12
# There the asymptote is off by 3 / u^2, less than 1 %; at -38 the density itself is 0 in float64.
_FAR_BELOW = -20.0

ACQUISITIONS: Final[dict[str, Acquisition]] = {
    "expected_improvement": expected_improvement,
    "measured_improvement": measured_improvement,
    "upper_confidence_bound": upper_confidence_bound,
    "confidence_cycle": confidence_cycle,
    "thompson": thompson,
}
"""Every acquisition by its name."""

_SMALLEST_STD = 1e-12


def expected_hypervolume_improvement(
    mean: FloatArray, std: FloatArray, *, front: FloatArray, reference: FloatArray
) -> FloatArray:
    """Return by how much each candidate is expected to enlarge the dominated volume, ``(n,)``.

    Exact for independent normal predictions and any number of objectives: what is not dominated
    is cut into boxes that are open above, one to a cell of the grid which the front spans in all
    objectives but the last, and a box expects the product of its sides' improvements (Emmerich,
    Deutz, Klinkenberg, "Hypervolume-based expected improvement: Monotonicity properties and exact
    computation", CEC 2011; Couckuyt, Deschrijver, Dhaene, "Fast calculation of multiobjective
    probability of improvement and expected improvement criteria for Pareto optimization", J.
    Global Optim. 60, 2014). With one objective it is the expected improvement. Higher is better.

    Args:
        mean: Predicted values ``(n, m)``.
        std: Their standard deviations ``(n, m)``; 0 where a value is known.
        front: Points ``(k, m)``; those that are dominated, or do not dominate the reference, add
            nothing.
        reference: The reference point, ``(m,)``.
    """
    mean, std = np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)
    points = np.asarray(front, dtype=np.float64).reshape(-1, mean.shape[1])
    # Others span nothing, and their levels would only cut boxes in two.
    points = points[(points > reference).all(axis=1)]
    points = points[non_dominated(points)]
    m = mean.shape[1]
    edges = [np.unique(np.append(points[:, j], reference[j])) for j in range(m)]
    gains = [_gains(mean[:, j], std[:, j], edges[j]) for j in range(m)]
    # Of each interval of the grid, what is gained inside it; the last interval is open above.
    sides = [gain - np.append(gain[:, 1:], np.zeros((len(gain), 1)), axis=1) for gain in gains[:-1]]
    total = np.zeros(len(mean))
    for cell in itertools.product(*(range(len(edge)) for edge in edges[:-1])):
        lower = [edges[j][i] for j, i in enumerate(cell)]
        total += _product(sides, cell) * gains[-1][:, _floor(points, lower, edges[-1])]
    return total


def _gains(mean: FloatArray, std: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the expected excess of each candidate over each level, ``(n, k)``."""
    from scipy.special import ndtr

    # A known value has no deviation: its excess over a level is then the plain one.
    std = np.maximum(std, _SMALLEST_STD)[:, None]
    u = (mean[:, None] - levels[None, :]) / std
    density = np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)
    return np.asarray(std * np.maximum(u * ndtr(u) + density, 0.0))


def _floor(points: FloatArray, lower: Sequence[float], levels: FloatArray) -> int:
    """Return above which level of the last objective a cell of the grid is not dominated."""
    above = (points[:, :-1] > np.array(lower)).all(axis=1)
    return int(np.searchsorted(levels, points[above, -1].max())) if above.any() else 0


def _product(sides: Sequence[FloatArray], cell: Sequence[int]) -> FloatArray | float:
    product: FloatArray | float = 1.0
    for side, i in zip(sides, cell, strict=True):
        product = product * side[:, i]
    return product
