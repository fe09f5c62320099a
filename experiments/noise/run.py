"""The highest rank correlation and precision that retraining noise leaves, target by target.

    python experiments/noise/run.py              # every target that has a ceiling, minutes
    python experiments/noise/run.py --smoke      # one target, few resamples
    python experiments/noise/run.py --report     # only README's tables
    python experiments/noise/run.py --check      # the estimator where the truth is known

Cells that are one network were trained separately by the benchmarks; their spread is the noise.
Twice: with classes of equal networks, and with the coarser classes of equal expressions. Writes
``results.csv`` and the tables between the markers of ``README.md``.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import surrobust as sr
from surrobust.benchmark import TARGETS, ceiling, has_ceiling, training_classes
from surrobust.benchmark.noise import Ceiling, noise_ceiling
from surrobust.metrics import kendall_tau

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
BENCHMARKS = ("nas-robbench-201", "jung2023")
COLUMNS = ("target", "measure", "classes", "ceiling", "lower", "upper", "noise_sd", "n_classes")
FIRST_ESTIMATES = (0.945, 0.90, 0.95, 0.80, 0.83, 0.81, 0.75, 0.85)
"""Of tau on the eight targets, by hand, before there was an estimator."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    parser.add_argument("--check", action="store_true", help="print known and estimated ceilings")
    args = parser.parse_args()
    if args.smoke:
        for row in rows(TARGETS[0], args.data_dir, n_bootstrap=5):
            print(*row)
        return
    if args.check:
        for target in TARGETS:
            check(target, args.data_dir)
        return
    if not args.report:
        every = [target for name in BENCHMARKS for target in sr.targets_of(name)]
        targets = [target for target in every if has_ceiling(target, data_dir=args.data_dir)]
        with args.out.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for i, target in enumerate(targets, start=1):
                writer.writerows(rows(target, args.data_dir, n_bootstrap=200))
                print(f"[{i}/{len(targets)}] {target}", file=sys.stderr, flush=True)
    report(args.out)


def rows(target: str, data_dir: str | None, *, n_bootstrap: int) -> Iterator[tuple[object, ...]]:
    for measure in ("kendall_tau", "precision_at_100"):
        found = ceiling(target, measure=measure, data_dir=data_dir, n_bootstrap=n_bootstrap)
        yield target, measure, "networks", *numbers(found)
    table = sr.load_table(sr.Target.parse(target).benchmark, data_dir=data_dir)
    expressions = [cell.function_class for cell in table.architectures]
    coarse = noise_ceiling(table.values(target), expressions, n_bootstrap=n_bootstrap)
    yield target, "kendall_tau", "expressions", *numbers(coarse)


def numbers(found: Ceiling) -> tuple[object, ...]:
    figures = (found.value, found.lower, found.upper, found.noise_sd)
    return *(f"{figure:.5g}" for figure in figures), found.n_classes


def check(target: str, data_dir: str | None, *, repeats: int = 5) -> None:
    """Simulate benchmarks with known expected values, and print true and estimated tau."""
    table = sr.load_table(sr.Target.parse(target).benchmark, data_dir=data_dir)
    y, classes = table.values(target), training_classes(table.architectures)
    variance = ceiling(target, data_dir=data_dir, n_bootstrap=1).noise_sd ** 2
    _, position = np.unique([str(c) for c in classes], return_inverse=True)
    mean = np.bincount(position, y) / np.bincount(position)
    # Class means, pulled together until they vary as the expected values must.
    pull = np.sqrt(max(y.var() - variance, 0.0) / mean[position].var())
    expected = y.mean() + pull * (mean[position] - y.mean())
    rng = np.random.default_rng(0)
    found = []
    for _ in range(repeats):
        # Noise that grows with the level, with tails heavier than a Gaussian's.
        scale = np.maximum(expected, 0.0) + 0.1
        noise = rng.standard_t(5, size=len(y)) * scale * np.sqrt(variance / np.mean(scale**2) * 0.6)
        simulated = expected + noise
        estimate = noise_ceiling(simulated, classes, n_bootstrap=1, seed=rng)
        found.append((kendall_tau(simulated, expected), estimate.value))
    true, estimated = np.mean(found, axis=0)
    sds = np.std(np.diff(found, axis=1), ddof=1)
    print(f"| `{target}` | {true:.4f} | {estimated:.4f} | {estimated - true:+.4f} ± {sds:.4f} |")


def report(path: Path) -> None:
    with path.open(newline="") as file:
        found = {(r["target"], r["measure"], r["classes"]): r for r in csv.DictReader(file)}
    lines = [class_counts(), "\nThe eight targets on which predictors are compared:\n"]
    head = "| target | first estimate | tau, expressions | tau, networks | excess variance |"
    lines += [head, "|---" * 5 + "|"]
    for target, estimate in zip(TARGETS, FIRST_ESTIMATES, strict=True):
        fine, coarse = (found[target, "kendall_tau", c] for c in ("networks", "expressions"))
        lines.append(
            f"| `{target}` | {estimate:.3f} | {ranged(coarse)} | {ranged(fine)} "
            f"| {excess(fine, coarse):.0%} |"
        )
    lines += ["\nAll targets, classes of equal networks:\n"]
    lines += ["| target | noise sd | tau | precision at 100 |", "|---" * 4 + "|"]
    for target in dict.fromkeys(key[0] for key in found):
        tau, precision = (found[target, m, "networks"] for m in ("kendall_tau", "precision_at_100"))
        lines.append(
            f"| `{target}` | {float(tau['noise_sd']):.4f} | {ranged(tau)} | {ranged(precision)} |"
        )
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


def class_counts() -> str:
    cells = sr.NASBench201().representatives()
    lines = ["| classes | in all | with several members | cells in these |", "|---|---|---|---|"]
    notions = {
        "expressions": [cell.function_class for cell in cells],
        "networks": training_classes(cells),
    }
    for name, classes in notions.items():
        sizes = np.array(list(Counter(classes).values()))
        several = sizes > 1
        lines.append(f"| {name} | {len(sizes)} | {several.sum()} | {sizes[several].sum()} |")
    return "\n".join(lines)


def excess(fine: dict[str, str], coarse: dict[str, str]) -> float:
    """Return the share of the coarse classes' noise variance that the fine ones do not have."""
    return 1.0 - (float(fine["noise_sd"]) / float(coarse["noise_sd"])) ** 2


def ranged(row: dict[str, str]) -> str:
    return f"{float(row['ceiling']):.3f} ({float(row['lower']):.3f} to {float(row['upper']):.3f})"


if __name__ == "__main__":
    main()
