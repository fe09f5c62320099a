"""What does a prediction cost as a whole process, beside importing a library of others?

Every pair is run in turn, A B A B ..., and the median of the paired ratios is reported.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import table

COMMAND = str(Path(sys.executable).with_name("surrobust"))
PAIRS = {
    "predict / import xgboost": (
        [COMMAND, "predict", "2581"],
        [sys.executable, "-c", "import xgboost"],
    ),
    "import surrobust / import numpy": (
        [sys.executable, "-c", "import surrobust"],
        [sys.executable, "-c", "import numpy"],
    ),
}
SHOWN = {
    "predict / import xgboost": '`surrobust predict 2581` / `python -c "import xgboost"`',
    "import surrobust / import numpy": '`python -c "import surrobust"` / '
    '`python -c "import numpy"`',
}
ASKED = {"predict / import xgboost": "at most 1.5"}


@dataclass(frozen=True)
class Row:
    pair: str
    runs: int
    median: Annotated[float, ".3f"]
    min: Annotated[float, ".3f"]
    max: Annotated[float, ".3f"]
    median_seconds_a: Annotated[float, ".3f"]
    median_seconds_b: Annotated[float, ".3f"]


def keys() -> Iterator[Key]:
    yield from ((pair,) for pair in PAIRS)


def measure(pair: str, *, runs: int = 15) -> Row:
    """Time two commands in turn; the first round of each is not counted."""
    rounds = [[_seconds(command) for command in PAIRS[pair]] for _ in range(runs + 1)][1:]
    ratios = [a / b for a, b in rounds]
    seconds = map(statistics.median, zip(*rounds, strict=True))
    return Row(pair, runs, statistics.median(ratios), min(ratios), max(ratios), *seconds)


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def tables(rows: list[Row]) -> Lines:
    body = []
    for row in rows:
        ratios = (f"{ratio:.2f}" for ratio in (row.median, row.min, row.max))
        body.append([SHOWN[row.pair], *ratios, ASKED.get(row.pair)])
    return table([None, "median ratio", "min", "max", "asked"], body)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("processes.csv"),
    Row,
    keys,
    measure,
    lambda rows: {"processes": tables(rows)},
    smoke={"runs": 1},
    order=lambda row: list(PAIRS).index(row.pair),
)

if __name__ == "__main__":
    experiment.main()
