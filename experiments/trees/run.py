"""What do tuning inside the split and the other targets' values add to boosted trees?

    python experiments/trees/run.py                   # resumable
    python experiments/trees/run.py --smoke           # seconds
    python experiments/trees/run.py --report          # only README's tables

Ways: ``as is`` and ``tuned`` see one target; ``multi`` and ``both`` are fitted to all targets of
the benchmark, measured on the same N cells, in trees whose leaves hold a value for each. Reads the
tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); writes
``results.csv`` after every fit and the table between the markers of ``README.md`` at the end.
"""

import argparse
import csv
import io
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from surrobust._files import write_text
from surrobust.benchmark import TARGETS
from surrobust.benchmark.predictors.protocol import split
from surrobust.metrics import kendall_tau
from surrobust.predictors import make_predictor
from surrobust.tables import load_table
from surrobust.targets import targets_of

HERE = Path(__file__).parent
PEERS = HERE.parent / "predictors" / "peers.csv"
WAYS = ("as is", "multi", "tuned", "both")
SIZES = (50, 200, 1000)
FIELDS = ("way", "target", "n_train", "seed", "kendall_tau", "seconds")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Scores = dict[tuple[str, str, int, int], tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="one small fit of each way")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        args.sizes, args.seeds, args.trials, args.targets = [20], [0], 2, args.targets[:1]
    scores = read(args.out)
    if not args.report:
        for n in args.sizes:
            for seed in args.seeds:
                for way in args.ways:
                    for found in measure(way, n, seed, args, scores):
                        scores |= found
                        write(args.out, scores)
    if not args.smoke:
        report(scores)


def measure(
    way: str, n: int, seed: int, args: argparse.Namespace, known: Scores
) -> Iterator[Scores]:
    """Yield the scores that are not known yet, fit by fit."""
    wanted = [target for target in args.targets if (way, target, n, seed) not in known]
    if way in ("as is", "tuned"):
        fits = [([target], (target,)) for target in wanted]
    else:
        homes: dict[str, list[str]] = defaultdict(list)
        for target in wanted:
            homes[target.split("/")[0]].append(target)
        fits = [(mine, targets_of(home)) for home, mine in homes.items()]
    for judged, learnt in fits:
        yield score(way, judged, learnt, n, seed, args)


def score(
    way: str,
    judged: list[str],
    learnt: tuple[str, ...],
    n: int,
    seed: int,
    args: argparse.Namespace,
) -> Scores:
    """Fit to the targets learnt, judge those asked for on all held-out cells."""
    table = load_table(judged[0].split("/")[0], data_dir=args.data_dir)
    cells = list(table.architectures)
    values = np.column_stack([table.values(target) for target in learnt])
    train, test = split(len(cells), n_train=n, seed=seed)
    start = time.process_time()
    model = make_predictor(
        "xgboost",
        tune=args.trials if way in ("tuned", "both") else 0,
        calibration_folds=0,
        seed=seed,
    )
    model.fit([cells[i] for i in train], values[train], targets=learnt)
    predicted = model.predict([cells[i] for i in test])
    seconds = time.process_time() - start
    found = {}
    for target in judged:
        column = learnt.index(target)
        tau = kendall_tau(values[test, column], predicted[:, column])
        found[way, target, n, seed] = (tau, seconds)
        print(way, target, n, seed, f"tau {tau:.4f}", model.params_, file=sys.stderr, flush=True)
    return found


def read(path: Path) -> Scores:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {
            (r["way"], r["target"], int(r["n_train"]), int(r["seed"])): (
                float(r["kendall_tau"]),
                float(r["seconds"]),
            )
            for r in csv.DictReader(file)
        }


def write(path: Path, scores: Scores) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for key, (tau, seconds) in sorted(scores.items()):
        writer.writerow([*key, f"{tau:.6g}", f"{seconds:.3g}"])
    write_text(path, text.getvalue())


def report(scores: Scores) -> None:
    with PEERS.open(newline="") as file:
        peers = {
            (row["target"], int(row["n_train"])): float(row["kendall_tau"])
            for row in csv.DictReader(file)
            if row["peer"] == "graf/xgb"
        }
    sizes = sorted({key[2] for key in scores})
    lines = ["\n| target | way | " + " | ".join(f"N = {n}" for n in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 2) + "|")
    for target in TARGETS:
        told = [f"{peers[target, n]:.3f}" for n in sizes]
        lines.append(f"| `{target}` | graf/xgb, the best peer's | " + " | ".join(told) + " |")
        for way in WAYS:
            cells = [_cell(scores, way, target, n) for n in sizes]
            lines.append(f"| | {way} | " + " | ".join(cells) + " |")
    for way in WAYS[1:]:
        cells = [_gain(scores, way, n) for n in sizes]
        lines.append(f"| gain over as is, paired | {way} | " + " | ".join(cells) + " |")
    for way in WAYS:
        cells = [_seconds(scores, way, n) for n in sizes]
        lines.append(f"| CPU seconds of fit and prediction | {way} | " + " | ".join(cells) + " |")
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)


def _cell(scores: Scores, way: str, target: str, n: int) -> str:
    taus = [v[0] for k, v in scores.items() if k[:3] == (way, target, n)]
    if len(taus) < 2:
        return f"{taus[0]:.3f} (n = 1)" if taus else "–"
    return f"{np.mean(taus):.3f} ± {np.std(taus, ddof=1):.3f} (n = {len(taus)})"


def _gain(scores: Scores, way: str, n: int) -> str:
    gains = [
        tau - scores["as is", target, size, seed][0]
        for (kind, target, size, seed), (tau, _) in scores.items()
        if (kind, size) == (way, n)
    ]
    if len(gains) < 2:
        return "–"
    wins = sum(gain > 0 for gain in gains)
    return f"{np.mean(gains):+.4f} ± {np.std(gains, ddof=1):.4f} ({wins} of {len(gains)} up)"


def _seconds(scores: Scores, way: str, n: int) -> str:
    seconds = [v[1] for k, v in scores.items() if (k[0], k[2]) == (way, n)]
    return f"{np.mean(seconds):.1f}" if seconds else "–"


if __name__ == "__main__":
    main()
