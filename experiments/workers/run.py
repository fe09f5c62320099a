"""What becomes of a search whose workers are killed, and what parallel workers cost in regret.

    python experiments/workers/run.py               # everything, resumable
    python experiments/workers/run.py --smoke       # a minute, no file
    python experiments/workers/run.py --report      # only README's tables

PostgreSQL is started by the script from its installed programs and stopped at the end.
"""

import argparse
import csv
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import faults
import numpy as np
import parallel
from postgres import server

from surrobust._files import write_text
from surrobust.searches.sharing.ledger import Ledger
from surrobust.searches.sharing.storage import open_storage
from surrobust.spaces import NASBench201

HERE = Path(__file__).parent
FAULT_RUNS = {"random": 3, "default": 1}
STEPS = ("overhead", "faults", "parallel")
OVERHEAD_COLUMNS = ("storage", "claims_before", "cpu_milliseconds")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--seeds", type=int, default=12, help="searches of a parallel mode")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped
    if args.smoke:
        with _places() as (places, folder):
            _smoke(places, folder)
        return
    if not args.report:
        if "overhead" in args.steps or "faults" in args.steps:
            with _places() as (places, folder):
                if "overhead" in args.steps:
                    _overhead(places)
                if "faults" in args.steps:
                    _faults(places, folder)
        if "parallel" in args.steps:
            _parallel(args.seeds)
    _report()


@contextmanager
def _places() -> Iterator[tuple[dict[str, str], Path]]:
    """Yield a storage of each kind and a folder for logs."""
    with server() as url, tempfile.TemporaryDirectory() as folder:
        yield {"postgresql": url, "journal": str(Path(folder) / "journal")}, Path(folder)


def _smoke(places: dict[str, str], folder: Path) -> None:
    options = {"budget": 12, "workers": 3, "kills": 1}
    for name, place in places.items():
        print(name, faults.run_once(place, "smoke", "random", folder, **options))
    print(parallel.run_once("workers 4", 0))


def _faults(places: dict[str, str], folder: Path) -> None:
    def measure(key: Row) -> Row:
        study = f"{key['strategy']} {key['run']}"
        options = {"budget": 40, "workers": 4, "kills": 2}
        place = places[str(key["storage"])]
        row = faults.run_once(place, study, str(key["strategy"]), folder, **options)
        return {"workers": 4, "killed": 2, "budget": 40, **row}

    keys = [
        {"storage": storage, "strategy": strategy, "run": run}
        for strategy, runs in FAULT_RUNS.items()
        for run in range(runs)
        for storage in places
    ]
    _fill(HERE / "faults.csv", faults.COLUMNS, keys, measure)


def _parallel(seeds: int) -> None:
    keys = [{"mode": mode, "seed": seed} for seed in range(seeds) for mode in parallel.MODES]
    measure = lambda key: parallel.run_once(key["mode"], int(str(key["seed"])))  # noqa: E731
    _fill(HERE / "parallel.csv", parallel.COLUMNS, keys, measure)


def _overhead(places: dict[str, str]) -> None:
    """Time one evaluation's traffic with a storage: look, claim, look, report."""

    def measure(key: Row) -> Row:
        ledger = Ledger(open_storage(places[str(key["storage"])]), "overhead", {}, maximise=True)
        cells = iter(list(NASBench201())[len(ledger.claims()) :])
        while len(ledger.claims()) < int(str(key["claims_before"])):
            ledger.complete(ledger.claim(next(cells), "worker"), 0.5)
        start = time.process_time()
        for _ in range(20):
            ledger.claims()
            claim = ledger.claim(next(cells), "worker")
            ledger.claims()
            ledger.complete(claim, 0.5)
        return {"cpu_milliseconds": f"{(time.process_time() - start) / 20 * 1000:.1f}"}

    keys = [{"storage": name, "claims_before": n} for name in places for n in (0, 100)]
    _fill(HERE / "overhead.csv", OVERHEAD_COLUMNS, keys, measure)


def _fill(
    path: Path, columns: Sequence[str], keys: Iterable[Row], measure: Callable[[Row], Row]
) -> None:
    """Measure the rows that a file does not have yet; write it after each of them."""
    rows = _read(path)
    for key in keys:
        if any(all(row[name] == str(value) for name, value in key.items()) for row in rows):
            continue
        row = {name: str(value) for name, value in {**key, **measure(key)}.items()}
        rows.append(row)
        print(row, flush=True)
        lines = [",".join(columns), *(",".join(r[c] for c in columns) for r in rows)]
        write_text(path, "\n".join(lines) + "\n")


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _report() -> None:
    lines = ["", "| storage | strategy | runs | killed | evaluations | complete trials | lost |"]
    lines[-1] += " doubled | voided claims | seconds |"
    lines.append("|---" * 10 + "|")
    rows = _read(HERE / "faults.csv")
    for storage, strategy in sorted({(r["storage"], r["strategy"]) for r in rows}):
        own = [r for r in rows if (r["storage"], r["strategy"]) == (storage, strategy)]
        spans = [_span(own, column) for column in faults.COLUMNS[6:]]
        killed = sum(int(r["killed"]) for r in own)
        budget = own[0]["budget"]
        cells = [storage, strategy, len(own), killed, f"{spans[0]} of {budget}", *spans[1:]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", "| how `default` is asked | runs | regret 20 | regret 50 |", "|---|---|---|---|"]
    rows = _read(HERE / "parallel.csv")
    for mode in parallel.MODES:
        own = [r for r in rows if r["mode"] == mode]
        shown = [_mean([float(r[f"regret_{b}"]) for r in own]) for b in parallel.BUDGETS]
        lines.append(f"| {mode} | {len(own)} | {shown[0]} | {shown[1]} |")
    lines += ["", "| storage | claims before | CPU ms per evaluation |", "|---|---|---|"]
    for row in _read(HERE / "overhead.csv"):
        lines.append(f"| {row['storage']} | {row['claims_before']} | {row['cpu_milliseconds']} |")
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)


def _span(rows: Sequence[dict[str, str]], column: str) -> str:
    values = sorted({float(row[column]) for row in rows})
    low, high = f"{values[0]:g}", f"{values[-1]:g}"
    return low if low == high else f"{low}–{high}"


def _mean(values: Sequence[float]) -> str:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{np.mean(values):.4f} ± {error:.4f}"


if __name__ == "__main__":
    main()
