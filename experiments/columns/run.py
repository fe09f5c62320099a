"""What do columns known beforehand add to `default`: published proxies, the clean accuracy, both?

    python experiments/columns/run.py                 # everything, resumable
    python experiments/columns/run.py --smoke         # seconds
    python experiments/columns/run.py --report        # only README's tables

Reads the tables as the package does (``--data-dir``, ``SURROBUST_DATA``, per-user cache); writes
``results.csv`` after every score and the tables between the markers of ``README.md`` at the end.
"""

import argparse
import csv
import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from surrobust._files import write_text
from surrobust.benchmark import TARGETS
from surrobust.benchmark.predictors.protocol import ParameterCount, measured_cells, split
from surrobust.encodings import Columns
from surrobust.metrics import kendall_tau
from surrobust.predictors import make_predictor
from surrobust.tables import load_proxy_columns, load_table
from surrobust.targets import Target

HERE = Path(__file__).parent
SETS = ("none", "proxies", "clean", "both")
ALONE = ("parameters alone", "clean alone")
SIZES = (20, 50, 200, 1000)
FIELDS = ("predictor", "columns", "target", "n_train", "seed", "kendall_tau", "seconds")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

Key = tuple[str, str, str, int, int]
Scores = dict[Key, tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictors", nargs="+", default=["default"])
    parser.add_argument("--targets", nargs="+", default=list(TARGETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="one small score of each kind")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    if args.smoke:
        args.sizes, args.seeds, args.targets = [20], 1, args.targets[:1]
    scores = read(args.out)
    if not args.report:
        for key, value in measure(args, scores):
            scores[key] = value
            write(args.out, scores)
            print(*key, f"tau {value[0]:.4f}", file=sys.stderr, flush=True)
    if not args.smoke:
        report(scores)


def measure(args: argparse.Namespace, known: Scores) -> Iterator[tuple[Key, tuple[float, float]]]:
    """Yield every score that is not known yet."""
    proxies = Columns.of(*load_proxy_columns(data_dir=args.data_dir))
    for n in args.sizes:
        for seed in range(args.seeds):
            for target in args.targets:
                clean = clean_columns(target, args.data_dir)
                given = {
                    "none": None,
                    "proxies": proxies,
                    "clean": clean,
                    "both": proxies.beside(clean),
                }
                for predictor in args.predictors:
                    for name, columns in given.items():
                        key = (predictor, name, target, n, seed)
                        if key not in known:
                            yield key, score(predictor, columns, target, n, seed, args.data_dir)
                for name in ALONE:
                    key = (name, "none", target, n, seed)
                    if key not in known:
                        yield key, score_alone(name, target, n, seed, args.data_dir)


def clean_columns(target: str, data_dir: str | None) -> Columns:
    """Return the clean accuracy of the same trainings: same benchmark, same images."""
    parsed = Target.parse(target)
    table = load_table(parsed.benchmark, data_dir=data_dir)
    values = table.values(f"{parsed.benchmark}/{parsed.images}/clean")
    return Columns.of(["clean"], values, table.architectures)


def score(
    predictor: str, columns: Columns | None, target: str, n: int, seed: int, data_dir: str | None
) -> tuple[float, float]:
    """Return Kendall's tau on all held-out cells, and the seconds of fit and prediction."""
    cells, values = measured_cells(target, data_dir=data_dir)
    train, test = split(len(cells), n_train=n, seed=seed)
    start = time.process_time()
    model = make_predictor(predictor, columns=columns, calibration_folds=0, seed=seed)
    model.fit([cells[i] for i in train], values[train])
    predicted = model.predict([cells[i] for i in test])
    return kendall_tau(values[test], predicted), time.process_time() - start


def score_alone(
    name: str, target: str, n: int, seed: int, data_dir: str | None
) -> tuple[float, float]:
    """Return Kendall's tau of a ranking by one number, nothing learnt."""
    cells, values = measured_cells(target, data_dir=data_dir)
    test = split(len(cells), n_train=n, seed=seed)[1]
    held_out = [cells[i] for i in test]
    if name == "clean alone":
        ranking = clean_columns(target, data_dir).encode(held_out)[:, 0]
    else:
        ranking = ParameterCount().rank(held_out)
    return kendall_tau(values[test], ranking), 0.0


def read(path: Path) -> Scores:
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {
            (r["predictor"], r["columns"], r["target"], int(r["n_train"]), int(r["seed"])): (
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
    lines = [*summary(scores), *details(scores)]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n".join(lines) + "\n" + END + tail)


def summary(scores: Scores) -> Iterator[str]:
    """Mean paired difference to no columns, by benchmark."""
    sizes = sorted({key[3] for key in scores})
    for benchmark in ("nas-robbench-201", "jung2023"):
        yield f"\n### Gain over no columns, mean of the four `{benchmark}` targets"
        yield "| predictor | columns | " + " | ".join(f"N = {n}" for n in sizes) + " |"
        yield "|---" * (len(sizes) + 2) + "|"
        for predictor in sorted({key[0] for key in scores} - set(ALONE)):
            for name in SETS[1:]:
                cells = [gain(scores, predictor, name, benchmark, n) for n in sizes]
                yield f"| {predictor} | {name} | " + " | ".join(cells) + " |"


def gain(scores: Scores, predictor: str, name: str, benchmark: str, n: int) -> str:
    differences = [
        tau - scores[predictor, "none", target, size, seed][0]
        for (kind, columns, target, size, seed), (tau, _) in scores.items()
        if (kind, columns, size) == (predictor, name, n) and target.startswith(benchmark)
    ]
    if len(differences) < 2:
        return "–"
    wins = sum(difference > 0 for difference in differences)
    spread = np.std(differences, ddof=1)
    return f"{np.mean(differences):+.3f} ± {spread:.3f} ({wins} of {len(differences)} up)"


def details(scores: Scores) -> Iterator[str]:
    """Mean and spread over seeds, by target."""
    sizes = sorted({key[3] for key in scores})
    rows = [(p, c) for p in sorted({key[0] for key in scores} - set(ALONE)) for c in SETS]
    for target in TARGETS:
        yield f"\n### `{target}`"
        yield "| predictor | columns | " + " | ".join(map(str, sizes)) + " |"
        yield "|---" * (len(sizes) + 2) + "|"
        for predictor, columns in [*rows, *((name, "none") for name in ALONE)]:
            cells = [cell(scores, predictor, columns, target, n) for n in sizes]
            told = "" if predictor in ALONE else columns
            yield f"| {predictor} | {told} | " + " | ".join(cells) + " |"


def cell(scores: Scores, predictor: str, columns: str, target: str, n: int) -> str:
    taus = [v[0] for k, v in scores.items() if k[:4] == (predictor, columns, target, n)]
    if not taus:
        return "–"
    if len(taus) == 1:
        return f"{taus[0]:.3f} (n = 1)"
    count = "" if len(taus) == 5 else f" (n = {len(taus)})"
    return f"{np.mean(taus):.3f} ± {np.std(taus, ddof=1):.3f}{count}"


if __name__ == "__main__":
    main()
