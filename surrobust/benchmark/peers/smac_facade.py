"""SMAC3, over six categorical parameters; needs the extra ``peers``."""

import tempfile
import warnings
from typing import Any

from ...errors import InvalidInputError
from ...searches.ledger import PARAMETERS
from ...spaces import OPS, Architecture
from .base import AbstractPeer


class SMAC(AbstractPeer):
    """``HyperparameterOptimizationFacade``: random forests with expected improvement.

    Lindauer et al., "SMAC3: A Versatile Bayesian Optimization Package for Hyperparameter
    Optimization" (JMLR 2022). Its initial design depends on the budget.

    Raises:
        InvalidInputError: If SMAC is not installed.
    """

    plans_ahead = True

    @classmethod
    def check_installed(cls) -> None:
        """Refuse SMAC where it is not here.

        Raises:
            InvalidInputError: If so.
        """
        try:
            import smac  # noqa: F401
        except ModuleNotFoundError as error:
            msg = (
                "strategy: expected SMAC to be installed for smac "
                f'(pip install "surrobust[peers]"), got no module {error.name}'
            )
            raise InvalidInputError(msg) from None

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        super().__init__(budget=budget, seed=seed)
        self.check_installed()
        from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace
        from smac import HyperparameterOptimizationFacade, Scenario

        space = ConfigurationSpace(seed=seed)
        space.add([CategoricalHyperparameter(name, list(OPS)) for name in PARAMETERS])
        # SMAC writes its history whatever it is told.
        self._folder = tempfile.TemporaryDirectory(prefix="surrobust-smac-")
        scenario = Scenario(
            space,
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

        self._facade.tell(self._trial, TrialValue(cost=-value))

    def _close(self) -> None:
        self._folder.cleanup()


def _never(config: Any, seed: int = 0) -> float:
    """Stand for the function to be minimised, which is asked and told instead."""
    raise NotImplementedError
