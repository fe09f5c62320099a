"""One worker of ``faults.py``: a process that searches a study and notes what it measures.

python worker.py STORAGE STUDY LOG STRATEGY BUDGET SECONDS HEARTBEAT
"""

import os
import sys
import time
from pathlib import Path

from surrobust.searches.sharing import lease
from surrobust.sessions import run_search
from surrobust.tables import load_table

TARGET = "nas-robbench-201/cifar10/pgd-8"


def main() -> None:
    storage, study, log, strategy, budget, seconds, heartbeat = sys.argv[1:]
    # As if on a machine of its own: that it is dead, others learn from its silence only.
    lease._machine = lambda: f"host-{os.getpid()}"
    table = load_table("nas-robbench-201")

    def note(word: str, index: int) -> None:
        with Path(log).open("a") as file:
            file.write(f"{word} {os.getpid()} {index}\n")

    def measure(cell):
        note("begun", cell.index)
        time.sleep(float(seconds))
        note("ended", cell.index)
        return table.query(cell, TARGET)

    run_search(
        measure,
        budget=int(budget),
        strategy=strategy,
        storage=storage,
        study=study,
        heartbeat=float(heartbeat),
    )


if __name__ == "__main__":
    main()
