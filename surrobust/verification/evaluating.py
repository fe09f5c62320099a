"""What is measured of a trained network, metric by metric."""

from pathlib import Path
from typing import Any

from torch import nn

from .._classifiers import takes_gradients
from ..measuring import Accuracy, CorruptedAccuracy, measure_accuracy, measure_corrupted
from ..networks import FoldedNetwork
from .metrics import CORRUPTED
from .plan import Plan


def measure_all(
    network: nn.Module, plan: Plan, progress: Path | None = None
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
    network: nn.Module, plan: Plan, metric: str, progress: Path | None = None
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
