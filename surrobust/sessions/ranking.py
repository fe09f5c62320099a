"""Scores of cells that need no measurement of the target, and one learnt from several others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._checks import brief, check_choice
from .._files import read_json
from ..errors import InvalidInputError
from ..metrics import normal_scores
from ..spaces import Architecture, NASBench201, count_flops, count_parameters
from ..tables import find_shipped, load_proxy_scores
from ..targets import BENCHMARKS, Target, targets_of
from ..typing import FloatArray

_BOUND = 4.0
"""Standardised columns are cut off here: some proxies have wild tails."""


@dataclass(frozen=True, eq=False)
class Combination:
    """A quadratic function of columns of numbers, fitted to ranks by ridge regression.

    Each column ``v`` becomes ``asinh(v / scale)`` about its median over its interquartile range,
    cut off at 4 on both sides: monotone, nearly linear for small values, logarithmic for large ones
    of either sign. The function is linear in these, their squares and their products.

    Args:
        columns: Names of the columns, ``(d,)``.
        scales: Typical sizes of the columns ``(d,)``, above 0.
        medians: Of the transformed columns, ``(d,)``.
        ranges: Interquartile ranges of the transformed columns ``(d,)``, above 0.
        weights: Of the ``d + d (d + 1) / 2`` terms.
    """

    columns: tuple[str, ...]
    scales: FloatArray
    medians: FloatArray
    ranges: FloatArray
    weights: FloatArray

    @classmethod
    def fit(
        cls, columns: Sequence[str], numbers: FloatArray, y: FloatArray, *, penalty: float = 10.0
    ) -> Self:
        """Fit to the mean normal score of the columns of ``y``.

        Args:
            columns: Names, ``(d,)``.
            numbers: ``(n, d)``, finite.
            y: Values of other targets, ``(n, m)``; each counts by its ranks alone.
            penalty: Of the squared weights.
        """
        scores = normal_scores(y).mean(axis=1)
        # A column that is mostly 0 has a median of 0.
        scales = np.maximum(np.median(np.abs(numbers), axis=0), 1e-12)
        transformed = np.arcsinh(numbers / scales)
        quartiles = np.percentile(transformed, [25, 50, 75], axis=0)
        # Of a column that is constant in its middle half the range is 0.
        ranges = np.maximum(quartiles[2] - quartiles[0], 1e-9)
        terms = _terms(transformed, quartiles[1], ranges)
        # Centred: the penalty is not to pull at the level, which a ranking does not need.
        centred = terms - terms.mean(axis=0)
        normal = centred.T @ centred + penalty * np.eye(terms.shape[1])
        weights = np.linalg.solve(normal, centred.T @ (scores - scores.mean()))
        return cls(tuple(columns), scales, quartiles[1], ranges, weights)

    def score(self, numbers: FloatArray) -> FloatArray:
        """Return scores ``(n,)`` of columns ``(n, d)``; higher is better, the unit is arbitrary."""
        transformed = np.arcsinh(np.asarray(numbers, dtype=np.float64) / self.scales)
        scores: FloatArray = _terms(transformed, self.medians, self.ranges) @ self.weights
        return scores

    def to_document(self) -> dict[str, Any]:
        """Return the combination as lists of numbers, which :meth:`from_document` reads."""
        names = ("scales", "medians", "ranges", "weights")
        lists = {name: getattr(self, name).tolist() for name in names}
        return {"columns": list(self.columns), **lists}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_document` wrote.

        Raises:
            InvalidInputError: If it is not that.
        """
        try:
            columns = tuple(map(str, document["columns"]))
            names = ("scales", "medians", "ranges", "weights")
            arrays = [np.array(document[name], dtype=np.float64) for name in names]
        except (KeyError, TypeError, ValueError):
            msg = "combination: expected columns, scales, medians, ranges and weights"
            raise InvalidInputError(f"{msg}, got {brief(document)}") from None
        d = len(columns)
        shapes = [(d,), (d,), (d,), (d + d * (d + 1) // 2,)]
        if [a.shape for a in arrays] != shapes or not all(np.isfinite(a).all() for a in arrays):
            msg = f"combination: expected finite numbers of shapes {shapes}, got others"
            raise InvalidInputError(msg)
        return cls(columns, *arrays)


def _terms(transformed: FloatArray, medians: FloatArray, ranges: FloatArray) -> FloatArray:
    standard = np.clip((transformed - medians) / ranges, -_BOUND, _BOUND)
    # With the diagonal: squares, and each product once, d (d + 1) / 2 of them.
    first, second = np.triu_indices(standard.shape[1])
    return np.hstack([standard, standard[:, first] * standard[:, second]])


COMBINATIONS = "zero_cost.json"
"""The learnt combinations among the data that ship with the package."""

CLOSED_FORM = {"params": count_parameters, "flops": count_flops}
"""Proxies that are computed for every cell, from the cell alone."""

NATURAL, ATTACKED = ("clean", "corruptions"), "attacks"
"""Metrics without an adversary, and the name of all others."""


def zero_cost_scores(
    target: str | None = None, *, proxy: str | None = None
) -> dict[Architecture, float]:
    """Return a score of every cell that has one, by representative; higher is better.

    By default a combination of proxies that was fitted on the other image sets of the target's
    benchmark, on all of their targets if the target is an attack and else on clean and corruption
    accuracy: it never saw the target's image set. Without a target it is that of all image sets
    of ``nas-robbench-201``. It has scores for the cells whose proxies ship with the package
    (:func:`~surrobust.tables.load_proxy_scores`). Targets where less is better (latency, energy)
    are ranked by FLOPs, fewest first.

    Args:
        target: Target key; None for a user's own objective.
        proxy: A proxy's name to rank by it alone: ``params`` and ``flops`` of every cell, others
            of the cells whose scores ship.

    Raises:
        InvalidInputError: If the proxy is not known.
        MissingMeasurementError: If the package came without scores.
    """
    parsed = None if target is None else Target.parse(target)
    sign = 1.0 if parsed is None or parsed.higher_is_better else -1.0
    if proxy is None and sign < 0:
        proxy = "flops"
    if proxy in CLOSED_FORM:
        cells = NASBench201().representatives()
        return {cell: sign * CLOSED_FORM[proxy](cell) for cell in cells}
    table = load_proxy_scores()
    space = NASBench201()
    if proxy is not None:
        check_choice("proxy", proxy, [*CLOSED_FORM, *table.columns.difference(list(CLOSED_FORM))])
        column = table[proxy].dropna()
        return {space[int(str(i))]: sign * float(v) for i, v in column.items()}
    combination = load_combination(target)
    known = table[list(combination.columns)].dropna()
    values = combination.score(known.to_numpy())
    return {space[int(i)]: float(v) for i, v in zip(known.index, values, strict=True)}


def load_combination(target: str | None = None) -> Combination:
    """Return the combination of proxies that ranks cells for a target; see above.

    Raises:
        InvalidInputError: If there is none for the target.
    """
    document = read_json(find_shipped(COMBINATIONS))["combinations"]
    key = combination_key(target)
    if key not in document:
        msg = f"target: expected one of {', '.join(document)} for zero-cost scores, got {key}"
        raise InvalidInputError(msg)
    return Combination.from_document(document[key])


def combination_key(target: str | None) -> str:
    """Return the name of the combination for a target: benchmark, images, kind of metric."""
    if target is None:
        return f"nas-robbench-201/any/{ATTACKED}"
    parsed = Target.parse(target)
    if parsed.benchmark not in BENCHMARKS:  # our own records: what all image sets taught
        return combination_key(None)
    return f"{parsed.benchmark}/{parsed.images}/{_kind(parsed.metric)}"


def training_targets(key: str) -> list[str]:
    """Return the targets that a combination is fitted on, all of other image sets.

    What withstands attacks has to be accurate too: attacks learn from every kind of metric.
    """
    benchmark, images, kind = key.split("/")
    others = [Target.parse(text) for text in targets_of(benchmark)]
    return [
        str(other)
        for other in others
        if other.images != images and kind in (ATTACKED, _kind(other.metric))
    ]


def fit_combination(
    key: str, columns: list[str], numbers: np.ndarray, values: dict[str, np.ndarray]
) -> Combination:
    """Fit the combination of a key.

    Args:
        key: See :func:`combination_key`.
        columns: Names of the proxies, ``(d,)``.
        numbers: Their scores, ``(n, d)``.
        values: Measured values ``(n,)`` of the same cells by target.
    """
    y = np.stack([values[target] for target in training_targets(key)], axis=1)
    return Combination.fit(columns, numbers, y)


def _kind(metric: str) -> str:
    return "natural" if metric in NATURAL else ATTACKED
