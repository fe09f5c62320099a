"""SMAC3, over six categorical parameters; needs the extra ``peers``."""

import tempfile
import warnings
from typing import Any, ClassVar

from ...searches.sharing.ledger import PARAMETERS
from ...spaces import OPS, Architecture
from .base import AbstractAskedPeer


class SMAC(AbstractAskedPeer):
    """``HyperparameterOptimizationFacade``: random forests with expected improvement.

    Lindauer et al., "SMAC3: A Versatile Bayesian Optimization Package for Hyperparameter
    Optimization" (JMLR 2022). Its initial design depends on the budget.
    """

    plans_ahead = True
    libraries: ClassVar = {"smac": 'pip install "surrobust[peers]"'}

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        super().__init__(budget=budget, seed=seed)
        from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace
        from smac import HyperparameterOptimizationFacade, Scenario

        space = ConfigurationSpace(seed=seed)
        space.add([CategoricalHyperparameter(name, list(OPS)) for name in PARAMETERS])
        # SMAC writes its history whatever it is told.
        self._folder = tempfile.TemporaryDirectory(prefix="surrobust-smac-")
        scenario = Scenario(
            space,
            # Tables give one value: it need not measure a cell by several seeds.
            deterministic=True,
            n_trials=budget,
            seed=seed,
            output_directory=self._folder.name,
        )
        self._facade: Any = HyperparameterOptimizationFacade(
            scenario, _never, overwrite=True, logging_level=False
        )
        self._trial: Any = None

    def _suggest(self) -> Architecture:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._trial = self._facade.ask()
        return Architecture(tuple(OPS.index(self._trial.config[name]) for name in PARAMETERS))

    def _learn(self, value: float) -> None:
        from smac.runhistory.dataclasses import TrialValue

        # It minimises.
        self._facade.tell(self._trial, TrialValue(cost=-value))

    def _close(self) -> None:
        self._folder.cleanup()


def _never(config: Any, seed: int = 0) -> float:
    """Stand for the function to be minimised, which is asked and told instead."""
    raise NotImplementedError
