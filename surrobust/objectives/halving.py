"""Successive halving: trainings that fall behind are stopped at rungs, by Optuna's pruner."""

from collections.abc import Callable
from typing import Any

from .._checks import check_integer
from .._optuna import quiet_optuna
from ..searches.sharing.storage import open_storage
from ..spaces import Architecture
from ..typing import AnyPath

_CODE = "code"


class Halving:
    """Decides after some epochs whether a training is worth the rest.

    Asynchronous successive halving (Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht &
    Talwalkar, "A system for massively parallel hyperparameter tuning", MLSys 2020), as Optuna's
    ``SuccessiveHalvingPruner`` has it: a training goes on beyond a rung if its accuracy there is
    among the best of every ``reduction`` that came so far. What was seen at the rungs is kept in a
    study of its own beside the search's, so that workers share it and a crash does not lose it.

    Args:
        study: The study's name.
        epochs: Epochs of a training that is not stopped.
        min_epochs: The first rung, in epochs; each further one has ``reduction`` times as many.
        reduction: One of so many goes on.
        storage: Journal file or URL of a database; None keeps it in memory.

    Raises:
        InvalidInputError: If a number is not as expected.
    """

    def __init__(
        self,
        study: str,
        *,
        epochs: int,
        min_epochs: int,
        reduction: int = 3,
        storage: AnyPath | None = None,
    ) -> None:
        import optuna

        check_integer("min_epochs", min_epochs, minimum=1)
        check_integer("reduction", reduction, minimum=2)
        self.epochs = rungs_of(epochs, min_epochs, reduction)
        pruner = optuna.pruners.SuccessiveHalvingPruner(
            min_resource=min_epochs, reduction_factor=reduction
        )
        place = optuna.storages.InMemoryStorage() if storage is None else open_storage(storage)
        with quiet_optuna():
            self._study = optuna.create_study(
                study_name=study,
                storage=place,
                direction="maximize",
                pruner=pruner,
                load_if_exists=True,
            )

    def begin(self, cell: Architecture) -> "HalvingRun":
        """Return what decides on one cell; one that a crash interrupted is taken up again."""
        import optuna

        running = optuna.trial.TrialState.RUNNING
        for trial in self._study.get_trials(deepcopy=False, states=(running,)):
            if trial.user_attrs.get(_CODE) == cell.code:
                known = optuna.trial.Trial(self._study, trial._trial_id)
                return HalvingRun(self.epochs, self._study, known)
        asked = self._study.ask()
        asked.set_user_attr(_CODE, cell.code)
        return HalvingRun(self.epochs, self._study, asked)


class HalvingRun:
    """The rungs of one training.

    Args:
        epochs: After which is decided.
        study: Optuna's study.
        trial: Its trial.
    """

    def __init__(self, epochs: tuple[int, ...], study: Any, trial: Any) -> None:
        self.epochs = epochs
        self._study, self._trial = study, trial

    def goes_on(self, epoch: int, measured: Callable[[], float]) -> bool:
        """Return whether the training is worth more epochs than it has had.

        Args:
            epoch: A rung.
            measured: Gives the accuracy; called if it is not known from before a crash.
        """
        # Optuna's Trial does not tell what was reported; the storage does, of before a crash too.
        known = self._study._storage.get_trial(self._trial._trial_id).intermediate_values
        if epoch not in known:
            self._trial.report(measured(), epoch)
        return not self._trial.should_prune()

    def end(self, value: float | None, *, stopped: bool) -> None:
        """Put down how it ended; None is a training that failed."""
        import optuna

        states = optuna.trial.TrialState
        with quiet_optuna():
            if value is None:
                self._study.tell(self._trial, state=states.FAIL)
            elif stopped:
                self._study.tell(self._trial, state=states.PRUNED)
            else:
                self._study.tell(self._trial, value)


def rungs_of(epochs: int, min_epochs: int, reduction: int) -> tuple[int, ...]:
    """Return the epochs after which is decided, ascending, all below ``epochs``."""
    rungs, rung = [], min_epochs
    # Strictly: after the last epoch nothing is left to be stopped.
    while rung < epochs:
        rungs.append(rung)
        rung *= reduction
    return tuple(rungs)
