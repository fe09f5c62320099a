"""How much sooner does a search that knows other targets find the best cell, and what if it errs?

    python experiments/prior_search/run.py            # everything, resumable
    python experiments/prior_search/run.py --smoke    # one short search
    python experiments/prior_search/run.py --report   # only README's tables

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); appends
one row to ``results.csv`` after every run and writes the tables between the markers of
``README.md`` at the end.
"""

import argparse
import csv
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

import surrobust as sr
from surrobust.benchmark import TARGETS, split
from surrobust.processes.prior import PriorScores
from surrobust.sessions import make_search
from surrobust.sessions.prior import KnownTargets
from surrobust.tables import MeasurementTable

HERE = Path(__file__).parent
COLD = "none"
LEFT_OUT = ("images", "benchmark", COLD, "target")
BUDGETS = (5, 10, 20, 50)
SPENT = {"images": 20, "target": 20, "benchmark": 50, COLD: 50}
"""Evaluations of a run."""
PRIORS = {"images": 5, "target": 1, "benchmark": 2}
"""How many predictors are fitted for each; run s searches with the one of seed s modulo this."""
N_TRAIN = 5000
"""Cells that a prior is fitted to, of 6466."""
BENCHMARKS = ("nas-robbench-201", "jung2023")
COLUMNS = ("left_out", "target", "seed", *(f"regret_{b}" for b in BUDGETS), "found_at", "seconds")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Key = tuple[str, str, int]
Tables = dict[str, MeasurementTable]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--left-out", nargs="+", default=list(LEFT_OUT))
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="one search, no file")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    tables = {name: sr.load_table(name, data_dir=args.data_dir) for name in BENCHMARKS}
    if args.smoke:
        prior = make_prior("images", TARGETS[0], 0, tables, 300)
        print(search_once("images", TARGETS[0], 0, prior, tables))
        return
    if not args.report:
        _run_all(args, tables)
    if args.out.parent == HERE:
        _report(_read(args.out))


def search_once(
    left_out: str, target: str, seed: int, prior: KnownTargets | None, tables: Tables
) -> dict[str, object]:
    """Run one search on a table and return its row."""
    table = tables[sr.Target.parse(target).benchmark]
    values = table.values(target)
    start = time.process_time()
    search = make_search("default", seed=seed, prior=prior)
    regret = np.zeros(SPENT[left_out])  # also from the best cell on, where the search is stopped
    best = -np.inf
    for trial in range(len(regret)):
        (cell,) = search.ask()
        search.tell(cell, value := table.query(cell, target))
        best = max(best, value)
        regret[trial] = values.max() - best
        if best == values.max():
            break
    seconds = time.process_time() - start
    row: dict[str, object] = {"left_out": left_out, "target": target, "seed": seed}
    spent = [b for b in BUDGETS if b <= len(regret)]
    row |= {f"regret_{b}": f"{regret[b - 1]:.6f}" for b in spent}
    found = np.flatnonzero(regret == 0)
    return row | {"found_at": 1 + int(found[0]) if len(found) else "", "seconds": f"{seconds:.2f}"}


def known_targets(left_out: str, target: str, tables: Tables) -> list[str]:
    """Return what the prior may know of."""
    mine = sr.Target.parse(target)
    if left_out == "benchmark":
        foreign = [table for name, table in tables.items() if name != mine.benchmark]
        return [t for table in foreign for t in table.targets]
    others = [t for t in tables[mine.benchmark].targets if t != target]
    if left_out == "images":
        return [t for t in others if sr.Target.parse(t).images != mine.images]
    return others


def make_prior(
    left_out: str, target: str, seed: int, tables: Tables, n_train: int = N_TRAIN
) -> KnownTargets:
    """Fit a predictor to some cells, all that it may know, and ask it for every cell."""
    return KnownTargets(_scores(left_out, target, seed, tables, n_train), target)


def _scores(left_out: str, target: str, seed: int, tables: Tables, n_train: int) -> PriorScores:
    known = known_targets(left_out, target, tables)
    table = tables[sr.Target.parse(known[0]).benchmark]
    values = np.stack([table.values(t) for t in known], axis=1)
    chosen, _ = split(len(values), n_train=n_train, seed=seed)
    model = sr.make_predictor("default", process_weight=1.0, calibration_folds=0, seed=seed)
    model.fit([table.architectures[i] for i in chosen], values[chosen], targets=known)
    return PriorScores.of(model)


def _run_all(args: argparse.Namespace, tables: Tables) -> None:
    done = {_key(row) for row in _read(args.out)} if args.out.exists() else set()
    is_new = not args.out.exists()
    with args.out.open("a", newline="", buffering=1) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        for left_out in args.left_out:
            for fold in range(PRIORS.get(left_out, 1)):
                _run_fold(left_out, fold, args, tables, done, writer)
    rows = sorted(_read(args.out), key=_key)
    with args.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _run_fold(
    left_out: str,
    fold: int,
    args: argparse.Namespace,
    tables: Tables,
    done: set[Key],
    writer: "csv.DictWriter[str]",
) -> None:
    """Run all searches whose priors are fitted with one seed."""
    fitted: dict[tuple[str, ...], PriorScores] = {}
    for target in args.targets:
        seeds = range(fold, args.runs, PRIORS.get(left_out, 1))
        todo = [seed for seed in seeds if (left_out, target, seed) not in done]
        if not todo:
            continue
        prior = None
        if left_out != COLD:
            known = tuple(known_targets(left_out, target, tables))
            if known not in fitted:
                fitted[known] = _scores(left_out, target, fold, tables, N_TRAIN)
            prior = KnownTargets(fitted[known], target)
        for seed in todo:
            writer.writerow(search_once(left_out, target, seed, prior, tables))
        print(left_out, fold, target, len(todo), file=sys.stderr, flush=True)


def _key(row: dict[str, str]) -> Key:
    return row["left_out"], row["target"], int(row["seed"])


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _report(rows: list[dict[str, str]]) -> None:
    groups: dict[tuple[str, str], dict[int, dict[str, str]]] = defaultdict(dict)
    for row in rows:
        groups[row["left_out"], row["target"]][int(row["seed"])] = row
    lines = _means(groups)
    for target in TARGETS:
        lines += [f"\n### `{target}`"]
        lines += [
            "| prior leaves out | runs (priors) | " + " | ".join(f"regret {b}" for b in BUDGETS)
        ]
        lines[-1] += " | found 5 | 10 | 20 | 50 |"
        lines += ["|---" * 10 + "|"]
        lines += [_line(left_out, groups[left_out, target]) for left_out in LEFT_OUT]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


def _means(groups: dict[tuple[str, str], dict[int, dict[str, str]]]) -> list[str]:
    """Return the regret over that of the cold start, by benchmark, and whether it is less."""
    heads = "prior leaves out | runs of priors | budget | regret | cold | ratio | difference ± se"
    lines = [f"| targets | {heads} |", "|---" * 8 + "|"]
    for benchmark in BENCHMARKS:
        mine = [t for t in TARGETS if t.startswith(benchmark)]
        for left_out in LEFT_OUT:
            for budget in BUDGETS if left_out != COLD else ():
                each = [_pairs(groups[left_out, t], groups[COLD, t], budget) for t in mine]
                if any(len(pairs) < 2 for pairs in each):
                    continue
                warm, cold = (np.mean([p[:, i].mean() for p in each]) for i in (0, 1))
                ratio = f"{warm / cold:.2f}" if cold > 0 else "–"
                difference = f"{warm - cold:+.4f} ± {_standard_error(each, PRIORS[left_out])}"
                n = f"{len(each[0])} of {PRIORS[left_out]}"
                cells = (benchmark, left_out, n, budget, f"{warm:.4f}", f"{cold:.4f}", ratio)
                lines.append("| " + " | ".join(map(str, (*cells, difference))) + " |")
    return lines


def _standard_error(each: list[np.ndarray], priors: int) -> str:
    """Return the error of the mean difference over targets; of one prior there is none.

    Runs with one prior are not independent, and two priors may agree by chance: the larger of the
    errors of the priors' own means and of all runs.
    """
    if priors < 2:
        return "–"
    variance = 0.0
    for pairs in each:
        gains = pairs[:, 0] - pairs[:, 1]
        of_priors = [gains[prior::priors].mean() for prior in range(priors)]
        variance += max(np.var(x, ddof=1) / len(x) for x in (of_priors, gains))
    return f"{np.sqrt(variance) / len(each):.4f}"


def _pairs(
    warm: dict[int, dict[str, str]], cold: dict[int, dict[str, str]], budget: int
) -> np.ndarray:
    """Return the regrets of runs with the same seed, by ascending seed, ``(n, 2)``."""
    name = f"regret_{budget}"
    seeds = [s for s in sorted(warm) if s in cold and warm[s][name] and cold[s][name]]
    return np.array([[float(warm[s][name]), float(cold[s][name])] for s in seeds]).reshape(-1, 2)


def _line(left_out: str, rows: dict[int, dict[str, str]]) -> str:
    cells = []
    for budget in BUDGETS:
        found = [float(row[f"regret_{budget}"]) for row in rows.values() if row[f"regret_{budget}"]]
        cells.append(f"{np.mean(found):.4f} ± {np.std(found, ddof=1):.4f}" if found else "–")
    for budget in BUDGETS:
        if budget > SPENT[left_out]:
            cells.append("–")
            continue
        at = [int(row["found_at"] or 10**6) for row in rows.values()]
        cells.append(f"{np.mean([a <= budget for a in at]):.0%}" if at else "–")
    name = "no prior" if left_out == COLD else left_out
    n = len(rows) if left_out == COLD else f"{len(rows)} ({PRIORS[left_out]})"
    return f"| {name} | {n} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
