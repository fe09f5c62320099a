"""How much a candidate promises: arrays of shape ``(n,)`` in, scores of shape ``(n,)`` out.

All of them maximise; ``mean`` and ``std`` are a model's prediction in any unit.
"""

from typing import Final, Protocol

import numpy as np

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


_SMALLEST = 1e-12
_FAR_BELOW = -20.0

ACQUISITIONS: Final[dict[str, Acquisition]] = {
    "expected_improvement": expected_improvement,
    "measured_improvement": measured_improvement,
    "upper_confidence_bound": upper_confidence_bound,
    "confidence_cycle": confidence_cycle,
    "thompson": thompson,
}
"""Every acquisition by its name."""
