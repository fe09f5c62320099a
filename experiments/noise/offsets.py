"""What the offsets of convolutions of zeros do to cells that count as one network.

The last table of README, a minute. 156 representatives have a convolution that reads what no signal
comes to: its batch norm adds a learnt offset, of which the classes of
``benchmark.training_classes`` know nothing.
"""

import sys
from collections import defaultdict

import numpy as np

import surrobust as sr
from experiments.frame import run
from experiments.markdown import table
from surrobust.benchmark import TARGETS, training_classes
from surrobust.benchmark.noise import noise_ceiling
from surrobust.networks import has_offsets

HEADS = ["target", "with offsets minus without ± standard error", "tau", "tau, offsets apart"]


def offsets(targets: tuple[str, ...] = TARGETS, resamples: int = 50) -> None:
    print(*table(HEADS, (row(target, resamples) for target in targets)), sep="\n")


def row(target: str, resamples: int) -> list[str]:
    measured = sr.load_table(sr.Target.parse(target).benchmark)
    y, cells = measured.values(target), measured.architectures
    apart = np.array([has_offsets(cell) for cell in cells])
    classes = training_classes(cells)
    members = defaultdict(list)
    for position, one in enumerate(classes):
        members[one].append(position)
    groups = [np.array(positions) for positions in members.values()]
    mixed = [rows for rows in groups if 0 < apart[rows].sum() < len(rows)]
    gaps = np.array([y[r[apart[r]]].mean() - y[r[~apart[r]]].mean() for r in mixed])
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    split = list(zip(classes, apart.tolist(), strict=True))
    taus = [noise_ceiling(y, c, n_bootstrap=resamples) for c in (classes, split)]
    counts = f"{len(mixed)} classes with both kinds, {apart.sum()} cells with offsets"
    print(target, counts, file=sys.stderr, flush=True)
    told = [f"{t.value:.4f} ({t.lower:.4f} to {t.upper:.4f})" for t in taus]
    return [f"`{target}`", f"{gaps.mean():+.4f} ± {error:.4f}", *told]


if __name__ == "__main__":
    run(offsets, __doc__, smoke={"targets": TARGETS[:1], "resamples": 2})
