"""What the shipped predictor had promised, beside what was measured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .output import message

if TYPE_CHECKING:
    from ..verification import Record

PREDICTOR = "nas-robbench-201-v1"
BENCHMARK, RECIPE = "nas-robbench-201", "robbench201"

_SUITE = "autoattack-8"


def promises(records: Sequence["Record"], metrics: Sequence[str]) -> dict[str, list[float]]:
    """Return predicted accuracies, a column per metric, and tell what they are of.

    Args:
        records: As ``run_several`` yields them.
        metrics: Columns of what was measured.

    Returns:
        Values by heading, NaN where a network is not one of NAS-Bench-201; empty where the
        predictor knows none of the images and metrics.
    """
    from ..shipped import load_predictor, read_card
    from ..spaces import Architecture

    images = {record["images"] for record in records}
    if len(images) != 1:
        return {}
    (name,) = images
    targets = read_card(PREDICTOR)["targets"]
    known = {metric: f"{BENCHMARK}/{name}/{metric}" for metric in metrics}
    known = {metric: target for metric, target in known.items() if target in targets}
    rows = [n for n, r in enumerate(records) if r["architecture"].startswith("|")]
    if not known or not rows:
        return {}
    cells = [Architecture.parse(records[n]["architecture"]) for n in rows]
    predicted = load_predictor(PREDICTOR).predict(cells)
    columns = {}
    for metric, target in known.items():
        values = [float("nan")] * len(records)
        for row, value in zip(rows, predicted[:, targets.index(target)], strict=True):
            values[row] = float(value)
        columns[f"predicted {metric}"] = values
    _tell(metrics=list(known), recipes={record["recipe"] for record in records})
    return columns


def _tell(*, metrics: Sequence[str], recipes: set[str]) -> None:
    """Say what the predicted values are of, where that is not what was measured."""
    told = f"predicted by {PREDICTOR}, of networks of the benchmark's size trained by {RECIPE}"
    if recipes != {RECIPE}:
        told += f"; measured: {', '.join(sorted(recipes))}"
    if _SUITE in metrics:
        told += f"; the benchmark's {_SUITE} is of a suite of ten steps, the true one at most that"
    message(told)
