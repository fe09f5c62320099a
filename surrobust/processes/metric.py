"""How far apart two cells are, learnt from benchmarks: what their features say of robustness.

One lengthscale per group takes every column of a group to say as much as any other. Measured cells
of several targets tell which do say something, and which of them say it together; few cells of a
new target could not. That was learnt once (``learning``), and comes with the package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from .._checks import check_choice
from .._files import read_bytes
from .._parts import tensor, unpack
from .._places import shipped_folder
from .._tensors import unpack_tensors
from ..typing import FloatArray

METRICS = ("all", "nas-robbench-201", "jung2023", "none")
"""What distances are learnt from: both benchmarks, one of them, or nothing.

With figures on one benchmark, what the other has taught is told; ``none`` is for comparison."""

METRIC_FILE = "metrics.safetensors"


@dataclass(frozen=True)
class Metric:
    """Squared distances of scaled features, ``sum_c s_c^2 (a_c - b_c)^2 + |Q' (s a - s b)|^2``.

    Args:
        relevances: The squares of s, of c columns, ``(c,)``.
        directions: Q, ``(c, r)``.
    """

    relevances: FloatArray = tensor("float64", "c")
    directions: FloatArray = tensor("float64", "c _r")


@cache
def load_metric(name: str) -> Metric | None:
    """Return what comes with the package; None for ``none``.

    Raises:
        InvalidInputError: If there is no such metric.
    """
    check_choice("metric", name, METRICS)
    if name == "none":
        return None
    content = read_bytes(shipped_folder("data") / METRIC_FILE)
    tensors = unpack_tensors(content, name=METRIC_FILE)
    if name != "all":
        return unpack(Metric, tensors, prefix=f"{name}.")
    return join([unpack(Metric, tensors, prefix=f"{one}.") for one in METRICS[1:-1]])


def metric_without(benchmark: str) -> str:
    """Return the metric that a benchmark has taught nothing."""
    others = [name for name in METRICS[1:-1] if name != benchmark]
    return others[0] if len(others) == 1 else METRICS[0]


def join(metrics: Sequence[Metric]) -> Metric:
    """Return the mean of several: of the logarithms of relevances, and of squared distances."""
    roots = [np.sqrt(one.relevances) for one in metrics]
    relevances = np.exp(np.mean([np.log(one.relevances) for one in metrics], axis=0))
    # As they were, in features that are scaled anew.
    pairs = zip(metrics, roots, strict=True)
    scaled = [one.directions * (root / np.sqrt(relevances))[:, None] for one, root in pairs]
    return Metric(relevances, np.concatenate(scaled, axis=1) / np.sqrt(len(metrics)))
