"""What is lost or doubled where workers of one search are killed in mid-trial?"""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table
from experiments.workers.storages import STORAGES, opened
from surrobust.searches.sharing.ledger import Ledger, evaluations_of, settle
from surrobust.searches.sharing.storage import open_storage

WORKER = Path(__file__).with_name("worker.py")
RUNS = {"random": 3, "default": 1}
HEARTBEAT = 1.0


@dataclass(frozen=True)
class Row:
    storage: str
    strategy: str
    run: int
    workers: int
    killed: int
    budget: int
    evaluations: int
    complete_trials: int
    lost: int
    doubled: int
    voided: int
    seconds: Annotated[float, ".1f"]


def keys(
    strategies: tuple[str, ...] = tuple(RUNS),
    runs: range = range(max(RUNS.values())),
    storages: tuple[str, ...] = STORAGES,
) -> Iterator[Key]:
    for strategy, run, storage in product(strategies, runs, storages):
        if run < RUNS[strategy]:
            yield storage, strategy, run


def measure(
    storage: str,
    strategy: str,
    run: int,
    *,
    budget: int = 40,
    workers: int = 4,
    killed: int = 2,
    pause: float = 0.5,
) -> Row:
    """Run one search and kill some of its workers; count what came of it."""
    study = f"{strategy} {run}"
    with opened(storage) as place, TemporaryDirectory() as folder:
        log = Path(folder, "log")
        arguments = [place, study, log, strategy, budget, pause, HEARTBEAT]
        command = [sys.executable, str(WORKER), *map(str, arguments)]
        start = time.monotonic()
        left = run_and_kill(command, log, workers, killed)
        claims = Ledger(open_storage(place), study, {}, maximise=True).claims()
        seconds = time.monotonic() - start
        ended = Counter(index for word, _, index in _read(log) if word == "ended")
    found = evaluations_of(settle(claims, budget=budget, n_functions=4930), "table")
    measured = [each.architecture.index for each in found]
    complete = sum(claim.value is not None for claim in claims)
    lost = len(set(left) - set(measured))
    doubled = sum((ended - Counter(set(ended))).values()) + len(measured) - len(set(measured))
    voided = sum(claim.released for claim in claims) - killed
    told = (len(measured), complete, lost, doubled, voided, seconds)
    return Row(storage, strategy, run, workers, killed, budget, *told)


def run_and_kill(command: list[str], log: Path, workers: int, killed: int) -> list[int]:
    """Return what the killed were at, by index."""
    processes = [subprocess.Popen(command) for _ in range(workers)]
    try:
        left = [_kill_in_mid_trial(process, log) for process in processes[:killed]]
        codes = [process.wait() for process in processes[killed:]]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if any(codes):
        raise RuntimeError(f"workers ended with {codes}")
    return left


def _read(log: Path) -> list[tuple[str, int, int]]:
    lines = log.read_text().splitlines() if log.exists() else []
    return [(word, int(pid), int(index)) for word, pid, index in map(str.split, lines)]


def _in_mid_trial(process: subprocess.Popen, log: Path) -> int | None:
    own = [line for line in _read(log) if line[1] == process.pid]
    return own[-1][2] if len(own) > 2 and own[-1][0] == "begun" else None


def _kill_in_mid_trial(process: subprocess.Popen, log: Path) -> int:
    """Kill a worker in its second trial or later; return the index of the trial's cell."""
    while process.poll() is None:
        if _in_mid_trial(process, log) is not None:
            process.send_signal(signal.SIGSTOP)
            index = _in_mid_trial(process, log)
            if index is not None:
                process.send_signal(signal.SIGKILL)
                return index
            process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    raise RuntimeError("a worker ended before it could be killed")


def tables(rows: list[Row]) -> Lines:
    """What came of it by storage and strategy, from the least to the most."""
    heads = ["storage", "strategy", "runs", "killed", "evaluations", "complete trials", "lost"]
    body = []
    for storage, strategy in sorted({(row.storage, row.strategy) for row in rows}):
        own = [row for row in rows if (row.storage, row.strategy) == (storage, strategy)]
        killed = sum(row.killed for row in own)
        evaluations = f"{_span([row.evaluations for row in own])} of {own[0].budget}"
        names = ("complete_trials", "lost", "doubled", "voided", "seconds")
        spans = (_span([getattr(row, name) for row in own]) for name in names)
        body.append([storage, strategy, len(own), killed, evaluations, *spans])
    return table([*heads, "doubled", "voided claims", "seconds"], body)


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):g}", f"{max(values):g}"
    return low if low == high else f"{low}–{high}"


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("faults.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"faults": tables(rows)},
    smoke={
        "strategies": ["random"],
        "runs": [0],
        "storages": ["journal"],
        "budget": 8,
        "workers": 2,
        "killed": 1,
        "pause": 0.2,
    },
    order=lambda row: ([*RUNS].index(row.strategy), row.run, STORAGES.index(row.storage)),
)

if __name__ == "__main__":
    experiment.main()
