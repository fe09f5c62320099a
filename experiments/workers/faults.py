"""Kill workers of one search with SIGKILL in mid-trial and count what is lost or doubled."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from surrobust.searches.sharing.ledger import Ledger, evaluations_of, settle
from surrobust.searches.sharing.storage import open_storage

COLUMNS = (
    "storage",
    "strategy",
    "run",
    "workers",
    "killed",
    "budget",
    "evaluations",
    "complete_trials",
    "lost",
    "doubled",
    "voided",
    "seconds",
)
WORKER = Path(__file__).with_name("worker.py")
HEARTBEAT, DURATION = 1.0, 0.5


def run_once(
    storage: str, study: str, strategy: str, folder: Path, *, budget: int, workers: int, kills: int
) -> dict[str, object]:
    """Run one search, kill some of its workers, and return what came of it."""
    log = folder / f"{uuid4().hex}.log"
    arguments = [storage, study, log, strategy, budget, DURATION, HEARTBEAT]
    command = [sys.executable, str(WORKER), *map(str, arguments)]
    start = time.monotonic()
    processes = [subprocess.Popen(command) for _ in range(workers)]
    try:
        left = [_kill_in_mid_trial(process, log) for process in processes[:kills]]
        codes = [process.wait() for process in processes[kills:]]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if any(codes):
        raise RuntimeError(f"workers ended with {codes}")
    claims = Ledger(open_storage(storage), study, {}, maximise=True).claims()
    found = evaluations_of(settle(claims, budget=budget, n_functions=4930), "table")
    measured = [evaluation.architecture.index for evaluation in found]
    ended = Counter(index for word, _, index in _read(log) if word == "ended")
    complete = Counter(c.architecture.index for c in claims if c.value is not None)
    return {
        "evaluations": len(measured),
        "complete_trials": complete.total(),
        "lost": len(set(left) - set(measured)),
        "doubled": sum((ended - Counter(set(ended))).values()) + len(measured) - len(set(measured)),
        "voided": sum(c.failed for c in claims) - kills,
        "seconds": round(time.monotonic() - start, 1),
    }


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
