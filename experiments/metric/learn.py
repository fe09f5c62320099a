"""Write data/metrics.safetensors: what each benchmark's design targets teach of distances.

``python -m experiments.metric.learn`` (tables by ``surrobust data fetch``; about three minutes).
None of the eight targets on which predictors are compared is among them.
"""

from pathlib import Path

import numpy as np

from experiments.metric import TEACHERS
from surrobust._files import write_bytes
from surrobust._parts import pack
from surrobust._tensors import pack_tensors
from surrobust.benchmark.predictors.protocol import measured_cells
from surrobust.encodings.joined import Features
from surrobust.processes.groups import KernelGroups
from surrobust.processes.kernel import PREDICTING
from surrobust.processes.learning import Taught, learn_metric
from surrobust.processes.metric import METRIC_FILE, Metric
from surrobust.processes.scores import ScoreMap

N_POOL, N_CELLS = 2000, 600
"""Cells that may teach, and of these how many do for each target."""


def learn(targets: tuple[str, ...]) -> Metric:
    """Learn from N_CELLS random cells of each target, out of one pool."""
    features = Features("features")
    groups = KernelGroups(features)
    rng = np.random.default_rng(0)
    taught = []
    for target in targets:
        cells, values = measured_cells(target)
        pool = np.random.default_rng(990).permutation(len(cells))[:N_POOL]
        chosen = np.sort(rng.choice(pool, N_CELLS, replace=False))
        scores = ScoreMap.fit(values[chosen, None], transform="scores")[1]
        firsts, means, repeats = features.merge([cells[i] for i in chosen], scores)
        taught.append(Taught(groups.encode(firsts), means[:, 0], repeats))
    sizes = [part.stop - part.start for part in groups.slices]
    medians = np.repeat([PREDICTING.weights[name].median for name in groups.names], sizes)
    return learn_metric(taught, medians, np.repeat(np.arange(len(sizes)), sizes))


if __name__ == "__main__":
    learnt = {name: learn(targets) for name, targets in TEACHERS.items()}
    tensors = {f"{n}.{key}": array for n, one in learnt.items() for key, array in pack(one).items()}
    out = Path(__file__).parents[2] / "data" / METRIC_FILE
    write_bytes(out, pack_tensors(tensors))
    print(f"{out}: " + ", ".join(f"{name} from {len(ts)} targets" for name, ts in TEACHERS.items()))
