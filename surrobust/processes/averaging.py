"""A process that believes a prior as far as the measurements bear it out."""

from collections.abc import Sequence

import numpy as np

from ..spaces import Architecture
from ..typing import FloatArray
from .refitted import FunctionProcess, Trends


class PriorProcess:
    """Two processes averaged by their evidence: one with the prior's trends, one without.

    The one without is that of a search that has no prior. Each is worth the exponential of the
    logarithm of its posterior at its mode, times the odds that it has beforehand (Hoeting, Madigan,
    Raftery & Volinsky, "Bayesian Model Averaging: A Tutorial", Statistical Science 1999, equations
    1 to 3). Where measurements disagree with the prior its process loses
    its say, and within that process the trends lose their slopes.

    Args:
        trends: See :class:`FunctionProcess`.
        odds: Of the process that knows the prior against the one that does not, beforehand.

    Attributes:
        trust_: The weight of the process that knows the prior.
        noise_std_: Standard deviation of a measurement about what is predicted.
    """

    def __init__(self, trends: Trends, *, odds: float = 1.0) -> None:
        self.odds = odds
        self._views = (FunctionProcess(trends), FunctionProcess())
        self.trust_ = odds / (1 + odds)
        self.noise_std_ = 0.0

    def fit(self, architectures: Sequence[Architecture], y: FloatArray) -> "PriorProcess":
        """Fit values ``y`` of shape ``(n,)``, standardised or nearly so."""
        for view in self._views:
            view.fit(architectures, y)
        informed, plain = self._views
        behind = np.clip(informed.loss_ - plain.loss_ - np.log(self.odds), -700, 700)
        self.trust_ = float(1 / (1 + np.exp(behind)))
        squared = self.trust_ * informed.noise_std_**2 + (1 - self.trust_) * plain.noise_std_**2
        self.noise_std_ = float(np.sqrt(squared))
        return self

    def predict(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return posterior means of shape ``(n,)``.

        Raises:
            NotFittedError: If the process was not fitted.
        """
        informed, plain = (view.predict(architectures) for view in self._views)
        return self.trust_ * informed + (1 - self.trust_) * plain

    def predict_std(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return posterior standard deviations of shape ``(n,)``, without the noise.

        Raises:
            NotFittedError: If the process was not fitted.
        """
        means = [view.predict(architectures) for view in self._views]
        informed, plain = (view.predict_std(architectures) ** 2 for view in self._views)
        # Within the two and between them (Hoeting et al., the equation for the variance).
        within = self.trust_ * informed + (1 - self.trust_) * plain
        between = self.trust_ * (1 - self.trust_) * (means[0] - means[1]) ** 2
        return np.sqrt(within + between)
