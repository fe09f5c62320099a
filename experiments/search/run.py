"""How near each strategy comes to the best cell in 20, 50 and 100 evaluations, beside the peers.

    python experiments/search/run.py --jobs 2            # everything, resumable
    python experiments/search/run.py --smoke             # a minute
    python experiments/search/run.py --report            # only README's tables and the figure

Runs are the library's (``surrobust benchmark searches``), kept in ``runs.csv``; those of others
need their libraries (the extra ``peers``, and what README.md says). Tables are found as the package
finds them (``--data-dir``, ``SURROBUST_DATA``, per-user cache).
"""

import argparse
import csv
import sys
from pathlib import Path

from surrobust._files import write_text
from surrobust.benchmark import TARGETS
from surrobust.benchmark.panels import write_regret_figure
from surrobust.benchmark.searches import (
    BUDGETS,
    SearchRun,
    SearchStanding,
    read_runs,
    regrets,
    run_searches,
    search_once,
    search_standings,
)

HERE = Path(__file__).parent
OURS = {
    "default": 50,
    "local_search": 50,
    "evolution": 50,
    "tpe": 50,
    "nsga2": 20,
    "zero_cost": 20,
    "random": 50,
}
PEERS = {
    "gp-paths": 50,
    "botorch": 50,
    "nasbowl": 50,
    "optuna-gp": 50,
    "optuna-tpe": 50,
    "optuna-nsgaii": 20,
    "optuna-random": 20,
    "naszilla-local-search": 50,
    "naszilla-local-search-on": 50,
    "naszilla-evolution": 50,
    "smac": 20,
    "hebo": 20,
}
"""Runs of each."""
STRATEGIES = OURS | PEERS
DRAWN = ("default", "local_search", "evolution", "random", "gp-paths", "nasbowl", "optuna-tpe")
"""What is in the figure."""
LEAST = 5
"""Runs without which a strategy is not in the tables."""
ONLY_AT_50 = ("smac", "hebo")
"""Those that take minutes a run."""
HEADER = "| | runs | regret 20 | 50 | 100 | found 50 | 100 | behind `default` at 50 | p |"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--seeds", type=int, help="only so many of each strategy")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "runs.csv")
    parser.add_argument("--smoke", action="store_true", help="one run of each strategy, no file")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        for name in args.strategies:
            if name not in ONLY_AT_50:
                print(search_once(name, args.targets[0], budget=100, seed=0))
        return
    for name in () if args.report else args.strategies:
        _run(name, args)
    _report(args)


def _run(name: str, args: argparse.Namespace) -> None:
    run_searches(
        [name],
        targets=args.targets,
        budgets=[50] if name in ONLY_AT_50 else BUDGETS,
        seeds=range(min(STRATEGIES[name], args.seeds or STRATEGIES[name])),
        out=args.out,
        jobs=args.jobs,
        data_dir=args.data_dir,
        progress=_tell,
    )


def _tell(done: int, total: int, run: SearchRun) -> None:
    print(f"[{done}/{total}] {run.strategy} {run.target} {run.seed}", file=sys.stderr, flush=True)


def _read(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _report(args: argparse.Namespace) -> None:
    runs = read_runs(args.out)
    reached = regrets(runs, BUDGETS, data_dir=args.data_dir)
    standings = {(s.target, s.strategy, s.evaluations): s for s in search_standings(reached)}
    peers = _read("peers.csv")
    lines: list[str] = []
    for target in TARGETS:
        lines += [f"\n### `{target}`", HEADER, "|---" * 9 + "|"]
        for name in STRATEGIES:
            found = [standings.get((target, name, budget)) for budget in BUDGETS]
            if any(s is not None and s.n >= LEAST for s in found):
                lines.append(_row(name, found))
        lines += [_peer_row(row) for row in peers if row["target"] == target]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    write_text(readme, head + BEGIN + "\n".join(lines) + "\n" + END + tail)
    drawn = [run for run in runs if run.strategy in DRAWN]
    write_regret_figure(HERE / "regret.png", drawn, data_dir=args.data_dir)


def _row(name: str, found: list[SearchStanding | None]) -> str:
    at_50, at_100 = found[1], found[2]
    cells = [f"{s.regret:.4f} ± {s.regret_sd:.4f}" if s else "-" for s in found]
    cells += [f"{s.found_best:.0%}" if s else "" for s in (at_50, at_100)]
    if name == "default" or at_50 is None or not at_50.paired:
        cells += ["", ""]
    else:
        cells += [f"{at_50.difference:+.4f}", f"{at_50.p_value:.1g}"]
    n = next(s.n for s in found if s is not None)
    shown = f"**{name}**" if name in OURS else name
    return f"| {shown} | {n} | " + " | ".join(cells) + " |"


def _peer_row(row: dict[str, str]) -> str:
    names = ("runs", *(f"regret_{b}" for b in BUDGETS))
    cells = [row[name] or "-" for name in names]
    return f"| {row['peer']} | " + " | ".join(cells) + " | | | | |"


if __name__ == "__main__":
    main()
