"""How near each strategy comes to the best cell in 20, 50 and 100 evaluations, beside the peers.

    python experiments/search/run.py --jobs 2            # everything, resumable
    python experiments/search/run.py --smoke             # a minute
    python experiments/search/run.py --report            # only README's tables

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); appends
one row to ``results.csv`` after every run and writes the tables between the markers of
``README.md`` at the end.
"""

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

from surrobust.benchmark import TARGETS
from surrobust.objectives import make_search
from surrobust.searches import run
from surrobust.tables import load_table
from surrobust.targets import Target

HERE = Path(__file__).parent
STRATEGIES = ("default", "local_search", "evolution", "tpe", "random")
BUDGETS = (20, 50, 100)
COLUMNS = (
    "strategy",
    "target",
    "seed",
    *(f"regret_{b}" for b in BUDGETS),
    *(f"rank_{b}" for b in BUDGETS),
    "seconds",
)
HEADER = "| | runs | regret 20 | 50 | 100 | rank 50 | found 50 | 100 |"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Key = tuple[str, str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="one run of each strategy, no file")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        for name in args.strategies:
            print(search_once(name, args.targets[0], 0, args.data_dir))
        return
    if not args.report:
        _run_all(args)
    _report(_read(args.out))


def search_once(strategy: str, target: str, seed: int, data_dir: str | None) -> dict[str, object]:
    """Run one search on a table for 100 evaluations and return its row."""
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    values = table.values(target)
    start = time.perf_counter()
    evaluations = run(
        make_search(strategy, seed=seed),
        lambda cell: table.query(cell, target),
        budget=max(BUDGETS),
        source="table",
    )
    seconds = time.perf_counter() - start
    found = np.maximum.accumulate([e.value for e in evaluations])
    row: dict[str, object] = {"strategy": strategy, "target": target, "seed": seed}
    row |= {f"regret_{b}": f"{values.max() - found[b - 1]:.6f}" for b in BUDGETS}
    row |= {f"rank_{b}": 1 + int(np.sum(values > found[b - 1])) for b in BUDGETS}
    return row | {"seconds": f"{seconds:.2f}"}


def _run_all(args: argparse.Namespace) -> None:
    known = {_key(row) for row in _read(args.out)} if args.out.exists() else set()
    wanted = [(s, t, r) for s in args.strategies for r in range(args.runs) for t in args.targets]
    todo = [key for key in wanted if key not in known]
    new = not args.out.exists()
    with args.out.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        for done, row in enumerate(_rows(todo, args), start=1):
            writer.writerow(row)
            file.flush()
            name = f"{row['strategy']} {row['target']} seed={row['seed']}"
            print(f"[{done}/{len(todo)}] {name}: {row['regret_50']}", file=sys.stderr, flush=True)
    rows = sorted(_read(args.out), key=_key)
    with args.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _rows(todo: list[Key], args: argparse.Namespace) -> Iterator[dict[str, object]]:
    if args.jobs == 1:
        for key in todo:
            yield search_once(*key, args.data_dir)
        return
    with ProcessPoolExecutor(max_workers=args.jobs) as pool:
        futures = [pool.submit(search_once, *key, args.data_dir) for key in todo]
        for future in as_completed(futures):
            yield future.result()


def _key(row: dict[str, str]) -> Key:
    return row["strategy"], row["target"], int(row["seed"])


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _report(rows: list[dict[str, str]]) -> None:
    groups: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        groups[row["target"], row["strategy"]].append(row)
    peers = _read(HERE / "peers.csv")
    lines: list[str] = []
    for target in TARGETS:
        lines += [f"\n### `{target}`", HEADER, "|---" * 8 + "|"]
        lines += [_row(name, groups[target, name]) for name in STRATEGIES if groups[target, name]]
        lines += [_peer_row(row) for row in peers if row["target"] == target]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)


def _row(name: str, rows: list[dict[str, str]]) -> str:
    regret = {b: np.array([float(row[f"regret_{b}"]) for row in rows]) for b in BUDGETS}
    cells = [f"{regret[b].mean():.4f} ± {regret[b].std(ddof=1):.4f}" for b in BUDGETS]
    cells.append(f"{np.median([float(row['rank_50']) for row in rows]):g}")
    cells += [f"{np.mean([row[f'rank_{b}'] == '1' for row in rows]):.0%}" for b in (50, 100)]
    return f"| **{name}** | {len(rows)} | " + " | ".join(cells) + " |"


def _peer_row(row: dict[str, str]) -> str:
    names = ("runs", *(f"regret_{b}" for b in BUDGETS), "rank_50")
    cells = [row[name] or "-" for name in names]
    return f"| {row['peer']} | " + " | ".join(cells) + " | | |"


if __name__ == "__main__":
    main()
