"""The objective ``train``: a cell's value is what its trained and attacked network is worth."""

import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from .._checks import brief, check_integer
from .._files import read_json, write_json
from .._seals import seal, unseal
from ..errors import InvalidInputError
from ..images import image_set_name
from ..spaces import Architecture
from ..tables import read_records
from ..targets import Target
from ..typing import AnyPath
from .halving import Halving
from .sources import Objective, Recall

NAME = "train"
OPTIONS_FILE = "training.json"
RECORDS_FILE = "records.jsonl"
JOURNAL_FILE = "rungs.journal"
"""Beside ``search.json``: how cells are trained, their records, and what was seen at rungs."""

_BENCHMARK, _IDENTITY = "records", "identity"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How a search trains its cells; None is what the recipe says.

    Args:
        recipe: A name of ``RECIPES``; None is the one that the networks of the target's benchmark
            were trained by, ``robbench201`` where it has none.
        images: A name of ``IMAGES`` or a folder; None is the image set of the target.
        device: ``auto``, ``cpu``, ``cuda``, ...; workers of one machine take its GPUs in turn.
        epochs: Fidelity, as the next three.
        channels: C of the network.
        cells: N of the network.
        n_images: Images trained on at most.
        n_test: Test images at most.
        image_size: Side to which images are brought.
        min_epochs: First rung of successive halving; None trains every cell to the end.
        reduction: One of so many goes on beyond a rung.

    Raises:
        InvalidInputError: If a value is of another type.
    """

    recipe: str | None = None
    images: str | None = None
    device: str = "auto"
    epochs: int | None = None
    channels: int | None = None
    cells: int | None = None
    n_images: int | None = None
    n_test: int | None = None
    image_size: int | None = None
    min_epochs: int | None = None
    reduction: int = 3

    FREE: ClassVar[tuple[str, ...]] = ("device",)
    """What may change when a search is resumed."""

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if value is None and field.default is None:
                continue
            if name not in ("recipe", "images", "device"):
                check_integer(name, value, minimum=1)
            elif not isinstance(value, str):
                msg = f"{name}: expected text, got {brief(value)}"
                raise InvalidInputError(msg)

    @classmethod
    def parse(cls, given: "TrainOptions | Mapping[str, Any]") -> "TrainOptions":
        """Return options from their names and values.

        Raises:
            InvalidInputError: If a name is not known, or a value of another type.
        """
        if isinstance(given, TrainOptions):
            return given
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in given if name not in known]:
            msg = f"training: expected options of {', '.join(known)}; got {brief(unknown[0])}"
            raise InvalidInputError(msg)
        return cls(**given)

    def to_document(self) -> dict[str, Any]:
        """Return names and values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def settle_options(
    given: TrainOptions | Mapping[str, Any] | None, target: str, out: AnyPath | None
) -> TrainOptions:
    """Return the options of a search.

    Args:
        given: What the user said; None is what the folder has, else the defaults.
        target: The search's; its image set is the default, and its benchmark's recipe.
        out: The search's folder.

    Raises:
        InvalidInputError: If the folder has other options.
    """
    path = None if out is None else Path(out) / OPTIONS_FILE
    kept = None if path is None else _read_options(path)[0]
    if given is None and kept is not None:
        return kept
    options = TrainOptions.parse({} if given is None else given)
    # Before they are compared, for the folder has names where the user gave none.
    if options.images is None:
        options = replace(options, images=Target.parse(target).images)
    if options.recipe is None:
        # The folder's first: an earlier version may have had another recipe for the target.
        options = replace(options, recipe=(kept and kept.recipe) or _recipe_for(target))
    if kept is not None:
        old, new = kept.to_document(), options.to_document()
        for name in old:
            if old[name] != new[name] and name not in TrainOptions.FREE:
                msg = f"{name}: expected {old[name]!r} as in {path}, got {new[name]!r}"
                raise InvalidInputError(msg)
    return options


def _recipe_for(target: str) -> str:
    from ..training import recipe_of

    return recipe_of(Target.parse(target).benchmark)


def _read_options(path: Path) -> tuple[TrainOptions | None, Any]:
    """Return the options of a search's folder, and what its images and settings were.

    Either is None where the folder does not say.
    """
    if not path.exists():
        return None, None
    document = unseal(read_json(path), str(path))
    if not isinstance(document, dict):
        msg = f"{path}: expected the options of a search that trains, got {brief(document)}"
        raise InvalidInputError(msg)
    identity = document.pop(_IDENTITY, None)
    return TrainOptions.parse(document), identity


def train_target(target: str, options: TrainOptions) -> str:
    """Return the name of what is measured: ``records/<images>/<metric>``."""
    images = options.images or Target.parse(target).images
    return str(Target(_BENCHMARK, image_set_name(images), Target.parse(target).metric))


def train_objective(
    target: str,
    options: TrainOptions,
    *,
    out: AnyPath | None = None,
    storage: AnyPath | None = None,
    seed: int = 0,
    data_dir: AnyPath | None = None,
) -> Objective:
    """Return the objective that trains and attacks.

    Args:
        target: ``records/<images>/<metric>``; the metric is the value.
        options: How to train.
        out: The search's folder, for records, checkpoints and rungs; None keeps nothing.
        storage: The search's storage, which then has the rungs.
        seed: Of the training.
        data_dir: Where official files of images are.

    Raises:
        InvalidInputError: If an option is not as expected.
    """
    trainer = _Trainer(target, options, out, storage, seed, data_dir)
    return Objective(NAME, trainer, recalls=(Recall(trainer.look_up),))


class _Trainer:
    """Trains cells; see :func:`train_objective`."""

    def __init__(
        self,
        target: str,
        options: TrainOptions,
        out: AnyPath | None,
        storage: AnyPath | None,
        seed: int,
        data_dir: AnyPath | None,
    ) -> None:
        from ..verification import make_plan

        self._target, self._options, self._seed = target, options, seed
        self._metric = Target.parse(target).metric
        names = ("epochs", "channels", "cells", "n_images", "n_test", "image_size")
        self._plan = make_plan(
            options.recipe or _recipe_for(target),
            options.images or Target.parse(target).images,
            attacks=[self._metric],
            device=own_device(options.device),
            seed=seed,
            data_dir=data_dir,
            **{name: getattr(options, name) for name in names},
        )
        self._plan.check()
        self._out = None if out is None else Path(out)
        if self._out is not None:
            path = self._out / OPTIONS_FILE
            _, began_with = _read_options(path)
            # Earlier versions did not write it.
            if began_with not in (None, self._plan.identity):
                msg = (
                    f"{path}: expected the images and settings with which the search began, got "
                    f"others of these names"
                )
                raise InvalidInputError(msg)
        self._records = None if self._out is None else self._out / RECORDS_FILE
        journal = None if self._out is None else self._out / JOURNAL_FILE
        self._storage = storage if storage is not None else journal

    @cached_property
    def _halving(self) -> Halving | None:
        options = self._options
        if options.min_epochs is None:
            return None
        return Halving(
            f"rungs of {self._target} {options.recipe} seed {self._seed}",
            epochs=self._plan.recipe.epochs,
            min_epochs=options.min_epochs,
            reduction=options.reduction,
            storage=self._storage,
        )

    def __call__(self, architecture: Architecture) -> float:
        """Return the accuracy of a cell, at the rung where it was stopped if it was."""
        from ..verification import run_plan

        if self._out is not None and not (self._out / OPTIONS_FILE).exists():
            document = {**self._options.to_document(), _IDENTITY: self._plan.identity}
            write_json(self._out / OPTIONS_FILE, seal(document))
        rungs = None if self._halving is None else self._halving.begin(architecture)
        try:
            record = run_plan(
                architecture, self._plan, out=self._records, rungs=rungs, metric=self._metric
            )
        except FloatingPointError:
            if rungs is not None:
                # Else the trial would stay open, and be taken for one that a crash interrupted.
                rungs.end(None, stopped=False)
            raise
        value = float(record["accuracy"][self._metric])
        if rungs is not None:
            rungs.end(value, stopped=bool(record.get("pruned")))
        return value

    def look_up(self, cells: Sequence[Architecture]) -> list[list[float]]:
        """Return the accuracies that the folder's records have of each cell."""
        records = [] if self._records is None else read_records(self._records)
        known: dict[int, list[float]] = {cell.index: [] for cell in cells}
        for record in records:
            index = record["index"]
            whole = {**record, "pruned": False}  # be it stopped at a rung or not
            if index in known and self._plan.matches(whole, index):
                known[index].append(float(record["accuracy"][self._metric]))
        return [known[cell.index] for cell in cells]


def own_device(device: str) -> str:
    """Return the GPU of a worker process: the first takes the first, and so on, in turn."""
    # The number of a child, from 1; empty in the process that was not made by multiprocessing.
    worker = multiprocessing.current_process()._identity
    if device not in ("auto", "cuda") or not worker:
        return device
    import torch

    count = torch.cuda.device_count()
    return f"cuda:{(worker[-1] - 1) % count}" if count else device
