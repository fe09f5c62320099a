"""What ships, and what is written onto cards that are there, without training anything.

python -m experiments.shipped.cards --ceilings        # only the ceilings on the cards
python -m experiments.shipped.cards --ranges          # only the least measured values
python -m experiments.shipped.cards --fingerprints    # only the fingerprints on the cards
"""

import argparse
import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import surrobust as sr
from surrobust.benchmark import ceiling, has_ceiling
from surrobust.predictors.ranges import TargetRanges
from surrobust.predictors.saving.fingerprint import Fingerprint
from surrobust.predictors.saving.folder import STATE
from surrobust.predictors.saving.state import as_identity, pack_state
from surrobust.tables import MeasurementTable
from surrobust.typing import FloatArray, IntArray

MODELS = Path(__file__).parents[2] / "models"


@dataclass(frozen=True)
class Shipped:
    """What one folder of ``models/`` holds."""

    benchmark: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()


_EDGE_TPU = "hw-nas-bench/cifar10/edgetpu-latency"  # measured on 10926 cells only
_ON_DEVICES = {
    "encoder": "features+one_hot",
    "transform": "standard",
    "members": 1,
    "trees": 300,
}

SHIPPED = {
    # At this many cells trees add less than .002 of tau; without them a predictor is small.
    "nas-robbench-201-v1": Shipped("nas-robbench-201", "default", {"process_weight": 1.0}),
    "jung2023-v1": Shipped("jung2023", "default", {"process_weight": 1.0}),
    # Latency depends on the cell as written, so the encoding has the raw edges too.
    "hw-nas-bench-v1": Shipped(
        "hw-nas-bench",
        "xgboost",
        _ON_DEVICES,
        tuple(t for t in sr.targets_of("hw-nas-bench") if t != _EDGE_TPU),
    ),
    "hw-nas-bench-edgetpu-v1": Shipped("hw-nas-bench", "xgboost", _ON_DEVICES, (_EDGE_TPU,)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=SHIPPED, default=list(SHIPPED))
    parser.add_argument("--folder", type=Path, default=MODELS)
    for work in WORKS:
        parser.add_argument(f"--{work}", action="store_true")
    args = parser.parse_args()
    for work, write in WORKS.items():
        for name in args.only if getattr(args, work) else ():
            write(args.folder / name)


def measured(table: MeasurementTable, targets: tuple[str, ...]) -> tuple[IntArray, FloatArray]:
    """Return which of the table's cells have all values, ``(n,)``, and these, ``(n, m)``."""
    values = np.stack([table.values(target) for target in targets], axis=1)
    kept = np.flatnonzero(np.isfinite(values).all(axis=1))
    return kept, values[kept]


def add_ceilings(folder: Path) -> None:
    """Write what retraining noise leaves of tau into a card, and the share that is reached."""
    card = _read(folder)
    for target, figures in card["metrics"].items():
        if not has_ceiling(target):
            continue
        top, tau = ceiling(target), figures["kendall_tau"]
        figures |= {
            "ceiling": top.value,
            "ceiling_lower": top.lower,
            "ceiling_upper": top.upper,
            "share_of_ceiling": None if tau is None else tau / top.value,
        }
    _write(folder, card)


def add_ranges(folder: Path) -> None:
    """Write into a folder of an earlier version what was measured least."""
    model = sr.load_predictor(folder)
    table = sr.load_table(SHIPPED[folder.name].benchmark)
    ranges = TargetRanges.of(model.targets, measured(table, model.targets)[1])
    identity = as_identity(model.kind, model.options)
    content = pack_state(replace(model._fitted(), ranges=ranges), identity=identity)
    (folder / STATE).write_bytes(content)
    card = _read(folder)
    card["files"][STATE] = hashlib.sha256(content).hexdigest()
    _write(folder, card)


def add_fingerprint(folder: Path) -> None:
    """Write onto a card of an earlier version what its predictor says of three cells."""
    card = _read(folder)
    card["fingerprint"] = Fingerprint.of(sr.load_predictor(folder)).model_dump()
    _write(folder, card)


def _read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "card.json").read_text())


def _write(folder: Path, card: dict[str, Any]) -> None:
    (folder / "card.json").write_text(json.dumps(card, indent=1, allow_nan=False) + "\n")


WORKS = {"ceilings": add_ceilings, "ranges": add_ranges, "fingerprints": add_fingerprint}

if __name__ == "__main__":
    main()
