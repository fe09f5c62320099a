"""What a shipped predictor had promised, beside what was measured."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .output import message

if TYPE_CHECKING:
    from ..verification import Record

PROMISING = {"nas-robbench-201": "nas-robbench-201-v1", "jung2023": "jung2023-v1"}
"""The shipped predictors by benchmark; the first speaks of whatever no benchmark trained so."""

EVALUATIONS = {"nas-robbench-201": "robbench", "jung2023": "jung2023"}
"""Whose attacks the metrics of a benchmark are."""

_SUITE, _CORRUPTED = "autoattack-8", "corruptions"


def promises(records: Sequence["Record"], metrics: Sequence[str]) -> dict[str, list[float]]:
    """Return predicted accuracies, a column per metric, and tell what they are of.

    Args:
        records: As ``run_several`` yields them.
        metrics: Columns of what was measured.

    Returns:
        Values by heading, NaN where a network is not one of NAS-Bench-201; empty where the
        predictor knows none of the images and metrics. A metric is left out whose name means
        another attack in the benchmark than in the records, which is told.
    """
    from ..predictors.shipped import load_predictor, read_card
    from ..spaces import Architecture

    images = {record["images"] for record in records}
    if len(images) != 1:
        return {}
    (name,) = images
    benchmark = _benchmark(records)
    targets = read_card(PROMISING[benchmark])["targets"]
    known = {metric: f"{benchmark}/{name}/{metric}" for metric in metrics}
    known = {metric: target for metric, target in known.items() if target in targets}
    rows = [n for n, r in enumerate(records) if r["architecture"].startswith("|")]
    if not known or not rows:
        return {}
    known = _attacked_alike(records, known, benchmark)
    if not known:
        return {}
    cells = [Architecture.parse(records[n]["architecture"]) for n in rows]
    predicted = load_predictor(PROMISING[benchmark]).predict(cells)
    columns = {}
    for metric, target in known.items():
        values = [float("nan")] * len(records)
        for row, value in zip(rows, predicted[:, targets.index(target)], strict=True):
            values[row] = float(value)
        columns[f"predicted {metric}"] = values
    _tell(records, metrics=list(known), benchmark=benchmark)
    return columns


def _benchmark(records: Sequence["Record"]) -> str:
    """Return the benchmark whose networks were trained by the records' recipe; else the first."""
    from ..training import BENCHMARK_RECIPES

    recipes = {record["recipe"] for record in records}
    alike = [name for name in PROMISING if {BENCHMARK_RECIPES[name]} == recipes]
    return next(iter(alike), next(iter(PROMISING)))


def _attacked_alike(
    records: Sequence["Record"], known: Mapping[str, str], benchmark: str
) -> dict[str, str]:
    """Return the targets whose attack is that of the records; tell what is left out."""
    from ..tables.attacked import attack_of, tell_attack
    from ..verification.evaluation import parse_metrics

    theirs = parse_metrics(known, EVALUATIONS[benchmark])
    alike = {}
    for metric, target in known.items():
        attack = theirs[metric]
        wanted = None if attack is None else attack.describe()
        others = [found for r in records if (found := attack_of(r, metric)) != wanted]
        if others:
            told = f"{metric}: not beside {target}, which is {tell_attack(wanted)}; measured: "
            message(told + tell_attack(others[0]))
        else:
            alike[metric] = target
    return alike


def _tell(records: Sequence["Record"], *, metrics: Sequence[str], benchmark: str) -> None:
    """Say what the predicted values are of, where that is not what was measured."""
    from ..training import BENCHMARK_RECIPES

    recipe, recipes = BENCHMARK_RECIPES[benchmark], {record["recipe"] for record in records}
    told = f"predicted by {PROMISING[benchmark]}, of networks of the benchmark's size trained by "
    told += recipe
    if recipes != {recipe}:
        told += f"; measured: {', '.join(sorted(recipes))}"
    if _SUITE in metrics:
        told += f"; the benchmark's {_SUITE} is of a suite of ten steps, the true one at most that"
    if _CORRUPTED in metrics:
        told += f"; the benchmark's {_CORRUPTED} are those of the published arrays"
    message(told)
