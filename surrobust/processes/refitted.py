"""The process of a search, fitted again after every measurement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np

from .._random import as_generator
from ..errors import NotFittedError
from ..spaces import Architecture
from ..typing import FloatArray, IntArray
from .averaging import mix, weigh
from .groups import function_groups
from .kernel import SEARCHING, Belief, Rows
from .likelihood import Likelihood
from .process import Posterior, Process

Trends: TypeAlias = Callable[[Sequence[Architecture]], Sequence[FloatArray]]
"""Architectures to rows of linear trends, each ``(n, k)``; for instance ``PriorRows``."""

_FIRST_SLOPE, _SLOPE = Belief(1.0, 1.0, (-8.0, 5.0)), Belief(0.3, 1.0, (-8.0, 5.0))
"""What is believed of the slopes: of the first trend, the expectation, and of all others."""
# Maximising at every question took 1.3 s at 500 rows, 44 times a suggestion of Optuna's TPE
# (experiments/search_overhead); searches of up to 100 evaluations are as they were.
_ALWAYS = 128
"""Up to so many rows every fit maximises the posterior."""
_GROWTH = 1.05
"""Beyond them a fit does so again once the rows are so many times those of the last time."""
_MOST = 1000
"""Rows that the process is conditioned on."""
# Whatever their values: among the last rows are the awaited cells, see GuidedSearch.
_LATEST = 100
"""Of these, the latest."""


class FunctionProcess:
    """Gaussian process on what cells compute, with one lengthscale per group of features.

    A squared exponential kernel; mean and amplitude are profiled out, the weights of the groups and
    the relative noise maximise the marginal likelihood times log-normal priors (Rasmussen &
    Williams, "Gaussian Processes for Machine Learning", 2006, section 5.4). Refitting starts from
    the last optimum; from 128 rows on it maximises again only when the rows are 5 % more. Of more
    than 1000 rows the best 500, the latest 100, and others evenly spaced in time are kept, so that
    a fit stays within bounds however long a search is.

    With a prior there are two such processes, averaged by what they are worth: one that has linear
    trends in the prior's rows besides, and the one of a search without a prior. Where measurements
    disagree with the prior its process loses its say, and within it the trends lose their slopes.

    Args:
        trends: Rows of the prior; or None.
        odds: Of the process that knows it against the one that does not, beforehand; above 0.

    Attributes:
        noise_std_: Standard deviation of a measurement about what is predicted.
    """

    def __init__(self, trends: Trends | None = None, *, odds: float = 1.0) -> None:
        self._trends = trends
        plain = _View(is_informed=False)
        self._views = [plain] if trends is None else [_View(is_informed=True), plain]
        self._odds = np.array([[odds], [1.0]])[-len(self._views) :]
        self._weights = self._odds / self._odds.sum()
        self.noise_std_ = 0.0
        self._remembered: tuple[Sequence[Architecture], Rows] | None = None
        self._last: tuple[Sequence[Architecture], tuple[FloatArray, FloatArray]] | None = None

    @property
    def trust_(self) -> float:
        """The weight of the process that knows the prior; 0 without one."""
        return float(self._weights[0, 0]) if len(self._views) > 1 else 0.0

    def fit(self, architectures: Sequence[Architecture], y: FloatArray) -> Self:
        """Fit values ``y`` of shape ``(n,)``, standardised or nearly so."""
        self._last = None
        y = np.asarray(y, dtype=np.float64)
        kept = _rows_to_keep(y)
        rows = self._encode([architectures[i] for i in kept])
        for view in self._views:
            view.fit(rows, y[kept], len(y))
        self._weights = weigh(np.array([[-view.loss] for view in self._views]), self._odds)
        # The noise of a mixture, without the gap between the two means: that is
        # uncertainty of the function, which predict_std has.
        noises = np.array([view.noise for view in self._views])
        self.noise_std_ = float(np.sqrt(self._weights[:, 0] @ noises))
        return self

    def predict(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return posterior means of shape ``(n,)``.

        Raises:
            NotFittedError: If the process was not fitted.
        """
        return self._moments(architectures)[0]

    def predict_std(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return posterior standard deviations of shape ``(n,)``, without the noise.

        Raises:
            NotFittedError: If the process was not fitted.
        """
        return self._moments(architectures)[1]

    def _moments(self, architectures: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        if self._last is not None and self._last[0] is architectures:
            return self._last[1]
        rows = self._encode(architectures)
        each = [view.moments(rows) for view in self._views]
        means, variances = (np.stack(part) for part in zip(*each, strict=True))
        mean, variance = mix(self._weights, means, variances)
        found = mean[:, 0], np.sqrt(variance[:, 0])
        # By identity, so of tuples only: a list may have changed since.
        if isinstance(architectures, tuple):
            self._last = (architectures, found)
        return found

    def _encode(self, architectures: Sequence[Architecture]) -> Rows:
        """Encode, or recall what the same tuple was encoded to: searches predict it every time."""
        if self._remembered is not None and self._remembered[0] is architectures:
            return self._remembered[1]
        trends = () if self._trends is None else tuple(self._trends(architectures))
        rows = Rows(function_groups().encode(architectures), trends)
        if isinstance(architectures, tuple):
            self._remembered = (architectures, rows)
        return rows


@dataclass
class _View:
    """One process as it was fitted last.

    Args:
        is_informed: Whether it knows the trends.
        theta: Logarithms of its hyper-parameters; None before the first fit.
        loss: Minus the logarithm of the posterior density there when that was found.
    """

    is_informed: bool
    theta: FloatArray | None = None
    loss: float = 0.0
    _maximised_at: int = 0
    _fitted: tuple[Process, Rows, Posterior] | None = None

    def fit(self, rows: Rows, y: FloatArray, n_given: int) -> None:
        """Fit values ``(n,)`` of those of ``n_given`` cells that are kept."""
        rows, Y, once = self._own(rows), y[:, None], np.ones(len(y))
        kernel = replace(SEARCHING, slopes=_slopes(len(rows.trends)))
        groups = function_groups()
        # Equal values have no amplitude, and the logarithm of 0 would be taken.
        if np.ptp(y) > 0 and self._is_due(n_given):
            # The last optimum is near the next, which then takes few steps.
            likelihood = Likelihood(kernel, groups, rows, Y, once)
            self.theta, self.loss = likelihood.maximise(self.theta)
            self._maximised_at = n_given
        elif self.theta is None:
            self.theta = np.log([b.median for b in kernel.beliefs(groups.names)])
        # No rows are drawn, all of them count.
        process = Process(
            kernel, groups, rows_for_kernel=_MOST, rows_for_std=_MOST, precision="float64"
        )
        found = kernel.read(self.theta)
        noise = np.array([found.noise])
        posterior, _ = process.condition(found, (noise, noise), rows, Y, once, as_generator(0))
        self._fitted = process, rows, posterior

    def _is_due(self, n: int) -> bool:
        """Return whether ``n`` rows are few, or differ enough from those maximised on last."""
        last = self._maximised_at
        # From below too: rows of awaited cells come and go, see GuidedSearch.
        return n <= _ALWAYS or not last / _GROWTH < n < last * _GROWTH

    def moments(self, rows: Rows) -> tuple[FloatArray, FloatArray]:
        """Return means and variances without noise, both ``(n, 1)``."""
        process, known, posterior = self._conditioned
        return process.moments(posterior, known, self._own(rows))

    @property
    def noise(self) -> float:
        """Variance of a measurement about what is predicted."""
        posterior = self._conditioned[2]
        return float(posterior.noise[0] * posterior.scale[0])

    @property
    def _conditioned(self) -> tuple[Process, Rows, Posterior]:
        if self._fitted is None:
            msg = "FunctionProcess: expected fit before predict, got no fit"
            raise NotFittedError(msg)
        return self._fitted

    def _own(self, rows: Rows) -> Rows:
        return rows if self.is_informed else Rows(rows.Z)


def _slopes(n_trends: int) -> tuple[Belief, ...]:
    return (_FIRST_SLOPE, *[_SLOPE] * (n_trends - 1))[:n_trends]


def _rows_to_keep(y: FloatArray) -> IntArray:
    """Return which rows to keep, ascending: all of at most ``_MOST``, else that many."""
    n = len(y)
    if n <= _MOST:
        return np.arange(n)
    latest = np.arange(n - _LATEST, n)
    older = np.argsort(-y[: n - _LATEST], kind="stable")
    best, rest = older[: _MOST // 2], np.sort(older[_MOST // 2 :])
    spaced = np.linspace(0, len(rest) - 1, _MOST - _LATEST - len(best)).round().astype(np.int64)
    return np.sort(np.concatenate([best, rest[spaced], latest]))
