"""Which cells do gradients end in: darts, dsrna, arnas, their ablations, and random search.

    python experiments/differentiable/run.py --images DIR      # 33 runs, resumable run by run
    python experiments/differentiable/run.py --images DIR --smoke
    python experiments/differentiable/run.py --report          # only README's tables and figure

DIR has CIFAR-10 as ``train/<class>/*``; without ``--images`` the official files are read. Tables
as in the package (``--data-dir``, ``SURROBUST_DATA``, per-user cache). Writes ``results.csv``.
"""

import argparse
import csv
import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from surrobust._files import write_text
from surrobust.attacks import PGD
from surrobust.differentiable import PRESETS, Arnas, Darts, Dsrna, gradient_search
from surrobust.differentiable.batches import Halves
from surrobust.differentiable.supernets import find_collapse
from surrobust.images import load_images
from surrobust.networks import build_network
from surrobust.spaces import Architecture, NASBench201
from surrobust.tables import load_table

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
SEEDS = (0, 1, 2)
SETTINGS = replace(PRESETS["cpu"], limit=1024, epochs=3)
METHODS = {
    "darts": Darts(),
    "dsrna certified": Dsrna("certified", images=2),
    "dsrna certified, linear": Dsrna("certified", images=2, relaxation="linear"),
    "dsrna certified, linear, ε/8": Dsrna(
        "certified", images=2, epsilon=1 / 8 / 255, relaxation="linear"
    ),
    "dsrna jacobian": Dsrna("jacobian", images=2, epsilon=8 / 255),
    "dsrna combined": Dsrna("combined", images=2),
    "dsrna combined, relative": Dsrna("combined", images=2, relative=True),
    "arnas": Arnas(),
    "arnas without MGDA": Arnas(mgda=False),
    "arnas without placement": Arnas(placed=False),
    "arnas without both": Arnas(mgda=False, placed=False),
}
RANDOM = "random, trained"
TARGETS = {
    "pgd-8": "nas-robbench-201/cifar10/pgd-8",
    "clean": "nas-robbench-201/cifar10/clean",
    "autoattack-8": "nas-robbench-201/cifar10/autoattack-8",
    "jung clean": "jung2023/cifar10/clean",
    "jung pgd-1": "jung2023/cifar10/pgd-1",
}
FIELDS = ("condition", "seed", "role", "code", "with zeros", "collapse", "seconds", "steps")
FIELDS = (*FIELDS, "cells", "clean share 0", "robust to loss", *TARGETS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="cifar10")
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true", help="two steps, one seed; no file")
    parser.add_argument("--report", action="store_true", help="only write the tables")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tables = Tables(args.data_dir)
    if args.report:
        report(args.out, tables)
        return
    if args.smoke:
        small = replace(SETTINGS, limit=64, epochs=2, batch=16)
        for name in METHODS:
            print(one(name, 0, args, small, tables)[0])
        print(trained(0, 2.0, args, small, tables)[0])
        return
    rows = read(args.out)
    for name in [*METHODS, RANDOM]:
        for seed in SEEDS:
            if any(r["condition"] == name and int(r["seed"]) == seed for r in rows):
                continue
            if name == RANDOM:
                spent = [float(r["seconds"]) for r in rows if r["condition"] == "arnas"]
                rows += trained(seed, float(np.mean(spent)), args, SETTINGS, tables)
            else:
                rows += one(name, seed, args, SETTINGS, tables)
            write(args.out, rows)
            print(rows[-1], file=sys.stderr, flush=True)
    report(args.out, tables)


class Tables:
    """The measured values of cells."""

    def __init__(self, data_dir: str | None) -> None:
        names = {target.split("/")[0] for target in TARGETS.values()}
        self.tables = {name: load_table(name, data_dir=data_dir) for name in names}

    def look_up(self, cell: Architecture) -> dict[str, str]:
        """Return the value of every target as text."""
        values = {
            name: self.tables[target.split("/")[0]].query(cell, target)
            for name, target in TARGETS.items()
        }
        return {name: f"{float(value):.4f}" for name, value in values.items()}

    def all(self, name: str) -> np.ndarray:
        """Return the values of all representatives."""
        target = TARGETS[name]
        return np.asarray(self.tables[target.split("/")[0]].values(target))


def one(name: str, seed: int, args: argparse.Namespace, settings, tables: Tables) -> list[dict]:
    """One gradient search: a row for each role, what it spent in the first."""
    notes: list[dict] = []
    begun = time.process_time()
    found = gradient_search(
        METHODS[name],
        args.images,
        settings=settings,
        seed=seed,
        device="cpu",
        progress=lambda _step, _total, told: notes.append(dict(told)),
    )
    seconds = time.process_time() - begun
    shares = [note["clean_share"] for note in notes if "clean_share" in note]
    weights = [note["robust_to_loss"] for note in notes if "robust_to_loss" in note]
    rows = []
    for role, cell in found.cells.items():
        zeros = Architecture.parse(found.document["cells_with_zeros"][role])
        row = {"condition": name, "seed": seed, "role": role, "code": cell.code}
        row |= {"with zeros": zeros.code, "collapse": find_collapse(cell) or ""}
        row |= {"seconds": f"{seconds:.1f}", "steps": len(notes), "cells": ""}
        row["clean share 0"] = f"{np.mean(np.array(shares) == 0):.2f}" if shares else ""
        row["robust to loss"] = f"{np.median(weights):.3g}" if weights else ""
        rows.append(row | tables.look_up(cell))
    return rows


def trained(
    seed: int, budget: float, args: argparse.Namespace, settings, tables: Tables
) -> list[dict]:
    """Random cells, each trained against PGD-7 as long as a supernet; the best on held-out images.

    As many as fit into the seconds that ``arnas`` takes.
    """
    images = load_images(
        args.images,
        image_size=settings.image_size,
        limit=settings.limit,
        seed=seed,
        data_dir=args.data_dir,
    )
    halves = Halves(
        images,
        batch=settings.batch,
        augment=False,
        seed=seed,
        device=torch.device("cpu"),
        in_turn=True,
        whole=True,
    )
    representatives = NASBench201().representatives()
    rng = np.random.default_rng([seed, 99])
    begun, best, count = time.process_time(), (-1.0, representatives[0]), 0
    while time.process_time() - begun < budget:
        cell = representatives[int(rng.integers(len(representatives)))]
        accuracy = train_and_attack(cell, halves, settings, len(images.classes), seed)
        best, count = max(best, (accuracy, cell), key=lambda pair: pair[0]), count + 1
    cell = best[1]
    row = {"condition": RANDOM, "seed": seed, "role": "cell", "code": cell.code, "with zeros": ""}
    row |= {"collapse": find_collapse(cell) or "", "cells": count}
    row |= {"seconds": f"{time.process_time() - begun:.1f}"}
    row |= {"steps": count * settings.epochs * halves.steps}
    return [row | {"clean share 0": "", "robust to loss": ""} | tables.look_up(cell)]


def train_and_attack(cell: Architecture, halves: Halves, settings, classes: int, seed: int):
    """Accuracy under PGD-7 on the other half of a network trained as supernets are."""
    generator = torch.Generator().manual_seed(seed)
    network = build_network(
        cell,
        channels=settings.channels,
        cells=settings.cells,
        classes=classes,
        image_size=settings.image_size,
        generator=generator,
    )
    total = settings.epochs * halves.steps
    sgd = torch.optim.SGD(
        network.parameters(), lr=settings.weight_rate, momentum=0.9, weight_decay=3e-4
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, total, settings.weight_rate_end)
    attack = PGD(8 / 255, steps=7, step_size=2 / 255, seed=seed)
    for step in range(total):
        batch = halves.fit(step)
        x = attack(network, batch.x, batch.y)
        sgd.zero_grad()
        functional.cross_entropy(network(x), batch.y).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        sgd.step()
        schedule.step()
    network.eval()
    right, seen = 0, 0
    for step in range(min(halves.steps, 8)):
        batch = halves.held(step)
        x = attack(network, batch.x, batch.y)
        with torch.no_grad():
            right += int((network(x).argmax(1) == batch.y).sum())
        seen += len(batch.y)
    return right / seen


def report(path: Path, tables: Tables) -> None:
    """Write the tables into the README, and the figure."""
    rows = read(path)
    lines = [
        "| condition | role | cells by seed | pgd-8 | clean | autoattack-8 | jung clean | "
        "jung pgd-1 | CPU s | notes |",
        "|" + "---|" * 10,
    ]
    groups: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        groups.setdefault((row["condition"], row["role"]), []).append(row)
    for (condition, role), group in groups.items():
        values = [spread([float(r[name]) for r in group]) for name in TARGETS]
        seconds = np.mean([float(r["seconds"]) for r in group])
        codes = " ".join(r["code"] for r in group)
        lines.append(
            f"| {condition} | {role} | {codes} | "
            + " | ".join(values)
            + f" | {seconds:.0f} | {told(group)} |"
        )
    for n in (1, 5, 20):
        best = [f"{expected_best(tables, name, n):.3f}" for name in TARGETS]
        label = "random cell of the table" if n == 1 else f"best of {n} random ones by pgd-8"
        lines.append(f"| {label} (expected) | – | – | " + " | ".join(best) + " | 0 | |")
    top = int(np.argmax(tables.all("pgd-8")))
    best = [f"{tables.all(name)[top]:.3f}" for name in TARGETS]
    lines.append("| best cell by pgd-8 | – | – | " + " | ".join(best) + " | – | |")
    readme = HERE / "README.md"
    if path.parent == HERE and readme.exists():
        text = readme.read_text()
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        write_text(readme, head + BEGIN + "\n" + "\n".join(lines) + "\n" + END + tail)
        draw(groups, tables)
    print("\n".join(lines))


def told(group: list[dict]) -> str:
    """Return what else there is to say of a condition."""
    parts = []
    collapsed = sum(bool(r["collapse"]) for r in group)
    if collapsed:
        parts.append(f"{collapsed} of {len(group)} collapsed")
    if group[0]["clean share 0"]:
        share = np.mean([float(r["clean share 0"]) for r in group])
        parts.append(f"MGDA took the attacked gradient alone in {100 * share:.0f} % of steps")
    if group[0]["robust to loss"]:
        ratio = np.median([float(r["robust to loss"]) for r in group])
        parts.append(f"gradient of γR / of L: {ratio:.2g}")
    if group[0]["cells"]:
        parts.append("cells trained: " + " ".join(r["cells"] for r in group))
    return "; ".join(parts)


def spread(values: list[float]) -> str:
    """Return mean and standard deviation."""
    deviation = np.std(values, ddof=1) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.3f} ± {deviation:.3f}"


def expected_best(tables: Tables, name: str, n: int) -> float:
    """Return the expected value of the cell that is best by pgd-8 among n drawn ones, exactly."""
    order = np.argsort(tables.all("pgd-8"), kind="stable")
    places = np.arange(1, len(order) + 1) / len(order)
    shares = places**n - np.concatenate([[0.0], places[:-1]]) ** n
    return float(shares @ tables.all(name)[order])


def draw(groups: dict[tuple[str, str], list[dict]], tables: Tables) -> None:
    """A dot per run, the table's quartiles behind."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    low, middle, high = np.quantile(tables.all("pgd-8"), [0.25, 0.5, 0.75])
    axes.axvspan(low, high, color="0.9", label="middle half of all cells")
    axes.axvline(middle, color="0.6", lw=1)
    axes.axvline(tables.all("pgd-8").max(), color="0.4", lw=1, ls=":", label="best cell")
    names = [c if role == "cell" else f"{c} ({role})" for c, role in groups]
    for row, group in enumerate(groups.values()):
        values = [float(r["pgd-8"]) for r in group]
        axes.plot(values, [row] * len(values), "o", color="C0", alpha=0.7)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("PGD-20 accuracy at 8/255 of the cell, adversarially trained (table)")
    axes.legend(fontsize=8, loc="lower left")
    figure.savefig(HERE / "cells.png", dpi=110)


def read(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


if __name__ == "__main__":
    main()
