"""Coverage and width of the intervals of `default` on held-out cells.

    python experiments/intervals/run.py              # resumable
    python experiments/intervals/run.py --smoke      # one fit
    python experiments/intervals/run.py --report     # only README's tables and the figure

Writes ``results.csv`` after every fit and the tables between the markers of ``README.md``.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import surrobust as sr
from surrobust._files import write_text
from surrobust.benchmark import TARGETS, has_ceiling, split
from surrobust.metrics import interval_coverage
from surrobust.typing import FloatArray

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SEEDS = {50: 20, 200: 20, 1000: 8, 5000: 3}
"""Splits at each N: the spread over splits is largest where few cells calibrate."""
COVERAGES = (0.5, 0.8, 0.9, 0.95)
WHERE = ("all", "head", "best", "tail")
"""All test cells; the tenth predicted best; the tenth measured best; the tenth predicted worst."""
COLUMNS = ("fit", "target", "n_train", "seed", "coverage", "where", "held", "width")
ONE, JOINT = "one target", "all targets"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--seeds", nargs="+", type=int, help="default: as many as in the tables")
    parser.add_argument("--joint", action="store_true", help="all targets of a benchmark at once")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        for row in judge([TARGETS[0]], 50, 0, args.data_dir):
            print(*row)
        return
    if not args.report:
        measure(args)
    report(args.out)


def measure(args: argparse.Namespace) -> None:
    """Fit what is not in the file yet."""
    rows = read(args.out) if args.out.is_file() else []
    if args.joint:
        sets = {name: (JOINT, sr.targets_of(name)) for name in ("nas-robbench-201", "jung2023")}
    else:
        sets = {target: (ONE, [target]) for target in args.targets}
    done = {(row[0], row[1], row[2], row[3]) for row in rows}
    for n_train in args.sizes:
        for seed in args.seeds or range(SEEDS[n_train]):
            for name, (fit, targets) in sets.items():
                if (fit, targets[0], n_train, seed) in done:
                    continue
                new = list(judge(targets, n_train, seed, args.data_dir))
                rows += [(fit, *row) for row in new]
                write(args.out, rows)
                held = [row[5] for row in new if row[3] == 0.9 and row[4] in ("all", "head")]
                told = " ".join(f"{value:.3f}" for value in held[:2])
                print(f"{name} N={n_train} seed={seed}: {told}", file=sys.stderr, flush=True)


def judge(
    targets: list[str], n_train: int, seed: int, data_dir: str | None
) -> Iterator[tuple[str, int, int, float, str, float, float]]:
    """Yield one row per target, coverage and kind of test cells."""
    table = sr.load_table(sr.Target.parse(targets[0]).benchmark, data_dir=data_dir)
    values = np.stack([table.values(target) for target in targets], axis=1)
    train, test = split(len(values), n_train=n_train, seed=seed)
    cells = [table.architectures[i] for i in test]
    model = sr.make_predictor("default", seed=seed)
    model.fit([table.architectures[i] for i in train], values[train], targets=targets)
    predicted = model.predict(cells)
    intervals = {q: model.predict_interval(cells, q) for q in COVERAGES}
    for column, target in enumerate(targets):
        true = values[test, column]
        for where, rows in regions(true, predicted[:, column]).items():
            for coverage, (lower, upper) in intervals.items():
                ends = lower[rows, column], upper[rows, column]
                held = interval_coverage(true[rows], *ends)
                width = float(np.mean(ends[1] - ends[0]))
                yield target, n_train, seed, coverage, where, held, width


def regions(true: FloatArray, predicted: FloatArray) -> dict[str, np.ndarray]:
    """Return the rows of each kind of test cells."""
    tenth = len(true) // 10
    ranked, measured = (np.argsort(-values, kind="stable") for values in (predicted, true))
    every = np.arange(len(true))
    return dict(zip(WHERE, (every, ranked[:tenth], measured[:tenth], ranked[-tenth:]), strict=True))


def read(path: Path) -> list[tuple]:
    types = (str, str, int, int, float, str, float, float)
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
    one = collect(row for row in rows if row[0] == ONE)
    sizes = sorted({key[1] for key in one})
    lines += ["\n### Deviation from the coverage asked for, in points\n"]
    lines.append("Mean over targets and splits; in brackets the target that is furthest off.\n")
    lines += ["| N | n | cells | 50 % | 80 % | 90 % | 95 % |", "|---" * 7 + "|"]
    for n_train in sizes:
        for where in WHERE:
            marks = [summary(one, n_train, where, q) for q in COVERAGES]
            n = {len(v) for k, v in one.items() if k[1] == n_train}
            lines.append(f"| {n_train} | {max(n)} | {where} | " + " | ".join(marks) + " |")
    lines += surely_off(one, sizes)
    for where, what in (("all", "all test cells"), ("head", "the tenth predicted best")):
        lines += [f"\n### Coverage of each target, {what}\n"]
        head = [f"{n} at {q:.0%}" for n in sizes for q in COVERAGES]
        lines += ["| target | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
        for target in TARGETS:
            cells = [
                told([held for held, _ in one.get((target, n, q, where), [])])
                for n in sizes
                for q in COVERAGES
            ]
            lines.append(f"| `{target}` | " + " | ".join(cells) + " |")
    lines += ["\n### Mean width of the 90 % interval, and in the head\n"]
    lines += ["| target | " + " | ".join(f"N = {n}" for n in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    for target in TARGETS:
        cells = []
        for n in sizes:
            each = [one.get((target, n, 0.9, where), []) for where in ("all", "head")]
            widths = [f"{np.mean([w for _, w in values]):.4f}" for values in each if values]
            cells.append(", ".join(widths) or "–")
        lines.append(f"| `{target}` | " + " | ".join(cells) + " |")
    lines += joint(collect(row for row in rows if row[0] == JOINT))
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)
    draw(one, sizes)


def collect(rows: Iterator[tuple]) -> dict[tuple[str, int, float, str], list[tuple[float, float]]]:
    """Return shares held and widths of each split by target, N, coverage and kind of cells."""
    found: dict = {}
    for _, target, n_train, _, coverage, where, held, width in rows:
        found.setdefault((target, n_train, coverage, where), []).append((held, width))
    return found


def off(found: dict, n_train: int, where: str, coverage: float) -> dict[str, float]:
    """Return by how many points each target's mean coverage is off."""
    return {
        key[0]: 100 * (np.mean([held for held, _ in values]) - coverage)
        for key, values in found.items()
        if key[1:] == (n_train, coverage, where)
    }


def summary(found: dict, n_train: int, where: str, coverage: float) -> str:
    each = list(off(found, n_train, where, coverage).values())
    return f"{np.mean(each):+.1f} ({max(each, key=abs):+.1f})"


def surely_off(found: dict, sizes: list[int]) -> list[str]:
    """Return the table of what is more than two points off by more than two standard errors."""
    lines = ["\n### More than 2 points off by more than 2 standard errors\n"]
    lines.append(
        "Of the means of each target over n splits, how many: beyond 2 points; surely so.\n"
    )
    lines += ["| N | n | cells | coverages x targets | beyond 2 points | surely | which |"]
    lines.append("|---" * 7 + "|")
    for n_train in sizes:
        for where in ("all", "head"):
            each = {k: v for k, v in found.items() if (k[1], k[3]) == (n_train, where)}
            beyond, which = 0, []
            for (target, _, coverage, _), values in sorted(each.items()):
                points = 100 * (np.array([held for held, _ in values]) - coverage)
                mean, error = points.mean(), points.std(ddof=1) / np.sqrt(len(points))
                beyond += abs(mean) > 2
                if abs(mean) > 2 + 2 * error:
                    name = target.partition("/")[2]
                    which.append(f"`{name}` {coverage:.0%} {mean:+.1f} ± {error:.1f}")
            splits = max(map(len, each.values()))
            counts = f"{len(each)} | {beyond} | {len(which)}"
            names = "; ".join(which) or "none"
            lines.append(f"| {n_train} | {splits} | {where} | {counts} | {names} |")
    return lines


def told(values: list[float]) -> str:
    return f"{100 * np.mean(values):.1f}" if values else "–"


def joint(found: dict) -> list[str]:
    """Return the table of the fits to all targets of a benchmark at once."""
    if not found:
        return []
    lines = ["\n### All targets of a benchmark at once, as the shipped predictors\n"]
    lines.append("Deviation in points: mean over targets, and how many are within 2 points.\n")
    lines += ["| benchmark | N | n | cells | 50 % | 80 % | 90 % | 95 % |", "|---" * 8 + "|"]
    for benchmark in dict.fromkeys(sr.Target.parse(key[0]).benchmark for key in found):
        mine = {k: v for k, v in found.items() if sr.Target.parse(k[0]).benchmark == benchmark}
        # Where most cells are at exactly 0 an interval cannot hold just half of them.
        mine = {k: v for k, v in mine.items() if has_ceiling(k[0])}
        for n_train in sorted({key[1] for key in mine}):
            n = max(len(v) for k, v in mine.items() if k[1] == n_train)
            for where in ("all", "head"):
                cells = []
                for coverage in COVERAGES:
                    each = list(off(mine, n_train, where, coverage).values())
                    inside = sum(abs(value) <= 2 for value in each)
                    cells.append(f"{np.mean(each):+.1f} ({inside} of {len(each)})")
                lines.append(
                    f"| `{benchmark}` | {n_train} | {n} | {where} | " + " | ".join(cells) + " |"
                )
    return lines


def draw(found: dict, sizes: list[int]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = figure.subplots(1, len(WHERE), sharey=True)
    titles = ("all test cells", "tenth predicted best", "tenth measured best", "predicted worst")
    for panel, where, title in zip(panels, WHERE, titles, strict=True):
        panel.axhspan(-2, 2, color="black", alpha=0.1)
        for place, n_train in enumerate(sizes):
            for q in COVERAGES:
                each = list(off(found, n_train, where, q).values())
                panel.plot([100 * q + place - 1.5] * len(each), each, ".", color=f"C{place}", ms=4)
            panel.plot([], [], ".", color=f"C{place}", label=f"N = {n_train}")
        panel.set_title(title, fontsize=9)
        panel.set_xticks([100 * q for q in COVERAGES])
    panels[0].set_ylabel("coverage minus asked, points", fontsize=9)
    panels[0].legend(fontsize=7)
    figure.supxlabel("coverage asked for, %", fontsize=9)
    figure.savefig(HERE / "coverage.png", dpi=110)


if __name__ == "__main__":
    main()
