"""What a perfect predictor would reach on a target, from cells that were trained twice."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType

import numpy as np

from ... import metrics
from ..._checks import check_choice
from ...encodings import FunctionFeatureEncoder
from ...errors import InvalidInputError
from ...spaces import Architecture
from ...tables import MeasurementTable, load_table
from ...targets import Target
from ...typing import AnyPath, FloatArray
from ..noise import Ceiling, noise_ceiling
from .protocol import HEAD

MEASURES: Mapping[str, Callable[[FloatArray, FloatArray], float]] = MappingProxyType(
    {
        "kendall_tau": metrics.kendall_tau,
        "spearman": metrics.spearman_rho,
        "r2": metrics.r2_score,
        f"precision_at_{HEAD}": partial(metrics.precision_at, k=HEAD),
    }
)
"""The columns of a score that have a ceiling."""


def training_classes(cells: Sequence[Architecture]) -> list[int]:
    """Return what each cell is as a network; equal for cells whose trainings are repetitions.

    That is the function class with the numbers of convolutions behind it, both as they are in the
    representative, which is what benchmarks trained. The function class alone also joins cells
    where a convolution is used twice with cells where two convolutions of one kind stand side by
    side; those are different networks, and the difference between them is not noise. Offsets of
    convolutions of zeros, in 156 representatives, are not told apart (``experiments/noise``).
    """
    encoder = FunctionFeatureEncoder()
    return [encoder.key(cell) for cell in cells]


def has_ceiling(target: str, *, data_dir: AnyPath | None = None) -> bool:
    """Return whether retraining noise of the target is known and tells about a ranking.

    Not so for what was never trained twice, and where more than half of the cells have one and
    the same value: strong attacks leave most cells of standard training at exactly 0.
    """
    if not Target.parse(target).is_accuracy:
        return False
    values = load_table(Target.parse(target).benchmark, data_dir=data_dir).values(target)
    most = np.unique(values, return_counts=True)[1].max()
    return bool(most <= len(values) / 2)


def ceiling(
    target: str,
    *,
    measure: str = "kendall_tau",
    data_dir: AnyPath | None = None,
    n_bootstrap: int = 100,
    seed: int = 0,
) -> Ceiling:
    """Return what a predictor reaches that knows each network's expected value.

    Computed once per process, in about a second; over all cells of the table. The precision
    of the head depends a little on how many cells are ranked.

    Args:
        target: Target key.
        measure: One of ``MEASURES``.
        data_dir: Where the tables are.
        n_bootstrap: Resamples of the classes behind the interval.
        seed: Seed.

    Raises:
        InvalidInputError: If the measure is not known, or the target has no ceiling.
    """
    check_choice("measure", measure, MEASURES)
    if not has_ceiling(target, data_dir=data_dir):
        msg = f"target: expected an accuracy that ranks the cells, got {target}"
        raise InvalidInputError(msg)
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    return _ceiling(table, target, measure, n_bootstrap, seed)


@lru_cache(maxsize=1024)
def _ceiling(
    table: MeasurementTable, target: str, measure: str, n_bootstrap: int, seed: int
) -> Ceiling:
    return noise_ceiling(
        table.values(target),
        _classes(table),
        score=MEASURES[measure],
        n_bootstrap=n_bootstrap,
        seed=seed,
    )


@lru_cache(maxsize=8)
def _classes(table: MeasurementTable) -> list[int]:
    return training_classes(table.architectures)
