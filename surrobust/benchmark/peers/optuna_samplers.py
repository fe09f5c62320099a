"""Optuna's own samplers over six categorical parameters, one per edge."""

from abc import abstractmethod
from typing import Any, ClassVar

from ..._optuna import quiet_optuna
from ...searches.sharing.ledger import PARAMETERS
from ...spaces import OPS, Architecture
from .base import AbstractAskedPeer


class AbstractOptunaPeer(AbstractAskedPeer):
    """A study in memory, asked and told.

    Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework" (KDD 2019).
    """

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        super().__init__(budget=budget, seed=seed)
        import optuna

        with quiet_optuna():
            sampler = self._sampler(optuna.samplers)
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
        choices = optuna.distributions.CategoricalDistribution(OPS)
        self._distributions: dict[str, Any] = dict.fromkeys(PARAMETERS, choices)
        self._trial: Any = None

    @abstractmethod
    def _sampler(self, samplers: Any) -> Any:
        """Return the sampler out of Optuna's module of samplers."""

    def _suggest(self) -> Architecture:
        with quiet_optuna():
            self._trial = self._study.ask(self._distributions)
        return Architecture(tuple(OPS.index(self._trial.params[name]) for name in PARAMETERS))

    def _learn(self, value: float) -> None:
        with quiet_optuna():
            self._study.tell(self._trial, value)


class Random(AbstractOptunaPeer):
    """``RandomSampler``: cells drawn uniformly, so that functions of many cells come up often."""

    def _sampler(self, samplers: Any) -> Any:
        return samplers.RandomSampler(seed=self.seed)


class TPE(AbstractOptunaPeer):
    """``TPESampler``: the tree-structured Parzen estimator of Bergstra et al. (NeurIPS 2011)."""

    def _sampler(self, samplers: Any) -> Any:
        return samplers.TPESampler(seed=self.seed)


class NSGAII(AbstractOptunaPeer):
    """``NSGAIISampler``: with one objective, a genetic algorithm with a population of 50.

    Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II" (IEEE TEVC 2002).
    """

    def _sampler(self, samplers: Any) -> Any:
        return samplers.NSGAIISampler(seed=self.seed)


class GP(AbstractOptunaPeer):
    """``GPSampler``: a Gaussian process with expected improvement; needs torch.

    It comes back to cells of known function classes, and all that it is told makes the next
    suggestion slower: with a hundred of them for nothing before an evaluation a run would take
    hours.
    """

    max_repeats: ClassVar = 2

    def _sampler(self, samplers: Any) -> Any:
        return samplers.GPSampler(seed=self.seed)
