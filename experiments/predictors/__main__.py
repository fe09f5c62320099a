"""Learning curves of the predictors on the eight targets, beside the peers' published rows.

Peers' rows come from ``peers.csv`` (earlier runs, means alone) and ``peers_runs.csv`` (peers.py).
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from experiments.frame import Experiment, Key, Lines
from experiments.markdown import NOTHING, spread, table
from surrobust.benchmark import (
    BASELINE,
    TARGETS,
    TRAINING_SIZES,
    Score,
    read_scores,
    score_predictor,
    standings,
)
from surrobust.benchmark.panels import write_figure

HERE = Path(__file__).parent
NOISE = HERE.parent / "noise" / "results.csv"
PREDICTORS = ("default", "gp", "random_forest", "xgboost", BASELINE)
ASKED = {
    "nas-robbench-201": {50: 0.82, 200: 0.92, 1000: 0.96, 5000: 0.985},
    "jung2023": {50: 0.62, 200: 0.76, 1000: 0.89, 5000: 0.96},
}
"""Mean share of the ceiling that was asked for, before anything was measured."""
CLASSES = ("expressions", "networks")
"""Which cells count as one network trained again: see ``experiments/noise``."""

Splits = dict[tuple[str, str, int], dict[int, float]]
"""By predictor, target and N: a number by seed."""
Ceilings = dict[tuple[str, str, str], float]
"""By target, measure and kind of classes."""
Peers = dict[tuple[str, int], tuple[float, str]]
"""By target and N: the best peer's mean tau, and whose it is."""


def keys(
    predictors=PREDICTORS, targets=TARGETS, sizes=TRAINING_SIZES, seeds=range(10)
) -> Iterator[Key]:
    for n_train, seed, predictor, target in product(sizes, seeds, predictors, targets):
        yield predictor, target, n_train, seed


def measure(predictor: str, target: str, n_train: int, seed: int) -> Score:
    return score_predictor(predictor, target, n_train=n_train, seed=seed)


def tables(scores: list[Score]) -> Lines:
    others = read_scores(HERE / "peers_runs.csv")
    ours, here, ceilings = by_split(scores), by_split(others), read_ceilings()
    peers = best_peers(here)
    yield from shares(ours, ceilings)
    yield from precision(by_split(scores, "precision_at_100"), ceilings)
    yield from margins(ours, peers)
    yield from differences(here, ours)
    for target in TARGETS:
        yield from curves(target, ours, ceilings, peers)


def by_split(scores: list[Score], measure: str = "kendall_tau") -> Splits:
    found: Splits = defaultdict(dict)
    for score in scores:
        found[score.predictor, score.target, score.n_train][score.seed] = getattr(score, measure)
    return found


def read_ceilings() -> Ceilings:
    with NOISE.open(newline="") as file:
        return {
            (row["target"], row["measure"], row["classes"]): float(row["ceiling"])
            for row in csv.DictReader(file)
        }


def best_peers(here: Splits) -> Peers:
    """Return the best of earlier runs and of those here."""
    known: dict[tuple[str, int], list[tuple[float, str]]] = defaultdict(list)
    with (HERE / "peers.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            told = f"{row['peer']}, n = {row['splits']}"
            known[row["target"], int(row["n_train"])].append((float(row["kendall_tau"]), told))
    for (name, target, n), taus in here.items():
        told = f"{name}, n = {len(taus)}"
        known[target, n].append((float(np.mean(list(taus.values()))), told))
    return {key: max(each) for key, each in known.items()}


def shares(ours: Splits, ceilings: Ceilings) -> Lines:
    """Mean share of the ceiling over the targets of each benchmark."""
    sizes = list(ASKED["jung2023"])
    yield "\n### Share of the ceiling, mean over the four targets of a benchmark\n"
    yield "Mean ± sd over seeds of the mean over targets; each seed splits the cells anew.\n"
    body: list[list[str | None]] = []
    for home, asked in ASKED.items():
        body.append([f"**{home}**, asked for", None, *(f"≥ {x}" for x in asked.values())])
        mine = [target for target in TARGETS if target.startswith(home)]
        for name, classes in product(PREDICTORS, CLASSES):
            tops = np.array([ceilings[target, "kendall_tau", classes] for target in mine])
            body.append([name, classes])
            for n in sizes:
                taus = [ours.get((name, target, n), {}) for target in mine]
                whole = sorted(set.intersection(*map(set, taus)))
                means = [np.mean([each[seed] for each in taus] / tops) for seed in whole]
                body[-1].append(spread(means, usual=10))
    yield from table([None, "ceiling from equal", *(f"N = {n}" for n in sizes)], body)


def precision(heads: Splits, ceilings: Ceilings) -> Lines:
    """How many of the 100 ranked best are among the measured best 100."""
    yield "\n### Precision of the best 100, N = 1000\n"
    body = []
    for target in TARGETS:
        each = (list(heads.get((name, target, 1000), {}).values()) for name in PREDICTORS)
        cells = (spread(values, 2, usual=10) for values in each)
        top = ceilings[target, "precision_at_100", "networks"]
        body.append([f"`{target}`", f"{top:.2f}", *cells])
    yield from table(["target", "ceiling", *PREDICTORS], body)


def margins(ours: Splits, peers: Peers) -> Lines:
    """By how much the default is ahead of the best peer."""
    yield "\n### Kendall tau of `default` less that of the best peer\n"
    body = []
    for target in TARGETS:
        cells = []
        for n in TRAINING_SIZES:
            taus = list(ours.get(("default", target, n), {0: np.nan}).values())
            each = np.array(taus) - peers[target, n][0]
            cells.append(f"{each.mean():+.3f} (at least {each.min():+.3f})")
        body.append([f"`{target}`", *cells])
    yield from table(["target", *TRAINING_SIZES], body)


def differences(peers: Splits, ours: Splits) -> Lines:
    """How far each peer that was run here is from the default on the same splits."""
    yield "\n### Others' models on our splits: tau less that of `default` on the same split\n"
    sizes = sorted({n for _, _, n in peers})
    body = []
    for name in sorted({name for name, _, _ in peers}):
        cells = []
        for n in sizes:
            each = [
                [tau - ours["default", target, n].get(seed, np.nan) for seed, tau in taus.items()]
                for (peer, target, size), taus in peers.items()
                if (peer, size) == (name, n)
            ]
            cells.append(compared([float(np.mean(x)) for x in each], [len(x) for x in each]))
        body.append([name, *cells])
    yield from table([None, *(f"N = {n}" for n in sizes)], body)


def compared(means: list[float], splits: list[int]) -> str:
    """Return the mean over targets, its range, and on how many the peer is ahead."""
    if not means:
        return NOTHING
    ahead = sum(mean > 0 for mean in means)
    counts = f"{min(splits)}" if min(splits) == max(splits) else f"{min(splits)}–{max(splits)}"
    extent = f"{min(means):+.3f} to {max(means):+.3f}"
    return f"{np.mean(means):+.3f} ({extent}); ahead on {ahead} of {len(means)}, n = {counts}"


def curves(target: str, ours: Splits, ceilings: Ceilings, peers: Peers) -> Lines:
    """Every predictor's tau on one target, with its shares of both ceilings."""
    tops = [ceilings[target, "kendall_tau", classes] for classes in CLASSES]

    def of(tau: float) -> str:
        return "[" + ", ".join(f"{tau / top:.3f}" for top in tops) + "]"

    yield f"\n### `{target}`\n"
    equal = (f"{top:.3f} from equal {classes}" for top, classes in zip(tops, CLASSES, strict=True))
    yield f"Ceiling {', '.join(equal)}.\n"
    best = (peers[target, n] for n in TRAINING_SIZES)
    body = [["best peer", *(f"{tau:.3f} ({name}) {of(tau)}" for tau, name in best)]]
    for name in PREDICTORS:
        each = (list(ours.get((name, target, n), {}).values()) for n in TRAINING_SIZES)
        told = (f"{spread(x, usual=10)} {of(float(np.mean(x)))}" if x else NOTHING for x in each)
        body.append([name, *told])
    yield from table([None, *TRAINING_SIZES], body)


def draw(scores: list[Score], path: Path) -> None:
    write_figure(path, standings(scores))


SMOKE = {"targets": TARGETS[:1], "sizes": [20], "seeds": [0]}
experiment = Experiment(
    __doc__, HERE / "results.csv", Score, keys, measure, tables, {"curves.png": draw}, smoke=SMOKE
)

if __name__ == "__main__":
    experiment.main()
