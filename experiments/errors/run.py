"""Which cells carry the error of `default` beyond what retraining noise explains.

    python experiments/errors/run.py             # minutes, resumable
    python experiments/errors/run.py --smoke     # one target, one split, nothing written
    python experiments/errors/run.py --report    # only README's tables and the figure

A held-out cell's part of the error is the share of the other held-out cells that it is ordered
wrongly against, less the same share where the measured values are ranked by noisy copies of
themselves (`surrobust.benchmark.noise`). Writes ``results.csv`` and the tables of ``README.md``.
"""

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

import surrobust as sr
from surrobust._files import write_text
from surrobust.benchmark import TARGETS, split, training_classes
from surrobust.benchmark.noise import noise_ceiling
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SIZES = (1000, 5000)
COLUMNS = ("target", "n_train", "seed", "by", "group", "cells", "wrong", "noise")
"""``wrong`` and ``noise``: mean share of discordant pairs of the group's cells, ties one half."""
OPS = {"1x1": 2, "3x3": 3, "pool": 4}
DRAWS = 5
BENCHMARKS = ("nas-robbench-201", "jung2023")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(5)))
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        for row in judge(TARGETS[0], 1000, 0, args.data_dir):
            print(*row)
        return
    if not args.report:
        rows = read(args.out) if args.out.is_file() else []
        done = {(row[0], row[1], row[2]) for row in rows}
        for n_train in args.sizes:
            for seed in args.seeds:
                for target in args.targets:
                    if (target, n_train, seed) not in done:
                        rows += judge(target, n_train, seed, args.data_dir)
                        write(args.out, rows)
                        print(f"{target} N={n_train} seed={seed}", file=sys.stderr, flush=True)
    report(args.out)


def judge(
    target: str, n_train: int, seed: int, data_dir: str | None
) -> Iterator[tuple[str, int, int, str, str, int, float, float]]:
    """Yield one row per group of held-out cells."""
    table = sr.load_table(sr.Target.parse(target).benchmark, data_dir=data_dir)
    y, cells = table.values(target), table.architectures
    train, test = split(len(y), n_train=n_train, seed=seed)
    model = sr.make_predictor("default", seed=seed, calibration_folds=0)
    model.fit([cells[i] for i in train], y[train])
    wrong = discordant(y[test], model.predict([cells[i] for i in test]))
    classes = training_classes(cells)
    noise = noise_of(target, data_dir)[test]
    for by, groups in groups_of(y, train, test, cells, classes).items():
        for group in np.unique(groups):
            rows = groups == group
            figures = float(wrong[rows].mean()), float(noise[rows].mean())
            yield target, n_train, seed, by, str(group), int(rows.sum()), *figures


@lru_cache(maxsize=8)
def noise_of(target: str, data_dir: str | None) -> FloatArray:
    """Return the share of cells that each is ordered wrongly against by retraining alone."""
    table = sr.load_table(sr.Target.parse(target).benchmark, data_dir=data_dir)
    draws: list[FloatArray] = []

    def keep(measured: FloatArray, expected: FloatArray) -> float:
        if len(draws) < DRAWS:
            draws.append(discordant(measured, expected))
        return 0.0

    noise_ceiling(
        table.values(target), training_classes(table.architectures), score=keep, n_bootstrap=1
    )
    return np.mean(draws, axis=0)


def discordant(true: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return for each cell the share of the others that it is ordered wrongly against, ``(n,)``."""
    found = np.empty(len(true))
    for start in range(0, len(true), 500):
        rows = slice(start, start + 500)
        signs = np.sign(true[rows, None] - true) * np.sign(predicted[rows, None] - predicted)
        # The cell itself is a tie that does not count.
        found[rows] = (signs < 0).sum(axis=1) + ((signs == 0).sum(axis=1) - 1) / 2
    return found / (len(true) - 1)


def groups_of(
    y: FloatArray, train: np.ndarray, test: np.ndarray, cells: tuple, classes: list
) -> dict[str, np.ndarray]:
    """Return how the held-out cells are grouped: names of groups, ``(n,)`` each."""
    ops = np.array([cells[i].ops for i in test])
    decile = np.argsort(np.argsort(y[test], kind="stable"), kind="stable") * 10 // len(test)
    trained, counts = {classes[i] for i in train}, Counter(classes)
    kind = [
        "trained on" if classes[i] in trained else "held out" if counts[classes[i]] > 1 else "none"
        for i in test
    ]
    found = {"level, tenths": decile.astype(str), "twin": np.array(kind)}
    for name, op in OPS.items():
        found[f"number of {name}"] = np.minimum((ops == op).sum(axis=1), 4).astype(str)
    return found


def read(path: Path) -> list[tuple]:
    types = (str, int, int, str, str, int, float, float)
    with path.open(newline="") as file:
        return [
            tuple(kind(value) for kind, value in zip(types, row, strict=True))
            for row in list(csv.reader(file))[1:]
        ]


def write(path: Path, rows: list[tuple]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows):
        writer.writerow([*row[:6], f"{row[6]:.5g}", f"{row[7]:.5g}"])
    write_text(path, text.getvalue())


def report(path: Path) -> None:
    rows = read(path)
    lines: list[str] = []
    for by in dict.fromkeys(row[3] for row in rows):
        lines += [f"\n### By {by}\n"]
        names = [f"{b}, N = {n}" for b in BENCHMARKS for n in SIZES]
        lines += ["| | cells | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
        groups = sorted({row[4] for row in rows if row[3] == by})
        tables = {(b, n): excess(rows, b, n, by) for b in BENCHMARKS for n in SIZES}
        for group in groups:
            cells = [tables[b, n].get(group) for b in BENCHMARKS for n in SIZES]
            share = next(cell[0] for cell in cells if cell)
            lines.append(
                f"| {group}{' or more' if group == '4' and 'number' in by else ''} | {share:.0%} | "
                + " | ".join("{:.3f}, {:.3f}, {:.0%}".format(*c[1:]) if c else "–" for c in cells)
                + " |"
            )
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)
    draw(rows)


def excess(
    rows: list[tuple], benchmark: str, n_train: int, by: str
) -> dict[str, tuple[float, float, float, float]]:
    """Return by group: share of cells, wrong, noise, and share of the error beyond noise."""
    mine = [r for r in rows if r[0].startswith(benchmark) and r[1] == n_train and r[3] == by]
    found = {}
    total = sum(r[5] for r in mine)
    beyond = sum(r[5] * (r[6] - r[7]) for r in mine)
    for group in {r[4] for r in mine}:
        own = [r for r in mine if r[4] == group]
        n = sum(r[5] for r in own)
        wrong, noise = (sum(r[5] * r[k] for r in own) / n for k in (6, 7))
        found[group] = n / total, wrong, noise, n * (wrong - noise) / beyond
    return found


def draw(rows: list[tuple]) -> None:
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(row[3] for row in rows))
    figure = Figure(figsize=(13, 5), layout="constrained")
    panels = figure.subplots(2, len(kinds), sharey="row")
    for line, benchmark in zip(panels, BENCHMARKS, strict=True):
        for panel, by in zip(line, kinds, strict=True):
            for place, n_train in enumerate(SIZES):
                table = excess(rows, benchmark, n_train, by)
                names = sorted(table)
                at = np.arange(len(names)) + 0.4 * place - 0.2
                panel.bar(
                    at,
                    [table[g][1] for g in names],
                    0.38,
                    color=f"C{place}",
                    label=f"N = {n_train}",
                )
                panel.bar(at, [table[g][2] for g in names], 0.38, color="black", alpha=0.5)
            panel.set_xticks(range(len(names)), names, fontsize=7)
            panel.set_xlabel(by, fontsize=8)
        line[0].set_ylabel(f"{benchmark}\nshare of pairs wrong", fontsize=8)
    panels[0, 0].bar([0], [0], color="black", alpha=0.5, label="retraining alone")
    panels[0, 0].legend(fontsize=7)
    figure.savefig(HERE / "errors.png", dpi=100)


if __name__ == "__main__":
    main()
