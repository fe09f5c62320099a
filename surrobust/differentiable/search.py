"""From images to architectures: the whole gradient search, resumable."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .._checkpoints import read_checkpoint, write_checkpoint
from .._checks import brief, check_integer, check_same
from .._classifiers import takes_gradients
from .._files import write_json, write_text
from .._locks import hold
from .._places import exists
from .._seals import seal
from ..errors import InvalidInputError
from ..images import ImageSet, load_images
from ..networks import NORMALISATIONS, find_device
from ..networks.normalisation import Statistics
from ..spaces import Architecture, Genotype, draw_genotype
from ..typing import AnyPath, FloatArray
from .base import AbstractGradientStrategy
from .batches import Halves
from .descent import Descent
from .settings import Settings, complete_settings
from .supernets import (
    AbstractSupernet,
    CellSupernet,
    GenotypeSupernet,
    build_cell_supernet,
    build_genotype_supernet,
    find_collapse,
)

logger = logging.getLogger(__name__)

_SHA256 = "images_sha256"

OUTCOME = "gradient.json"
"""The file of the outcome inside the folder of a search."""

PICTURE = "genotype.svg"
"""The file of a DARTS-type genotype's drawing."""

CHECKPOINT = "checkpoint.safetensors"
"""The file that a search goes on from."""

_OLDER = "state.json"
"""What earlier versions went on from, and this one does not."""

_ADVICE = f"delete {CHECKPOINT} to search anew"

_POINTS = 100
"""Points of the trajectory, and checkpoints, at least; twice as many where it divides badly."""

GradientProgress = Callable[[int, int, Mapping[str, float]], None]
"""Called with steps done, steps in all, and what there is to tell."""


@dataclass(frozen=True)
class GradientOutcome:
    """Where a gradient search ended, and how it came there.

    Args:
        method: Name of the strategy.
        roles: Roles of the cells.
        probabilities: Weights of the ops, ``(roles, edges, ops)``.
        cells: The derived cell of each role, where they are cells of NAS-Bench-201.
        genotype: The derived genotype, where the space is DARTS-type.
        document: All of it as the JSON object that is written.
    """

    method: str
    roles: tuple[str, ...]
    probabilities: FloatArray
    cells: dict[str, Architecture]
    genotype: Genotype | None
    document: dict[str, Any]

    @property
    def collapses(self) -> dict[str, str]:
        """In which way cells have no parameters, by role; see ``find_collapse``."""
        return {role: text for role, text in self.document["collapse"].items() if text is not None}


@takes_gradients
def gradient_search(
    method: AbstractGradientStrategy,
    images: AnyPath,
    *,
    settings: Settings,
    seed: int = 0,
    device: str = "auto",
    out: AnyPath | None = None,
    data_dir: AnyPath | None = None,
    progress: GradientProgress | None = None,
) -> GradientOutcome:
    """Search by gradients through a supernet.

    Args:
        method: The strategy, one of ``GRADIENT_CLASSES``.
        images: A name or folder for :func:`~surrobust.images.load_images`; its training split.
        settings: The schedule.
        seed: Of weights, split, batches and attacks.
        device: ``cpu``, ``cuda`` or ``auto``, which is cuda where there is one.
        out: Folder of checkpoints and of ``gradient.json``. Where it holds a checkpoint of the
            same search, that search goes on from there.
        data_dir: Where official files lie.
        progress: Called after every step.

    Returns:
        The architecture in which the search ended, and the way of its parameters.

    Raises:
        InvalidInputError: If an option is not what was expected, the folder holds the
            checkpoint of another search, or another process searches there.
        MissingMeasurementError: If a set's official files are not there.
    """
    check_integer("seed", seed, minimum=0)
    place = find_device(device)
    loaded = load_images(
        images, image_size=settings.image_size, limit=settings.limit, seed=seed, data_dir=data_dir
    )
    network = _build(method, settings, loaded, seed).to(place)
    halves = Halves(
        loaded,
        batch=settings.batch,
        augment=settings.augment,
        in_turn=settings.in_turn,
        whole=settings.whole,
        seed=seed,
        device=place,
    )
    descent = Descent(network, method, settings, halves)
    plan = {
        "strategy": method.name,
        "options": method.options,
        "settings": settings.to_document(),
        "images": loaded.name,
        "n_images": len(loaded),
        "seed": seed,
        "steps": descent.total,
        _SHA256: loaded.sha256,
    }
    log = _Log(plan, None if out is None else Path(out))
    # Held from the reading of the checkpoint to the outcome, so that nobody goes on beside it.
    with nullcontext() if out is None else hold(Path(out) / f"{OUTCOME}.lock"):
        log.resume(descent)
        while descent.step < descent.total:
            begun = time.perf_counter()
            notes = descent.advance()
            log.note(descent, notes, time.perf_counter() - begun)
            if progress is not None:
                progress(descent.step, descent.total, notes)
        return log.finish(network)


def _build(
    method: AbstractGradientStrategy, settings: Settings, images: ImageSet, seed: int
) -> CellSupernet | GenotypeSupernet:
    sizes: dict[str, Any] = {
        "channels": settings.channels,
        "cells": settings.cells,
        "classes": len(images.classes),
        "normalisation": _find_statistics(settings, images),
        "generator": torch.Generator().manual_seed(seed),
    }
    if settings.space == "darts":
        # What passes by the ops is pooled 2 x 2 in both reductions, and has to meet their output.
        if settings.partial is not None and images.image_size % 4:
            got = f"got {images.image_size}"
            msg = f"image_size: expected a multiple of 4 as channels are partial, {got}"
            raise InvalidInputError(msg)
        return build_genotype_supernet(method.own_space, partial=settings.partial, **sizes)
    return build_cell_supernet(widths=method.widths, placed=method.placed, **sizes)


def _find_statistics(settings: Settings, images: ImageSet) -> Statistics:
    """Return what the first layer takes out of the images: the set's statistics, or nothing."""
    if settings.normalised:
        return NORMALISATIONS.get(images.name, images.statistics)
    channels = images.x.shape[1]
    return (0.0,) * channels, (1.0,) * channels


class _Log:
    """What is kept of a search: its plan, the trajectory, the seconds; on disk if wanted.

    Args:
        plan: What the search is to do, as JSON.
        folder: Where it is kept; None is nowhere.
    """

    def __init__(self, plan: dict[str, Any], folder: Path | None) -> None:
        self.plan, self.folder = plan, folder
        self.trajectory: list[dict[str, Any]] = []
        self.seconds = 0.0

    def resume(self, descent: Descent) -> None:
        """Bring a descent to where the folder's checkpoint is."""
        if self.folder is None or not exists(self.folder / CHECKPOINT):
            if self.folder is not None and exists(self.folder / _OLDER):
                where = self.folder / _OLDER
                msg = f"{where}: expected {CHECKPOINT}, got the state of an older version's search"
                raise InvalidInputError(f"{msg} (delete {_OLDER} to search anew)")
            self._point(descent, {})
            return
        tensors, document = read_checkpoint(self.folder / CHECKPOINT, advice=_ADVICE)
        document["settings"] = complete_settings(document.get("settings"))
        for name, value in self.plan.items():
            recorded = document.get(name)
            check_same(name, recorded, value, as_in="this search", where=str(self.folder))
        # All of it is looked at before any of it is taken over.
        got = _find_damage(document, descent.total) or descent.find_difference(
            tensors, document["step"]
        )
        if got is not None:
            msg = f"{self.folder}: expected the checkpoint of this search, got {got} ({_ADVICE})"
            raise InvalidInputError(msg)
        descent.restore(tensors, document["step"])
        self.trajectory, self.seconds = document["trajectory"], document["seconds"]

    def note(self, descent: Descent, notes: Mapping[str, float], seconds: float) -> None:
        """Take note of a step; at regular steps keep a point and a checkpoint."""
        self.seconds += seconds
        # The last step always has a point.
        if descent.step % max(descent.total // _POINTS, 1) and descent.step < descent.total:
            return
        self._point(descent, notes)
        if self.folder is not None:
            document = {**self.plan, **self._progress(), "step": descent.step}
            write_checkpoint(self.folder / CHECKPOINT, descent.tensors(), document)

    def _point(self, descent: Descent, notes: Mapping[str, float]) -> None:
        weights = descent.network.probabilities().detach().cpu().numpy()
        point = {"step": descent.step, "probabilities": np.round(weights, 6).tolist()}
        point |= write_edge_weights(descent.network)
        # JSON has no NaN.
        finite = {name: value for name, value in notes.items() if np.isfinite(value)}
        self.trajectory.append({**point, "values": finite})

    def _progress(self) -> dict[str, Any]:
        return {"seconds": round(self.seconds, 3), "trajectory": self.trajectory}

    def finish(self, network: CellSupernet | GenotypeSupernet) -> GradientOutcome:
        """Return the outcome, say so where a cell collapsed, and write the files."""
        probabilities = network.probabilities().detach().cpu().double().numpy()
        cells, genotype = derive_cells(network)
        document = {
            **self.plan,
            "roles": list(network.roles),
            **write_cells(network),
            "ops": list(network.ops),
            "probabilities": probabilities.tolist(),
            **write_edge_weights(network),
            **self._progress(),
        }
        name = self.plan["strategy"]
        outcome = GradientOutcome(name, network.roles, probabilities, cells, genotype, document)
        for role, text in outcome.collapses.items():
            logger.warning("%s: the %s cell has collapsed to %s", outcome.method, role, text)
        if self.folder is not None:
            # The outcome before its picture: what is read again is complete if the other fails.
            write_json(self.folder / OUTCOME, seal(document))
            if genotype is not None:
                write_text(self.folder / PICTURE, draw_genotype(genotype))
        return outcome


def _find_damage(document: Mapping[str, Any], total: int) -> str | None:
    """Return what a checkpoint says that no search can have come to; None if it is nothing."""
    step, points, seconds = (document.get(name) for name in ("step", "trajectory", "seconds"))
    if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step <= total:
        return f"the step {brief(step)} of {total}"
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        return f"the trajectory {brief(points)}"
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        return f"{brief(seconds)} seconds"
    return None


def write_edge_weights(network: AbstractSupernet) -> dict[str, Any]:
    """Return the weights of edges, where they have any, as JSON."""
    if not isinstance(network, GenotypeSupernet) or network.partial is None:
        return {}
    weights = network.edge_weights().detach().cpu().double().numpy()
    return {"edge_weights": np.round(weights, 6).tolist()}


def derive_cells(
    network: CellSupernet | GenotypeSupernet,
) -> tuple[dict[str, Architecture], Genotype | None]:
    """Return the derived cells of NAS-Bench-201 by role, or the derived genotype."""
    if isinstance(network, CellSupernet):
        return network.derive(), None
    return {}, network.derive()


def write_cells(network: CellSupernet | GenotypeSupernet) -> dict[str, Any]:
    """Return what a supernet derives, as JSON."""
    if isinstance(network, CellSupernet):
        found = network.derive()
        return {
            "cells": {role: cell.genotype for role, cell in found.items()},
            "cells_with_zeros": {r: c.genotype for r, c in network.derive(zeros=True).items()},
            "collapse": {role: find_collapse(cell) for role, cell in found.items()},
        }
    genotype = network.derive()
    none = "no convolution: nothing but skips and pools"
    return {
        "genotype": genotype.text,
        "cells": genotype.to_document()["cells"],
        "collapse": {r: None if c.has_convolution else none for r, c in genotype.cells},
    }
