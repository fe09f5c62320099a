"""A new target measured on few cells, with a prior that knows other targets, and without.

    python experiments/prior/run.py                 # everything, resumable
    python experiments/prior/run.py --smoke         # one small score
    python experiments/prior/run.py --calibration   # how honest deviations and intervals are
    python experiments/prior/run.py --report        # only README's tables

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); writes
``results.csv`` or ``calibration.csv`` after every prior, and the tables between the markers of
``README.md`` at the end.
"""

import argparse
import csv
import sys
from collections import defaultdict
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

import surrobust as sr
from surrobust.benchmark import TARGETS, split
from surrobust.benchmark.noise import noise_ceiling
from surrobust.encodings import FunctionFeatureEncoder
from surrobust.metrics import kendall_tau, r2_score
from surrobust.processes.prior import PriorScores
from surrobust.tables import MeasurementTable

HERE = Path(__file__).parent
LEFT_OUT = ("target", "images", "benchmark")
SIZES = (0, 5, 10, 20, 50, 100, 200)

COLD = "none"
NORMAL = {0.5: 0.6745, 0.8: 1.2816, 0.9: 1.6449}
"""How many deviations hold which share of a normal distribution."""

BENCHMARKS = ("nas-robbench-201", "jung2023")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


@dataclass(frozen=True)
class Row:
    left_out: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    r2: float

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.left_out, self.target, self.n_train, self.seed


@dataclass(frozen=True)
class Honesty(Row):
    """Share of held-out cells within z deviations, z as of a normal, and within intervals."""

    std_50: float
    std_80: float
    std_90: float
    interval_50: float
    interval_80: float
    interval_90: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--left-out", nargs="+", default=[*LEFT_OUT, COLD])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--calibration", action="store_true")
    args = parser.parse_args()
    args.out = args.out or HERE / ("calibration.csv" if args.calibration else "results.csv")
    tables = {name: sr.load_table(name, data_dir=args.data_dir) for name in BENCHMARKS}
    kind = Honesty if args.calibration else Row
    rows = {row.key: row for row in _read(args.out, kind)}
    if args.smoke:
        prior = _make_prior("images", TARGETS[0], tables, 300)
        print(_score("images", TARGETS[0], 5, 0, prior, tables), file=sys.stderr)
        return
    if not args.report:
        _run(args, tables, rows)
    if args.out.parent == HERE:
        _report(_read(HERE / "results.csv", Row), _read(HERE / "calibration.csv", Honesty), tables)


def _run(
    args: argparse.Namespace,
    tables: dict[str, MeasurementTable],
    rows: dict[tuple[str, str, int, int], Row],
) -> None:
    priors: dict[tuple[str, ...], PriorScores] = {}
    for left_out in args.left_out:
        sizes = [n for n in args.sizes if n > 0 or left_out != COLD]
        for target in args.targets:
            todo = [
                (n, seed)
                for n in sizes
                for seed in (args.seeds if n else [0])
                if (left_out, target, n, seed) not in rows
            ]
            if not todo:
                continue
            prior = None
            if left_out != COLD:
                known = tuple(known_targets(left_out, target, tables))
                if known not in priors:
                    priors = {known: _make_prior(left_out, target, tables)}
                prior = priors[known]
            for n, seed in todo:
                score = _judge if args.calibration else _score
                row = score(left_out, target, n, seed, prior, tables)
                rows[row.key] = row
            _write(args.out, list(rows.values()))
            print(left_out, target, len(todo), file=sys.stderr, flush=True)


def known_targets(left_out: str, target: str, tables: dict[str, MeasurementTable]) -> list[str]:
    """Return what the prior may know of."""
    mine = sr.Target.parse(target)
    if left_out == "benchmark":
        return [
            t for name, table in tables.items() if name != mine.benchmark for t in table.targets
        ]
    others = tables[mine.benchmark].targets
    if left_out == "images":
        return [t for t in others if sr.Target.parse(t).images != mine.images]
    return [t for t in others if t != target]


def _make_prior(
    left_out: str, target: str, tables: dict[str, MeasurementTable], n: int | None = None
) -> PriorScores:
    """Fit the prior to all cells (or the first n) and ask it for every cell."""
    known = known_targets(left_out, target, tables)
    table = tables[sr.Target.parse(known[0]).benchmark]
    values = np.stack([table.values(t) for t in known], axis=1)
    model = sr.make_predictor("default", process_weight=1.0, calibration_folds=0)
    return PriorScores.of(model.fit(table.architectures[:n], values[:n], targets=known))


def _score(
    left_out: str,
    target: str,
    n_train: int,
    seed: int,
    prior: PriorScores | None,
    tables: dict[str, MeasurementTable],
) -> Row:
    """Fit one predictor and judge it on all other cells."""
    table = tables[sr.Target.parse(target).benchmark]
    values = table.values(target)
    train, test = np.empty(0, dtype=np.int64), np.arange(len(values))
    if n_train:
        train, test = split(len(values), n_train=n_train, seed=seed)
    given = {} if prior is None else {"prior": prior}
    model = sr.make_predictor("default", seed=seed, calibration_folds=0, **given)
    cells = table.architectures
    model.fit([cells[i] for i in train], values[train], targets=[target])
    predicted = model.predict([cells[i] for i in test])
    tau = kendall_tau(values[test], predicted)
    # Without a measured cell the predictions have no unit.
    r2 = r2_score(values[test], predicted) if n_train else float("nan")
    return Row(left_out, target, n_train, seed, tau, r2)


def _judge(
    left_out: str,
    target: str,
    n_train: int,
    seed: int,
    prior: PriorScores | None,
    tables: dict[str, MeasurementTable],
) -> Honesty:
    """Fit one predictor with intervals and see how many measured values they hold."""
    table = tables[sr.Target.parse(target).benchmark]
    values, cells = table.values(target), table.architectures
    train, test = split(len(values), n_train=n_train, seed=seed)
    given = {} if prior is None else {"prior": prior}
    model = sr.make_predictor("default", seed=seed, **given)
    model.fit([cells[i] for i in train], values[train], targets=[target])
    held_out, true = [cells[i] for i in test], values[test]
    predicted, std = model.predict(held_out), model.predict_std(held_out)
    within = [float(np.mean(np.abs(true - predicted) <= z * std)) for z in NORMAL.values()]
    inside = []
    for coverage in NORMAL:
        lower, upper = model.predict_interval(held_out, coverage)
        inside.append(float(np.mean((lower <= true) & (true <= upper))))
    tau, r2 = kendall_tau(true, predicted), r2_score(true, predicted)
    return Honesty(left_out, target, n_train, seed, tau, r2, *within, *inside)


def _read(path: Path, kind: type[Row]) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [
            kind(**{f.name: f.type(row[f.name]) for f in fields(kind)})  # type: ignore[operator]
            for row in csv.DictReader(file)
        ]


def _write(path: Path, rows: list[Row]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(f.name for f in fields(rows[0]))
        for row in sorted(rows, key=lambda r: r.key):
            writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in astuple(row))
    partial.replace(path)


def _report(rows: list[Row], honesty: list[Row], tables: dict[str, MeasurementTable]) -> None:
    taus: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.key):
        taus[row.left_out, row.target, row.n_train].append(row.kendall_tau)
    ceilings = {target: _ceiling(target, tables) for target in TARGETS}
    lines = [*_shares(taus, ceilings), "", *_differences(rows), "", *_coverages(honesty)]
    for target in TARGETS:
        lines += [f"\n### `{target}` (ceiling {ceilings[target]:.3f})"]
        lines += ["| prior leaves out | " + " | ".join(f"N = {n}" for n in SIZES) + " |"]
        lines += ["|---" * (len(SIZES) + 1) + "|"]
        for left_out in (*LEFT_OUT, COLD):
            cells = [_cell(taus.get((left_out, target, n), [])) for n in SIZES]
            lines.append(f"| {_label(left_out)} | " + " | ".join(cells) + " |")
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


def _differences(rows: list[Row]) -> list[str]:
    """Return a table of tau with the other benchmark as prior less tau without, seed by seed."""
    found = {row.key: row.kendall_tau for row in rows}
    sizes = [n for n in SIZES if n > 0]
    lines = ["| target | " + " | ".join(f"N = {n}" for n in sizes) + " |"]
    lines += ["|---" * (len(sizes) + 1) + "|"]
    for target in TARGETS:
        cells = []
        for n in sizes:
            keys = [key for key in found if key[:3] == ("benchmark", target, n)]
            gains = [found[k] - found[cold] for k in keys if (cold := (COLD, *k[1:])) in found]
            cells.append(_gain(gains))
        lines.append(f"| {target} | " + " | ".join(cells) + " |")
    return lines


def _gain(gains: list[float]) -> str:
    if len(gains) < 2:
        return "–"
    mean, sd = np.mean(gains), np.std(gains, ddof=1)
    # 2.26: the 97.5 % point of Student's t with 9 degrees of freedom.
    mark = "*" if len(gains) >= 10 and abs(mean) > 2.26 * sd / np.sqrt(len(gains)) else ""
    return f"{mean:+.3f} ± {sd:.3f}{mark} ({len(gains)})"


def _coverages(rows: list[Row]) -> list[str]:
    """Return a table of how many values deviations and intervals hold, mean over targets."""
    names = [f.name for f in fields(Honesty) if f.name not in {f.name for f in fields(Row)}]
    lines = ["| targets | prior leaves out | N | " + " | ".join(names) + " |"]
    lines += ["|---" * (len(names) + 3) + "|"]
    groups = defaultdict(list)
    for row in rows:
        groups[row.target.split("/")[0], row.left_out, row.n_train].append(row)
    for (benchmark, left_out, n), mine in sorted(groups.items()):
        shares = [f"{np.mean([getattr(row, name) for row in mine]):.2f}" for name in names]
        lines.append(f"| {benchmark} | {_label(left_out)} | {n} | " + " | ".join(shares) + " |")
    return lines


def _shares(taus: dict[tuple[str, str, int], list[float]], ceilings: dict[str, float]) -> list[str]:
    """Return a table of tau over the ceiling, mean over the targets of each benchmark."""
    sizes = SIZES
    lines = ["| targets | prior leaves out | " + " | ".join(f"N = {n}" for n in sizes) + " |"]
    lines += ["|---" * (len(sizes) + 2) + "|"]
    for benchmark in BENCHMARKS:
        mine = [t for t in TARGETS if t.startswith(benchmark)]
        for left_out in (*LEFT_OUT, COLD):
            cells = []
            for n in sizes:
                found = [taus.get((left_out, t, n), []) for t in mine]
                shares = [np.mean(f) / ceilings[t] for f, t in zip(found, mine, strict=True) if f]
                cells.append(f"{np.mean(shares):.3f}" if len(shares) == len(mine) else "–")
            lines.append(f"| {benchmark} | {_label(left_out)} | " + " | ".join(cells) + " |")
    return lines


def _ceiling(target: str, tables: dict[str, MeasurementTable]) -> float:
    table = tables[sr.Target.parse(target).benchmark]
    classes = [FunctionFeatureEncoder().key(cell) for cell in table.architectures]
    return noise_ceiling(table.values(target), classes, n_bootstrap=1, seed=0).value


def _label(left_out: str) -> str:
    if left_out == COLD:
        return "no prior"
    return {"target": "the target", "images": "its image set", "benchmark": "its benchmark"}[
        left_out
    ]


def _cell(values: list[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.3f}" if values else "–"
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}"


if __name__ == "__main__":
    main()
