"""How a metric is learnt: by empirical Bayes, from measured cells of several targets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..typing import FloatArray, IntArray
from .kernel import PREDICTING
from .likelihood import evidence
from .metric import Metric

# Chosen on design targets, each benchmark by what the other taught (experiments/metric).
_DIRECTIONS = 8
_SD, _GROUP_SD, _DIRECTION_SD = 1.0, 0.5, 0.3
"""Deviations beforehand: of the logarithm of a relevance about its group's, of a group's for each
target, of an entry of a direction."""
_KERNEL = PREDICTING
"""That of predictors, but for the weights, which are what is learnt."""
_AMPLITUDE, _NOISE = _KERNEL.beliefs(())
_ITERATIONS = 60


class Taught(NamedTuple):
    """What one target teaches.

    Args:
        X: Scaled features of n cells, ``(n, c)``.
        y: Their scores, ``(n,)``.
        repeats: How many measurements each is the mean of, ``(n,)``.
    """

    X: FloatArray
    y: FloatArray
    repeats: FloatArray


def learn_metric(
    targets: Sequence[Taught], medians: FloatArray, group: IntArray, *, seed: int = 0
) -> Metric:
    """Learn relevances and directions from several targets.

    At the mode of their posterior, jointly with an amplitude, a noise and one factor for each group
    of features for each target; first the relevances alone.

    Args:
        targets: What is known of each.
        medians: Relevances beforehand, ``(c,)``.
        group: Of each column, ``(c,)``.
        seed: Of the directions that the search begins with.
    """
    alone = _Posterior(targets, np.log(medians), group, np.ones(len(medians)), 0)
    first = alone.maximise(alone.start())
    relevances = np.exp(first[: len(medians)])
    both = _Posterior(targets, np.log(medians), group, np.sqrt(relevances), _DIRECTIONS)
    small = np.random.default_rng(seed).normal(size=len(medians) * _DIRECTIONS) * 0.05
    c = len(medians)
    theta = both.maximise(np.concatenate([first[:c], small, first[c:]]))
    found = np.exp(theta[:c])
    directions = theta[c : c + c * _DIRECTIONS].reshape(c, _DIRECTIONS)
    return Metric(found, np.sqrt(relevances / found)[:, None] * directions)


class _Posterior:
    """Minus the logarithm of the posterior of a metric, and its gradient.

    Args:
        targets: What is known of m targets.
        means: Of the logarithms of relevances beforehand, ``(c,)``.
        group: Of each column, ``(c,)``.
        scale: Of the features as directions see them, ``(c,)``.
        n_directions: How many directions, r.
    """

    def __init__(
        self,
        targets: Sequence[Taught],
        means: FloatArray,
        group: IntArray,
        scale: FloatArray,
        n_directions: int,
    ) -> None:
        self.targets, self.means, self.group, self.scale = targets, means, group, scale
        c, m, g = len(means), len(targets), int(group.max()) + 1
        self.sizes = (c, c * n_directions, m, m, m * g)
        self.shape, self.n_groups = (c, n_directions), g
        centers = (means, 0.0, np.log(_AMPLITUDE.median), np.log(_NOISE.median), 0.0)
        sds = (_SD, _DIRECTION_SD, _AMPLITUDE.sd, _NOISE.sd, _GROUP_SD)
        self.center, self.sd = (
            np.concatenate([np.broadcast_to(v, n) for v, n in zip(values, self.sizes, strict=True)])
            for values in (centers, sds)
        )

    def start(self) -> FloatArray:
        """Return the mode of the prior."""
        return self.center.copy()

    def maximise(self, start: FloatArray) -> FloatArray:
        """Return the mode of the posterior, by L-BFGS."""
        from scipy.optimize import minimize

        options = {"maxiter": _ITERATIONS}
        found: FloatArray = minimize(self, start, jac=True, method="L-BFGS-B", options=options).x
        return found

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and its gradient (Rasmussen & Williams, equations 5.8 and 5.9)."""
        z = (theta - self.center) / self.sd
        value, gradient = 0.5 * float(z @ z), z / self.sd
        ends = np.cumsum(self.sizes)[:-1]
        w, flat, amplitudes, noises, factors = np.split(theta, ends)
        # Views: what is added to them is added to the gradient.
        by_w, by_flat, by_amplitude, by_noise, by_factor = np.split(gradient, ends)
        directions, m = flat.reshape(self.shape), len(self.targets)
        factors, by_factor = (part.reshape(m, self.n_groups) for part in (factors, by_factor))
        for j, (X, y, repeats) in enumerate(self.targets):
            shown = (X * self.scale) @ directions
            Z = np.concatenate([X * np.exp(0.5 * (w + factors[j][self.group])), shown], axis=1)
            squares = (Z**2).sum(axis=1)
            squared = np.maximum(squares[:, None] + squares - 2 * Z @ Z.T, 0)
            correlation, decay = _KERNEL.shape.with_decay(squared)
            amplitude, noise = np.exp(amplitudes[j]), np.exp(noises[j])
            K = amplitude * correlation + _KERNEL.level
            K[np.diag_indices(len(y))] += noise / repeats + _KERNEL.jitter
            found = evidence(K, y[:, None])
            if found is None:
                return 1e10, np.zeros_like(theta)
            value += found[0]
            inner = found[1]
            by_amplitude[j] += 0.5 * amplitude * np.sum(inner * correlation)
            by_noise[j] += 0.5 * noise * np.sum(np.diag(inner) / repeats)
            # H is d value / d squared, twice; squared distances are of Z's rows.
            H = inner * decay * (_KERNEL.shape.steepness * amplitude)
            along, HZ = H.sum(axis=1), H @ Z
            c = len(w)
            pull = along @ Z[:, :c] ** 2 - (HZ[:, :c] * Z[:, :c]).sum(axis=0)
            by_w += pull
            by_factor[j] += np.bincount(self.group, weights=pull, minlength=self.n_groups)
            turn = 2 * (along[:, None] * shown - HZ[:, c:])
            by_flat += ((X * self.scale).T @ turn).ravel()
        return value, gradient
