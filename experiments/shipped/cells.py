"""Five known cells, predicted by the shipped predictors beside the tables' values.

    python experiments/shipped/cells.py > experiments/shipped/cells.md

Each cell is given to ``surrobust predict`` in another written form.
"""

import argparse
import json
import subprocess
import sys

import surrobust as sr

FORMS = {
    2581: lambda cell: cell.genotype,
    9930: lambda cell: str(cell.index),
    13714: lambda cell: cell.code,
    1000: lambda cell: json.dumps({"op_indices": cell.op_indices}),
    13433: lambda cell: json.dumps({"edges": cell.edges}),
}
TARGETS = (
    "nas-robbench-201/cifar10/clean",
    "nas-robbench-201/cifar10/pgd-8",
    "nas-robbench-201/cifar10/autoattack-8",
    "nas-robbench-201/cifar100/pgd-8",
    "jung2023/cifar10/clean",
    "jung2023/cifar10/pgd-1",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    args = parser.parse_args()
    forms = [form(sr.Architecture.parse(index)) for index, form in FORMS.items()]
    options = [part for target in TARGETS for part in ("--target", target)]
    command = [sys.executable, "-m", "surrobust", "predict", *forms, *options, "--json"]
    document = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print("Predicted, [90 % interval], *measured*. All five were among the training cells.\n")
    print("| cell | given as | " + " | ".join(f"`{t}`" for t in TARGETS) + " |")
    print("|---" * (len(TARGETS) + 2) + "|")
    for form, row in zip(forms, document["predictions"], strict=True):
        cells = [_cell(row, target, args.data_dir) for target in TARGETS]
        told = form.replace("|", "\\|")
        print(f"| {row['index']} | `{told}` | " + " | ".join(cells) + " |")


def _cell(row: dict, target: str, data_dir: str | None) -> str:
    value = row["values"][target]
    table = sr.load_table(sr.Target.parse(target).benchmark, data_dir=data_dir)
    measured = table.query(row["index"], target)
    return f"{value['mean']:.4f} [{value['lower']:.4f}, {value['upper']:.4f}] *{measured:.4f}*"


if __name__ == "__main__":
    main()
