"""Learning curves of the predictors on the eight targets, beside the peers' published rows.

    python experiments/predictors/run.py --jobs 2            # everything, resumable
    python experiments/predictors/run.py --smoke             # seconds
    python experiments/predictors/run.py --report            # only README's tables and the figure

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); writes
``results.csv`` after every score and the tables between the markers of ``README.md`` at the end.
"""

import argparse
import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from surrobust.benchmark import TARGETS, TRAINING_SIZES, Score, learning_curves, read_scores

HERE = Path(__file__).parent
PREDICTORS = ("default", "gp", "ensemble", "random_forest", "xgboost", "gnn")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictors", nargs="+", default=list(PREDICTORS))
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(TRAINING_SIZES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="one small score of each predictor")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        args.sizes, args.seeds, args.targets = [20], 1, args.targets[:1]
    if not args.report:
        learning_curves(
            args.predictors,
            targets=args.targets,
            training_sizes=args.sizes,
            seeds=range(args.seeds),
            out=args.out,
            jobs=args.jobs,
            data_dir=args.data_dir,
            progress=_tell,
        )
    if not args.smoke:
        _report(read_scores(args.out))


def _tell(done: int, total: int, score: Score) -> None:
    name = f"{score.predictor} {score.target} N={score.n_train} seed={score.seed}"
    print(f"[{done}/{total}] {name}: tau {score.kendall_tau:.4f}", file=sys.stderr, flush=True)


def _peers() -> dict[tuple[str, int], tuple[float, str]]:
    """Return the best peer's tau and name by target and N, from the committed facts."""
    best: dict[tuple[str, int], tuple[float, str]] = {}
    with (HERE / "peers.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            key = row["target"], int(row["n_train"])
            best[key] = max(best.get(key, (-1.0, "")), (float(row["kendall_tau"]), row["peer"]))
    return best


def _report(scores: list[Score]) -> None:
    taus: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for score in scores:
        taus[score.predictor, score.target, score.n_train].append(score.kendall_tau)
    peers = _peers()
    lines: list[str] = []
    for target in TARGETS:
        lines += [f"\n### `{target}`", "| | " + " | ".join(map(str, TRAINING_SIZES)) + " |"]
        lines.append("|---" * (len(TRAINING_SIZES) + 1) + "|")
        cells = [f"{peers[target, n][0]:.3f} ({peers[target, n][1]})" for n in TRAINING_SIZES]
        lines.append("| best peer | " + " | ".join(cells) + " |")
        for name in PREDICTORS:
            cells = [_cell(taus.get((name, target, n), [])) for n in TRAINING_SIZES]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)


def _cell(values: list[float]) -> str:
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.3f} (n = 1)"
    count = "" if len(values) >= 5 else f" (n = {len(values)})"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}{count}"


if __name__ == "__main__":
    main()
