"""naszilla's local search and evolution: its authors' own functions, on our cells."""

import random
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, ClassVar
from unittest.mock import MagicMock

import numpy as np

from ...spaces import Architecture
from .base import AbstractPeer, Account

_UNUSED = (
    "matplotlib",
    "matplotlib.pyplot",
    "nas_201_api",
    "nasbench",
    "nasbench301",
    "tensorflow",
    "tensorflow.keras",
    "tensorflow.keras.models",
    "tensorflow.keras.optimizers",
    "naszilla.bo.bo.probo",
    "naszilla.gcn.train_gcn",
    "naszilla.nas_bench_101.cell_101",
    "naszilla.nas_bench_301.cell_301",
)
"""What naszilla imports for its predictors and its other benchmarks, of years ago."""


# Its own count has known cells in it: the account ends the search, by an error.
_ENDLESS = 10**9


class _SpentError(Exception):
    """The budget is spent; the authors' loops count queries, known ones too."""


class AbstractNaszillaPeer(AbstractPeer):
    """A function of ``naszilla.nas_algorithms`` with its defaults, until the budget is spent.

    White, Nolen & Savani, "Exploring the Loss Landscape in Neural Architecture Search" (UAI 2021).
    It calls for values, where others are asked and told.
    """

    libraries: ClassVar = {"naszilla": "pip install --no-deps naszilla"}

    def spend(self, measure: Callable[[Architecture], float]) -> list[Architecture]:
        """Spend the budget and return the representative of each evaluation.

        Args:
            measure: Representative to value, higher is better.
        """
        random.seed(self.seed)  # it draws from the global generators
        np.random.seed(self.seed)  # noqa: NPY002
        account = Account(measure, self.budget, max_repeats=self.max_repeats)
        with _without_unused():
            algorithms = import_module("naszilla.nas_algorithms")
            space = _space(account)
        with suppress(_SpentError):
            self._run(algorithms, space)
        return account.spent

    @abstractmethod
    def _run(self, algorithms: Any, space: Any) -> None:
        """Search without end."""


class NaszillaLocalSearch(AbstractNaszillaPeer):
    """``local_search``: climbs from the best of ten random cells, anew from each minimum."""

    def _run(self, algorithms: Any, space: Any) -> None:
        algorithms.local_search(space, total_queries=_ENDLESS, verbose=0)


class NaszillaContinuedSearch(AbstractNaszillaPeer):
    """``local_search(stop_at_minimum=False)``: from a minimum it climbs from the next best cell."""

    def _run(self, algorithms: Any, space: Any) -> None:
        algorithms.local_search(space, stop_at_minimum=False, total_queries=_ENDLESS, verbose=0)


class NaszillaEvolution(AbstractNaszillaPeer):
    """``evolution_search``: regularised, a population of 30, tournaments of 10."""

    def _run(self, algorithms: Any, space: Any) -> None:
        algorithms.evolution_search(space, total_queries=_ENDLESS, verbose=0)


def _space(account: Account) -> Any:
    """Return naszilla's NAS-Bench-201 with values from the account instead of its table."""
    from naszilla.nas_benchmarks import Nasbench201

    class Space(Nasbench201):
        def __init__(self) -> None:
            # Its constructor would read its table.
            self.nasbench = self.index_hash = None

        def query_arch(self, arch: dict[str, str] | None = None, **_: Any) -> dict[str, Any]:
            if account.is_spent:
                raise _SpentError
            # Called without a cell it has to draw one.
            spec = arch or self.get_cell().random_cell(None)
            return {"spec": spec, "val_loss": -account.value_of(Architecture.parse(spec["string"]))}

    return Space()


@contextmanager
def _without_unused() -> Iterator[None]:
    """Let naszilla be imported without the libraries that its searches do not call."""
    # What was imported before comes back: a mock must not stay for others to find.
    before = {name: sys.modules.get(name) for name in _UNUSED}
    sys.modules.update({name: MagicMock() for name in _UNUSED})
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
