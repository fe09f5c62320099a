"""Fit the combinations of proxies that ship with the package, ``data/zero_cost.json``.

    python -m experiments.zero_cost.fit

Every combination is fitted on the cells whose proxies ship (``data/proxies.csv.gz``) and on the
targets of the same kind (attacks, or clean and corruption accuracy) of the other image sets of its
benchmark, so that it never saw the image set it is for. Reads the tables as the package does.
"""

import json
import subprocess
from pathlib import Path

from surrobust._files import write_text
from surrobust.sessions.ranking import COMBINATIONS, fit_combination, training_targets
from surrobust.spaces import NASBench201
from surrobust.tables import load_proxy_provenance, load_proxy_scores, load_table

COLUMNS = [
    "params",
    "flops",
    "synflow",
    "nwot",
    "l2_norm",
    "snip",
    "grad_norm",
    "plain",
    "fisher",
    "zen",
    "jacov",
    "epe_nas",
]
KEYS = [
    f"{benchmark}/{images}/{kind}"
    for benchmark in ("nas-robbench-201", "jung2023")
    for images in ("cifar10", "cifar100", "imagenet16-120")
    for kind in ("attacks", "natural")
] + ["nas-robbench-201/any/attacks", "nas-robbench-201/any/natural"]


def main() -> None:
    known = load_proxy_scores()[list(COLUMNS)].dropna()
    space = NASBench201()
    cells = [space[int(index)] for index in known.index]
    combinations = {}
    for key in KEYS:
        table = load_table(key.split("/")[0])
        values = {t: [table.query(c, t) for c in cells] for t in training_targets(key)}
        combinations[key] = fit_combination(key, list(COLUMNS), known.to_numpy(), values)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    document = {
        "made_by": "experiments/zero_cost/fit.py",
        "commit": commit,
        "n_cells": len(cells),
        "proxies_sha256": load_proxy_provenance()["sha256"],
        "combinations": {
            key: _rounded(combination.to_document()) for key, combination in combinations.items()
        },
    }
    path = Path(__file__).parents[2] / "data" / COMBINATIONS
    write_text(path, json.dumps(document, indent=1) + "\n")
    print(f"{len(cells)} cells, {len(combinations)} combinations: {path.name}")


def _rounded(document: dict) -> dict:
    return {
        name: values if name == "columns" else [float(f"{value:.9g}") for value in values]
        for name, values in document.items()
    }


if __name__ == "__main__":
    main()
