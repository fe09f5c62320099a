"""Verifying: train, attack, record."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from .._seals import seal
from ..measuring import Accuracy
from ..networks import name_device, tell_network
from ..spaces import AnyArchitecture, parse_any
from ..tables import append_record, read_records
from ..tables.attacked import ATTACKS_FIELD
from ..training import Event, Recipe, Training
from ..typing import AnyPath
from . import surroundings
from .comparing import pack_outcomes
from .evaluation import CLEAN, CORRUPTED, describe_corruptions, measure_all, measure_metric
from .keeping import checkpoint_of, forget, holding
from .plan import Plan, is_built_alike, make_plan

logger = logging.getLogger(__name__)

Record = dict[str, Any]
"""What was measured of one cell; its fields are listed in ``data/README.md``."""

CellReport = Callable[[AnyArchitecture, Event], None]
"""Called after the first fifty steps of a cell and after each of its epochs."""


class Rungs(Protocol):
    """Decides after some epochs whether a training goes on."""

    epochs: tuple[int, ...]
    """After which, ascending."""

    def goes_on(self, epoch: int, measured: Callable[[], float]) -> bool:
        """Return whether a training goes on that has had so many epochs."""


def verify(
    cell: Any,
    recipe: str | Recipe = "robbench201",
    images: AnyPath = "cifar10",
    *,
    attacks: Sequence[str] | None = None,
    device: str = "auto",
    seed: int = 0,
    out: AnyPath | None = None,
    keep: bool = False,
    report: CellReport | None = None,
    **options: Any,
) -> Record:
    """Train a cell's network, attack it, and return the record.

    Args:
        cell: Anything that ``spaces.parse_any`` takes: a cell, or a DARTS-type genotype.
        recipe: A name of ``RECIPES`` or a recipe.
        images: A name of ``IMAGES`` or a folder with one folder of images per class.
        attacks: Names such as ``pgd-8`` (Linf, 8/255), which mean the attacks of the recipe's
            evaluation, or ``robbench`` and ``jung2023``, which stand for those of a benchmark; None
            is what the recipe says.
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ...
        seed: Of the training.
        out: File to which the record is appended as a line. A record that is there already, of the
            same cell, recipe with all its settings, images by their content, seed and precision, is
            returned instead; a training that was interrupted goes on from its last epoch, and one
            that another process is at is waited for.
        keep: Whether the trained weights stay beside ``out``, so that more attacks can be run.
        report: Called with the cell and, after the first fifty steps, a ``training.Projection``;
            after each epoch, a ``training.EpochEnd``.
        **options: ``epochs``, ``channels``, ``cells``, ``n_images``, ``n_test``, ``image_size``,
            ``precision``, ``data_dir``, ``captured``, ``kernels``, ``time_limit``; see
            ``make_plan``.

    Returns:
        The record as dictionaries: ``accuracy`` has fractions by metric, ``intervals`` their 95 %
        intervals, ``train`` the fidelity, the last loss and the seconds.

    Raises:
        InvalidInputError: If an argument is not as expected.
        FloatingPointError: If the training diverges, or the network's answers are not finite.
        OSError: If something cannot be written; what was recorded before stays.
    """
    plan = make_plan(recipe, images, attacks=attacks, device=device, seed=seed, **options)
    architecture = parse_any(cell)
    plan.check([architecture])
    known = find_record(architecture, plan, out)
    if known is not None:
        return known
    with holding([architecture], plan, out):
        return run_plan(architecture, plan, out=out, keep=keep, report=report)


def run_plan(
    architecture: AnyArchitecture,
    plan: Plan,
    *,
    out: AnyPath | None = None,
    keep: bool = False,
    report: CellReport | None = None,
    rungs: Rungs | None = None,
    metric: str = CLEAN,
) -> Record:
    """Carry out a plan for one cell; see :func:`verify`.

    Nobody is waited for: where others do the same, the first to append its record is believed.

    Args:
        architecture: The cell.
        plan: What to do.
        out: File of records.
        keep: Whether the trained weights stay.
        report: See :func:`verify`.
        rungs: What may stop the training early. The record of such a one has ``pruned`` and, in
            ``train``, ``epochs_done``.
        metric: Of the accuracy that ``rungs`` sees.
    """
    plan.check([architecture])
    known = find_record(architecture, plan, out)
    if known is not None:
        return known
    tell_of_old_records(architecture, out)
    started = surroundings.now()
    training = start_training(architecture, plan, out=out)
    each = None if report is None else lambda end: report(architecture, end)
    if rungs is None or _climb(training, plan, rungs, metric, each):
        training.run(report=each)
    return finish(training, plan, started, out=out, keep=keep)


def finish(
    training: Training,
    plan: Plan,
    started: str,
    *,
    out: AnyPath | None,
    keep: bool,
    at_once: int = 1,
) -> Record:
    """Attack a trained network, append its record to ``out`` and return it.

    Where the file has a record of the same by then, that one is returned.
    """
    checkpoint = None if out is None else checkpoint_of(training.architecture, plan, out)
    record = make_record(training, plan, started, checkpoint)
    if at_once > 1:  # its seconds are those of all of them
        record["train"]["at_once"] = at_once
    if out is None:
        return seal(record)
    stopped = training.epoch if record.get("pruned") else None
    same = partial(plan.matches, index=record["index"], stopped=stopped)
    record = append_record(out, record, same=same)
    forget(training.architecture, plan, out, weights=not keep)
    return record


def _climb(
    training: Training,
    plan: Plan,
    rungs: Rungs,
    metric: str,
    report: Callable[[Event], None] | None,
) -> bool:
    """Train from rung to rung; return whether all are passed."""
    for epoch in rungs.epochs:
        training.run(until=epoch, report=report)
        # A training that was interrupted after a rung has passed it.
        here = training.epoch == epoch
        if here and not rungs.goes_on(
            epoch, lambda: measure_metric(training.network, plan, metric).value
        ):
            return False
    return True


def find_record(architecture: AnyArchitecture, plan: Plan, out: AnyPath | None) -> Record | None:
    """Return the record of a plan that a file has already; None if it has none."""
    records = [] if out is None else read_records(out)
    return next((r for r in records if plan.matches(r, architecture.index)), None)


def tell_of_old_records(architecture: AnyArchitecture, out: AnyPath | None) -> None:
    """Log it where a file has a record of a cell that is not taken, and why."""
    records = [] if out is None else read_records(out)
    mine = [record for record in records if record["index"] == architecture.index]
    why: dict[str, Callable[[Record], bool]] = {
        "that does not say of which images and settings it is": lambda one: "identity" in one,
        "whose network left out convolutions of zeros": is_built_alike,
    }
    for reason, is_sound in why.items():
        if not all(map(is_sound, mine)):
            told = f"has a record of cell %d {reason}"
            logger.warning(f"%s: {told}; it is measured anew", out, architecture.index)


def start_training(
    architecture: AnyArchitecture, plan: Plan, *, out: AnyPath | None = None
) -> Training:
    """Return the training of a cell, at the last epoch that was saved beside ``out``."""
    return Training(
        architecture,
        plan.train_images,
        plan.recipe,
        seed=plan.seed,
        device=plan.device,
        checkpoint=None if out is None else checkpoint_of(architecture, plan, out),
        captured=plan.captured,
        kernels=plan.kernels,
        time_limit=plan.time_limit,
    )


def _trained_elsewhere(training: Training) -> dict[str, str]:
    """Return on which devices a network was trained, if not on the one that it is attacked on."""
    devices = list(dict.fromkeys(device for device, _ in training.computed))
    return {} if devices == [name_device(training.device)] else {"device": ", ".join(devices)}


def make_record(
    training: Training, plan: Plan, started: str, progress: Path | None = None
) -> Record:
    """Attack a trained network and return its record; see :func:`measure_all`."""
    accuracies = measure_all(training.network, plan, progress)
    fidelity = {**plan.recipe.fidelity, "n_images": len(plan.train_images)}
    return {
        "architecture": training.architecture.genotype,
        "index": training.architecture.index,
        "images": plan.name,
        "recipe": plan.recipe.name,
        "identity": plan.identity,
        **tell_network(training.architecture),
        "seed": plan.seed,
        "device": name_device(training.device),
        "versions": surroundings.versions(),
        "train": {
            **fidelity,
            "precision": training.computed[-1][1],
            "image_size": plan.train_images.image_size,
            "loss": training.losses[-1],
            "epochs_done": training.epoch,
            "alarms": training.alarms,
            "seconds": round(training.seconds, 3),
            **_trained_elsewhere(training),
        },
        "accuracy": {name: found.value for name, found in accuracies.items()},
        ATTACKS_FIELD: plan.attacks,
        "outcomes": {
            name: pack_outcomes(found.correct)
            for name, found in accuracies.items()
            if isinstance(found, Accuracy)
        },
        "intervals": {name: [found.lower, found.upper] for name, found in accuracies.items()},
        **describe_corruptions(accuracies.get(CORRUPTED)),
        **({"pruned": True} if training.epoch < plan.recipe.epochs else {}),
        "n_test": len(plan.test_images),
        "started": started,
        "commit": surroundings.find_commit(),
    }
