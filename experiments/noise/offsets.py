"""What the offsets of convolutions of zeros do to cells that count as one network.

python experiments/noise/offsets.py    # the last table of README, a minute

156 representatives have a convolution that reads what no signal comes to: its batch norm adds a
learnt offset, of which the classes of ``benchmark.training_classes`` know nothing.
"""

import sys
from collections import defaultdict

import numpy as np

import surrobust as sr
from surrobust.benchmark import TARGETS, training_classes
from surrobust.benchmark.noise import noise_ceiling
from surrobust.networks import has_offsets


def main() -> None:
    print("| target | with offsets minus without ± standard error | tau | tau, offsets apart |")
    print("|---" * 4 + "|")
    for target in TARGETS:
        table = sr.load_table(sr.Target.parse(target).benchmark)
        y, cells = table.values(target), table.architectures
        apart = np.array([has_offsets(cell) for cell in cells])
        classes = training_classes(cells)
        members = defaultdict(list)
        for row, one in enumerate(classes):
            members[one].append(row)
        groups = [np.array(rows) for rows in members.values()]
        mixed = [rows for rows in groups if 0 < apart[rows].sum() < len(rows)]
        gaps = np.array([y[r[apart[r]]].mean() - y[r[~apart[r]]].mean() for r in mixed])
        error = gaps.std(ddof=1) / np.sqrt(len(gaps))
        split = list(zip(classes, apart.tolist(), strict=True))
        taus = [noise_ceiling(y, c, n_bootstrap=50) for c in (classes, split)]
        told = [f"{t.value:.4f} ({t.lower:.4f} to {t.upper:.4f})" for t in taus]
        print(f"| `{target}` | {gaps.mean():+.4f} ± {error:.4f} | {' | '.join(told)} |", flush=True)
    print(
        f"{len(mixed)} classes with both kinds, {apart.sum()} cells with offsets", file=sys.stderr
    )


if __name__ == "__main__":
    main()
