"""Builds the predictors that ship with the package, with their cards.

    python experiments/shipped/run.py                        # all of them
    python experiments/shipped/run.py --only jung2023-v1     # one
    python experiments/shipped/run.py --smoke                # 300 cells each, into a scratch folder
    python experiments/shipped/run.py --ceilings             # only the ceilings on the cards
    python experiments/shipped/run.py --ranges               # only the least measured values
    python experiments/shipped/run.py --fingerprints         # only the fingerprints on the cards

Each is trained on every cell of its benchmark for all its targets. The figures on a card are those
of five folds that keep cells which compute the same together; the figures of README.md are
written from the cards.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
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

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "models"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


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
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=MODELS)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--ceilings", action="store_true", help="train nothing")
    parser.add_argument("--ranges", action="store_true", help="train nothing")
    parser.add_argument("--fingerprints", action="store_true", help="train nothing")
    args = parser.parse_args()
    n = None
    if args.smoke:
        n, args.out = 300, Path(tempfile.mkdtemp())
    for name in args.only:
        if args.ranges:
            add_ranges(name, args.out / name, data_dir=args.data_dir)
        if args.fingerprints:
            add_fingerprint(args.out / name)
        if args.ranges or args.fingerprints:
            continue
        start = time.perf_counter()
        if not args.ceilings:
            build(name, out=args.out, data_dir=args.data_dir, n=n)
        add_ceilings(args.out / name / "card.json", data_dir=args.data_dir)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    if not (args.smoke or args.ranges or args.fingerprints) and args.out == MODELS:
        _report()


def build(name: str, *, out: Path, data_dir: str | None, n: int | None) -> None:
    """Train one predictor and write its folder."""
    what = SHIPPED[name]
    table = sr.load_table(what.benchmark, data_dir=data_dir)
    targets = what.targets or table.targets
    kept, values = _measured(table, targets)
    model = sr.make_predictor(what.kind, seed=0, **what.options)
    cells = [table.architectures[i] for i in kept[:n]]
    model.fit(cells, values[:n], targets=targets)
    model.save(
        out / name,
        name=name,
        trained_on={"table": table.name, "checksums": dict(table.checksums)},
        citation=table.citation,
    )


def _measured(table: MeasurementTable, targets: tuple[str, ...]) -> tuple[IntArray, FloatArray]:
    """Return which of the table's cells have all values, ``(n,)``, and these, ``(n, m)``."""
    values = np.stack([table.values(target) for target in targets], axis=1)
    kept = np.flatnonzero(np.isfinite(values).all(axis=1))
    return kept, values[kept]


def add_ceilings(path: Path, *, data_dir: str | None) -> None:
    """Write what retraining noise leaves of tau into a card, and the share that is reached."""
    card = json.loads(path.read_text())
    for target, figures in card["metrics"].items():
        if not has_ceiling(target, data_dir=data_dir):
            continue
        top, tau = ceiling(target, data_dir=data_dir), figures["kendall_tau"]
        figures |= {
            "ceiling": top.value,
            "ceiling_lower": top.lower,
            "ceiling_upper": top.upper,
            "share_of_ceiling": None if tau is None else tau / top.value,
        }
    path.write_text(json.dumps(card, indent=1, allow_nan=False) + "\n")


def add_ranges(name: str, folder: Path, *, data_dir: str | None) -> None:
    """Write into a folder of an earlier version what was measured least."""
    model = sr.load_predictor(folder)
    table = sr.load_table(SHIPPED[name].benchmark, data_dir=data_dir)
    ranges = TargetRanges.of(model.targets, _measured(table, model.targets)[1])
    identity = as_identity(model.kind, model.options)
    content = pack_state(replace(model._fitted(), ranges=ranges), identity=identity)
    (folder / STATE).write_bytes(content)
    card = json.loads((folder / "card.json").read_text())
    card["files"][STATE] = hashlib.sha256(content).hexdigest()
    (folder / "card.json").write_text(json.dumps(card, indent=1, allow_nan=False) + "\n")


def add_fingerprint(folder: Path) -> None:
    """Write onto a card of an earlier version what its predictor says of three cells."""
    path = folder / "card.json"
    card = json.loads(path.read_text())
    card["fingerprint"] = Fingerprint.of(sr.load_predictor(folder)).model_dump()
    path.write_text(json.dumps(card, indent=1, allow_nan=False) + "\n")


def _report() -> None:
    names = "predictor", "targets", "cells", "MB", "held-out tau: least, median, largest"
    lines = ["| " + " | ".join([*names, "90 % intervals hold"]) + " |", "|---" * 6 + "|"]
    for name in SHIPPED:
        folder = MODELS / name
        if not folder.is_dir():
            continue
        card = json.loads((folder / "card.json").read_text())
        taus = sorted(figures["kendall_tau"] for figures in card["metrics"].values())
        covers = [figures["coverage_90"] for figures in card["metrics"].values()]
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        lines.append(
            f"| `{name}` | {len(taus)} | {card['trained_on']['n']} | {size:.1f} "
            f"| {taus[0]:.3f}, {taus[len(taus) // 2]:.3f}, {taus[-1]:.3f} "
            f"| {min(covers):.3f} to {max(covers):.3f} |"
        )
    for readme in (HERE / "README.md", MODELS / "README.md"):
        text = readme.read_text()
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        readme.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)


if __name__ == "__main__":
    main()
