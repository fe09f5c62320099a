"""Five known cells, predicted by the shipped predictors beside the tables' values.

    python -m experiments.shipped.cells > experiments/shipped/cells.md

Each cell is given to ``surrobust predict`` in another written form.
"""

import json
import subprocess
import sys

import surrobust as sr
from experiments.markdown import table

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
    forms = [form(sr.Architecture.parse(index)) for index, form in FORMS.items()]
    options = [part for target in TARGETS for part in ("--target", target)]
    command = [sys.executable, "-m", "surrobust", "predict", *forms, *options, "--json"]
    document = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print("Predicted, [90 % interval], *measured*. All five were among the training cells.\n")
    body = []
    for form, row in zip(forms, document["predictions"], strict=True):
        told = form.replace("|", "\\|")
        body.append([row["index"], f"`{told}`", *(_cell(row, target) for target in TARGETS)])
    print(*table(["cell", "given as", *(f"`{target}`" for target in TARGETS)], body), sep="\n")


def _cell(row: dict, target: str) -> str:
    value = row["values"][target]
    measured = sr.load_table(sr.Target.parse(target).benchmark).query(row["index"], target)
    return f"{value['mean']:.4f} [{value['lower']:.4f}, {value['upper']:.4f}] *{measured:.4f}*"


if __name__ == "__main__":
    main()
