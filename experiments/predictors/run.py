"""Learning curves of the predictors on the eight targets, beside the peers' published rows.

    python experiments/predictors/run.py --jobs 2            # everything, resumable
    python experiments/predictors/run.py --smoke             # seconds
    python experiments/predictors/run.py --report            # only README's tables and the figure

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); writes
``results.csv`` after every score and the tables between the markers of ``README.md`` at the end.
Peers' rows come from ``peers.csv`` (earlier runs, means alone) and ``peers_runs.csv`` (peers.py).
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from surrobust import Target
from surrobust.benchmark import (
    BASELINE,
    TARGETS,
    TRAINING_SIZES,
    Score,
    learning_curves,
    read_scores,
    standings,
)
from surrobust.benchmark.panels import write_figure

HERE = Path(__file__).parent
NOISE = HERE.parent / "noise" / "results.csv"
PEERS = HERE / "peers_runs.csv"
PREDICTORS = ("default", "gp", "random_forest", "xgboost", BASELINE)
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
ASKED = {
    "nas-robbench-201": {50: 0.82, 200: 0.92, 1000: 0.96, 5000: 0.985},
    "jung2023": {50: 0.62, 200: 0.76, 1000: 0.89, 5000: 0.96},
}
"""Mean share of the ceiling that was asked for, before anything was measured."""
CLASSES = ("expressions", "networks")
"""Which cells count as one network trained again: see ``experiments/noise``."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictors", nargs="+", default=list(PREDICTORS))
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(TRAINING_SIZES))
    parser.add_argument("--seeds", type=int, default=10)
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


def _peers(here: list[Score]) -> dict[tuple[str, int], tuple[float, str]]:
    """Return the best peer's mean tau and name by target and N, of earlier runs and those here."""
    known: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
    with (HERE / "peers.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            told = f"{row['peer']}, n = {row['splits']}"
            known[row["target"], int(row["n_train"])].append((float(row["kendall_tau"]), told))
    for (name, target, n), taus in _by_split(here).items():
        told = f"{name}, n = {len(taus)}"
        known[target, n].append((float(np.mean(list(taus.values()))), told))
    return {key: max(each) for key, each in known.items()}


def _by_split(scores: list[Score]) -> dict[tuple[str, str, int], dict[int, float]]:
    """Return tau by seed, by predictor, target and N."""
    found: dict[tuple[str, str, int], dict[int, float]] = defaultdict(dict)
    for score in scores:
        found[score.predictor, score.target, score.n_train][score.seed] = score.kendall_tau
    return found


def _ceilings() -> dict[tuple[str, str, str], float]:
    """Return the ceilings by target, measure and kind of classes."""
    with NOISE.open(newline="") as file:
        return {
            (row["target"], row["measure"], row["classes"]): float(row["ceiling"])
            for row in csv.DictReader(file)
        }


def _report(scores: list[Score]) -> None:
    taus: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    heads: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for score in sorted(scores, key=lambda score: score.key):
        taus[score.predictor, score.target, score.n_train].append(score.kendall_tau)
        heads[score.predictor, score.target, score.n_train].append(score.precision_at_100)
    here = read_scores(PEERS) if PEERS.exists() else []
    ceilings, peers = _ceilings(), _peers(here)
    lines = [*_shares(scores, ceilings), *_precision(heads, ceilings), *_margins(taus, peers)]
    lines += _here(_by_split(here), _by_split(scores))
    for target in TARGETS:
        lines += _table(target, taus, ceilings, peers)
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)
    write_figure(HERE / "curves.png", standings(scores))


def _shares(scores: list[Score], ceilings: dict[tuple[str, str, str], float]) -> list[str]:
    """Return the mean share of the ceiling over the targets of each benchmark."""
    taus = {score.key: score.kendall_tau for score in scores}
    lines = ["\n### Share of the ceiling, mean over the four targets of a benchmark\n"]
    sizes = list(ASKED["jung2023"])
    lines.append(
        "Mean ± sd over seeds of the mean over targets; each seed splits the cells anew.\n"
    )
    lines.append("| | ceiling from equal | " + " | ".join(f"N = {n}" for n in sizes) + " |")
    lines.append("|---" * (len(sizes) + 2) + "|")
    for benchmark, asked in ASKED.items():
        lines.append(
            f"| **{benchmark}**, asked for | | " + _joined(f"≥ {x}" for x in asked.values())
        )
        mine = [target for target in TARGETS if Target.parse(target).benchmark == benchmark]
        for name in PREDICTORS:
            for classes in CLASSES:
                tops = np.array([ceilings[target, "kendall_tau", classes] for target in mine])
                cells = []
                for n in sizes:
                    seeds = {seed for p, _, size, seed in taus if (p, size) == (name, n)}
                    each = [[taus.get((name, t, n, seed)) for t in mine] for seed in seeds]
                    whole = [np.array(row) for row in each if None not in row]
                    cells.append(_cell([float(np.mean(row / tops)) for row in whole]))
                lines.append(f"| {name} | {classes} | " + _joined(cells))
    return lines


def _precision(
    heads: dict[tuple[str, str, int], list[float]], ceilings: dict[tuple[str, str, str], float]
) -> list[str]:
    """Return how many of the 100 ranked best are among the measured best 100."""
    lines = ["\n### Precision of the best 100, N = 1000\n"]
    lines += ["| target | ceiling | " + _joined(PREDICTORS), "|---" * (len(PREDICTORS) + 2) + "|"]
    for target in TARGETS:
        top = ceilings[target, "precision_at_100", "networks"]
        cells = [_cell(heads.get((name, target, 1000), []), digits=2) for name in PREDICTORS]
        lines.append(f"| `{target}` | {top:.2f} | " + _joined(cells))
    return lines


def _margins(
    taus: dict[tuple[str, str, int], list[float]], peers: dict[tuple[str, int], tuple[float, str]]
) -> list[str]:
    """Return by how much the default is ahead of the best peer."""
    lines = ["\n### Kendall tau of `default` less that of the best peer\n"]
    lines += ["| target | " + _joined(TRAINING_SIZES), "|---" * (len(TRAINING_SIZES) + 1) + "|"]
    for target in TARGETS:
        cells = []
        for n in TRAINING_SIZES:
            each = np.array(taus.get(("default", target, n), [np.nan])) - peers[target, n][0]
            cells.append(f"{each.mean():+.3f} (at least {each.min():+.3f})")
        lines.append(f"| `{target}` | " + _joined(cells))
    return lines


def _here(
    peers: dict[tuple[str, str, int], dict[int, float]],
    ours: dict[tuple[str, str, int], dict[int, float]],
) -> list[str]:
    """Return how far each peer that was run here is from the default on the same splits."""
    sizes = sorted({n for _, _, n in peers})
    lines = ["\n### Others' models on our splits: tau less that of `default` on the same split\n"]
    lines += ["| | " + _joined(f"N = {n}" for n in sizes), "|---" * (len(sizes) + 1) + "|"]
    for name in sorted({name for name, _, _ in peers}):
        cells = []
        for n in sizes:
            each = {
                target: [tau - ours["default", target, n][seed] for seed, tau in taus.items()]
                for (peer, target, size), taus in peers.items()
                if (peer, size) == (name, n)
            }
            means = [float(np.mean(differences)) for differences in each.values()]
            cells.append(_compared(means, [len(x) for x in each.values()]))
        lines.append(f"| {name} | " + _joined(cells))
    return lines


def _compared(means: list[float], splits: list[int]) -> str:
    """Return the mean over targets, its range, and on how many the peer is ahead."""
    if not means:
        return "–"
    ahead = sum(mean > 0 for mean in means)
    counts = f"{min(splits)}" if min(splits) == max(splits) else f"{min(splits)}–{max(splits)}"
    extent = f"{min(means):+.3f} to {max(means):+.3f}"
    return f"{np.mean(means):+.3f} ({extent}); ahead on {ahead} of {len(means)}, n = {counts}"


def _table(
    target: str,
    taus: dict[tuple[str, str, int], list[float]],
    ceilings: dict[tuple[str, str, str], float],
    peers: dict[tuple[str, int], tuple[float, str]],
) -> list[str]:
    """Return every predictor's tau on one target, with its shares of both ceilings."""
    tops = [ceilings[target, "kendall_tau", classes] for classes in CLASSES]
    lines = [f"\n### `{target}`\n"]
    lines.append(
        "Ceiling {:.3f} from equal expressions, {:.3f} from equal networks.\n".format(*tops)
    )
    lines += ["| | " + _joined(TRAINING_SIZES), "|---" * (len(TRAINING_SIZES) + 1) + "|"]
    best = [(*peers[target, n], n) for n in TRAINING_SIZES]
    lines.append(
        "| best peer | " + _joined(f"{t:.3f} ({name}) {_of(t, tops)}" for t, name, _ in best)
    )
    for name in PREDICTORS:
        cells = []
        for n in TRAINING_SIZES:
            values = taus.get((name, target, n), [])
            cells.append(
                _cell(values) + (f" {_of(float(np.mean(values)), tops)}" if values else "")
            )
        lines.append(f"| {name} | " + _joined(cells))
    return lines


def _joined(cells: Iterable[object]) -> str:
    return " | ".join(map(str, cells)) + " |"


def _of(tau: float, tops: list[float]) -> str:
    """Return the shares of the ceilings."""
    return "[" + ", ".join(f"{tau / top:.3f}" for top in tops) + "]"


def _cell(values: list[float], *, digits: int = 3) -> str:
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.{digits}f} (n = 1)"
    count = "" if len(values) == 10 else f" (n = {len(values)})"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}{count}"


if __name__ == "__main__":
    main()
