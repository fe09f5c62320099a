"""Scores of cells that need no measurement of the target: what zero-cost search ranks by."""

import numpy as np

from .._checks import check_choice
from .._files import read_json
from ..errors import InvalidInputError
from ..searches.combination import Combination
from ..spaces import Architecture, NASBench201, count_flops, count_parameters
from ..tables import find_shipped, load_proxy_scores
from ..targets import BENCHMARKS, Target, targets_of

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
