"""The finalists as a predictor sees them that was trained on no cell that computes the same.

    python experiments/shipped/unseen.py        # a minute; writes unseen.csv and README.md's table

The shipped predictor was trained on every cell, so that what it says of a finalist is in-sample.
Here its recipe is fitted to all cells but those of the finalists' function classes.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from run import SHIPPED

import surrobust as sr

HERE = Path(__file__).parent
NAME = "nas-robbench-201-v1"
FINALISTS = (2581, 9930)
METRICS = ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8")
FIELDS = ("cell", "target", "published", "in_sample", "unseen")
BEGIN, END = "<!-- unseen: begin -->", "<!-- unseen: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--report", action="store_true", help="only write the table")
    args = parser.parse_args()
    path = HERE / "unseen.csv"
    if not args.report:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FIELDS)
            writer.writerows(_rows(args.data_dir))
    with path.open(newline="") as file:
        _report(list(csv.DictReader(file)))


def _rows(data_dir: str | None) -> list[tuple[object, ...]]:
    what = SHIPPED[NAME]
    table = sr.load_table(what.benchmark, data_dir=data_dir)
    finalists = [sr.Architecture.parse(index) for index in FINALISTS]
    classes = {cell.function_class for cell in finalists}
    kept = [i for i, c in enumerate(table.architectures) if c.function_class not in classes]
    values = np.stack([table.values(target) for target in table.targets], axis=1)
    print(f"{len(table.architectures) - len(kept)} cells left out, {len(kept)} trained on")
    # The predictions do not depend on the calibration of intervals.
    model = sr.make_predictor(what.kind, seed=0, **what.options, calibration_folds=0)
    model.fit([table.architectures[i] for i in kept], values[kept], targets=table.targets)
    shipped = sr.load_predictor(NAME)
    unseen, in_sample = model.predict(finalists), shipped.predict(finalists)
    rows = []
    for i, cell in enumerate(finalists):
        for metric in METRICS:
            target = f"{what.benchmark}/cifar10/{metric}"
            shown = (
                table.query(cell, target),
                in_sample[i, shipped.targets.index(target)],
                unseen[i, table.targets.index(target)],
            )
            rows.append((cell.index, target, *(f"{x:.4f}" for x in shown)))
    return rows


def _report(rows: list[dict[str, str]]) -> None:
    heads = [f"{metric}" for metric in METRICS]
    lines = ["| cell | | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for cell in FINALISTS:
        mine = [row for row in rows if row["cell"] == str(cell)]
        for field in FIELDS[2:]:
            shown = " | ".join(row[field].removeprefix("0") for row in mine)
            lines.append(f"| {cell} | {field.replace('_', '-')} | {shown} |")
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


if __name__ == "__main__":
    main()
