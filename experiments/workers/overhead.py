"""What does one evaluation's traffic with a storage cost a worker: look, claim, look, report?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from experiments.workers.storages import STORAGES, opened
from surrobust.searches.sharing.ledger import Ledger
from surrobust.searches.sharing.storage import open_storage
from surrobust.spaces import NASBench201

TIMES = 20


@dataclass(frozen=True)
class Row:
    storage: str
    claims_before: int
    cpu_milliseconds: Annotated[float, ".1f"]


def keys(
    storages: tuple[str, ...] = STORAGES, claims_before: tuple[int, ...] = (0, 100)
) -> Iterator[Key]:
    yield from product(storages, claims_before)


def measure(storage: str, claims_before: int) -> Row:
    """CPU time of this process, not of the server's."""
    with opened(storage) as place:
        ledger = Ledger(open_storage(place), "overhead", {}, maximise=True)
        cells = iter(NASBench201())
        for _ in range(claims_before):
            ledger.complete(ledger.claim(next(cells), "worker"), 0.5)
        start = time.process_time()
        for _ in range(TIMES):
            ledger.claims()
            claim = ledger.claim(next(cells), "worker")
            ledger.claims()
            ledger.complete(claim, 0.5)
        seconds = time.process_time() - start
    return Row(storage, claims_before, seconds / TIMES * 1000)


def tables(rows: list[Row]) -> Lines:
    return table(
        ["storage", "claims before", "CPU ms per evaluation"],
        ([row.storage, row.claims_before, f"{row.cpu_milliseconds:.1f}"] for row in rows),
    )


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("overhead.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"overhead": tables(rows)},
    smoke={"storages": ["journal"], "claims_before": [0]},
    order=lambda row: (STORAGES.index(row.storage), row.claims_before),
)

if __name__ == "__main__":
    experiment.main()
