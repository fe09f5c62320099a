"""Tree-structured Parzen estimator, by Optuna."""

from collections.abc import Iterable
from typing import Any

from ..._checks import check_integer
from ..._optuna import quiet_optuna
from ...spaces import OPS, AbstractSearchSpace, Architecture
from ...typing import Seed
from ..base import AbstractSearch
from ..sharing.ledger import PARAMETERS


class TPESearch(AbstractSearch):
    """Optuna's ``TPESampler`` over six categorical parameters, one per edge.

    Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NeurIPS 2011). A suggestion
    that computes what was measured before costs no evaluation: the sampler is told the known
    value and asked again, at most ``max_repeats`` times; then a random architecture is drawn.

    Args:
        space: The search space.
        n_initial: Random architectures at the start.
        max_repeats: Known suggestions in a row before a random architecture is drawn.
        candidates: The architectures that may be asked for; None means all of the space.
        seed: Seed or generator of every random choice.
    """

    def __init__(
        self,
        space: AbstractSearchSpace[Architecture],
        *,
        n_initial: int = 10,
        # Each time the sampler is asked again on all that it was told: with many evaluations that
        # is most of what a suggestion costs (experiments/search_overhead).
        max_repeats: int = 20,
        candidates: Iterable[Any] | None = None,
        seed: Seed = 0,
    ) -> None:
        super().__init__(space, candidates=candidates, seed=seed)
        self.max_repeats = check_integer("max_repeats", max_repeats, minimum=0)
        import optuna

        self.n_initial = check_integer("n_initial", n_initial, minimum=1)
        with quiet_optuna():
            self._study = optuna.create_study(direction="maximize", sampler=self._sampler())
        choices = optuna.distributions.CategoricalDistribution(OPS)
        self._distributions: dict[str, Any] = dict.fromkeys(PARAMETERS, choices)
        self._trials: dict[Architecture, Any] = {}
        self._by_function: dict[str, float] = {}

    def _sampler(self) -> Any:
        import optuna

        return optuna.samplers.TPESampler(
            n_startup_trials=self.n_initial,
            multivariate=True,
            seed=int(self.rng.integers(2**31 - 1)),
        )

    def _reseeded(self) -> None:
        with quiet_optuna():
            self._study.sampler = self._sampler()

    def _propose(self) -> Architecture:
        for _ in range(self.max_repeats + 1):
            with quiet_optuna():
                trial = self._study.ask(self._distributions)
            cell = Architecture(tuple(OPS.index(trial.params[name]) for name in PARAMETERS))
            chosen = self.open_representative(cell)
            if chosen is not None:
                self._trials[chosen] = trial
                return chosen
            self._tell_known(trial, cell)
        return self.draw_open()

    def _learn(self, architecture: Architecture, value: float) -> None:
        import optuna

        self._by_function[architecture.function_class] = value
        trial = self._trials.pop(architecture, None)
        if trial is not None:
            self._study.tell(trial, value)
            return
        params = {name: OPS[op] for name, op in zip(PARAMETERS, architecture.ops, strict=True)}
        self._study.add_trial(
            optuna.create_trial(params=params, distributions=self._distributions, value=value)
        )

    def _tell_known(self, trial: Any, cell: Architecture) -> None:
        """Report what is known of a cell that may not be asked for: its twin's value, or none."""
        import optuna

        known = self._by_function.get(cell.function_class)
        if known is None:
            # Its twin is awaited, or may not be asked for: the sampler leaves failed trials out.
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, known)
