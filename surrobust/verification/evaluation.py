"""What is measured of a trained network: metrics by the names that records use."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from .._checks import brief, check_choice
from .._classifiers import takes_gradients
from ..attacks import ATTACKS, AbstractAttack
from ..errors import InvalidInputError
from ..measuring import (
    EVALUATION_PRESETS,
    Accuracy,
    CorruptedAccuracy,
    make_attack,
    measure_accuracy,
    measure_corrupted,
)
from ..measuring.presets import ROBBENCH
from ..networks import FoldedNetwork

if TYPE_CHECKING:
    from .plan import Plan


def measure_all(
    network: nn.Module, plan: "Plan", progress: Path | None = None
) -> dict[str, Accuracy | CorruptedAccuracy]:
    """Return the accuracies of a network by metric; the network stays in its mode.

    Args:
        network: Trained.
        plan: What to measure.
        progress: Where a long attack keeps what it has done, a file per metric beside it.
    """
    return {
        name: measure_metric(network, plan, name, progress and Path(f"{progress}.{name}.json"))
        for name in plan.metrics
    }


@takes_gradients
def measure_metric(
    network: nn.Module, plan: "Plan", metric: str, progress: Path | None = None
) -> Accuracy | CorruptedAccuracy:
    """Return the accuracy of a network by one metric of the plan; see :func:`measure_all`."""
    images, folded = plan.test_images, FoldedNetwork(network)
    if metric == CORRUPTED:
        return measure_corrupted(
            folded,
            images.x,
            images.y,
            published=plan.published_corruptions,
            frost=plan.frost,
            checkpoint=progress,
        )
    return measure_accuracy(
        folded,
        images.x,
        images.y,
        plan.metrics[metric],
        captured=plan.captured,
        checkpoint=progress,
    )


def describe_corruptions(found: Accuracy | CorruptedAccuracy | None) -> dict[str, Any]:
    """Return what a record says of corruptions beyond their mean, if they were measured."""
    if not isinstance(found, CorruptedAccuracy):
        return {}
    return {CORRUPTED: {"source": found.source, "by": {k: list(v) for k, v in found.by.items()}}}


CLEAN, CORRUPTED = "clean", "corruptions"
"""Metrics without an attack."""


def parse_metrics(
    names: Iterable[str], evaluation: str = ROBBENCH
) -> dict[str, AbstractAttack | None]:
    """Return the attacks by the names of metrics; ``clean`` comes first and is always there.

    Args:
        names: ``clean``; ``corruptions``, the mean over fifteen in five severities;
            ``<attack>-<epsilon in 1/255>``, Linf; an attack alone, which means -8; or a name of
            ``EVALUATION_PRESETS``, which stands for several, attacked as there.
        evaluation: A name of ``EVALUATION_PRESETS``: whose attacks the other names mean.

    Raises:
        InvalidInputError: If one of them is none of these, or a name is to mean two attacks.
    """
    check_choice("evaluation", evaluation, EVALUATION_PRESETS)
    found: dict[str, AbstractAttack | None] = {CLEAN: None}
    meant: dict[str, str] = {}
    for given, whose in _spell_out(names, evaluation):
        if given in (CLEAN, CORRUPTED):
            found[given] = None
            continue
        name, number = (given, "8") if given in ATTACKS else _split(given)
        if name not in ATTACKS or number is None:
            msg = (
                f"attack: expected clean, corruptions, one of {', '.join(EVALUATION_PRESETS)}, "
                "or one of "
                f"{', '.join(ATTACKS)} with an epsilon in 1/255 as in pgd-8, got {brief(given)}"
            )
            raise InvalidInputError(msg)
        metric, attack = f"{name}-{number}", make_attack(name, float(number) / 255, whose)
        before = found.setdefault(metric, attack)
        if before is not None and before.describe() != attack.describe():
            msg = f"attack: expected one meaning of {metric}, got those of {meant[metric]}, {whose}"
            raise InvalidInputError(msg)
        meant.setdefault(metric, whose)
    return found


def _spell_out(names: Iterable[str], evaluation: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each metric, and of the evaluation in which it is meant."""
    for name in names:
        whose = name if name in EVALUATION_PRESETS else evaluation
        yield from ((metric, whose) for metric in EVALUATION_PRESETS.get(name, (name,)))


def _split(name: str) -> tuple[str, str | None]:
    attack, _, number = name.rpartition("-")
    try:
        value = float(number)
    except ValueError:
        return name, None
    return attack, number if math.isfinite(value) and value >= 0 else None
