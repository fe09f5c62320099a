"""What is kept of a cell beside a file of records until its own is there, and who works on it."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from glob import escape
from pathlib import Path

from .._locks import hold
from .._streams import AT_ONCE
from ..spaces import AnyArchitecture, Genotype
from ..typing import AnyPath
from .plan import Plan

logger = logging.getLogger(__name__)


def checkpoint_of(architecture: AnyArchitecture, plan: Plan, out: AnyPath) -> Path:
    """Return where a training is kept; what else is kept of it has this name with an ending."""
    which = architecture.code if isinstance(architecture, Genotype) else architecture.index
    name = f"{which}-{plan.recipe.name}-{plan.name}-{plan.seed}-{plan.digest}.safetensors"
    return _folder(out) / name


def _folder(out: AnyPath) -> Path:
    return Path(f"{out}.checkpoints")


@contextmanager
def holding(
    architectures: Iterable[AnyArchitecture], plan: Plan, out: AnyPath | None
) -> Iterator[None]:
    """Keep other verifications from training the same; wait for those that do, which is logged.

    Several are held in the order of their names, so that nobody waits for who waits for them.

    Args:
        architectures: What is trained.
        plan: How.
        out: File of records; None keeps nothing, and nothing is held.
    """
    if out is None:
        yield
        return
    try:
        with ExitStack() as held:
            for path in sorted({checkpoint_of(cell, plan, out) for cell in architectures}):
                told = "%s: waiting for %s, which trains it"
                tell = partial(logger.warning, told, path.name, extra=AT_ONCE)
                held.enter_context(hold(path.with_name(f"{path.name}.lock"), wait=tell))
            yield
    finally:
        with suppress(OSError):  # something is kept, or others are at work
            _folder(out).rmdir()


def forget(
    architecture: AnyArchitecture, plan: Plan, out: AnyPath, *, weights: bool = True
) -> None:
    """Remove what was kept of a cell beside ``out``, and the folder if that was all.

    Args:
        architecture: The cell.
        plan: What was done with it.
        out: File of records.
        weights: Whether the weights go too, not only how far attacks had come.
    """
    path = checkpoint_of(architecture, plan, out)
    stem = escape(path.name)
    with suppress(OSError):  # other processes verify other cells here, the last removes the folder
        for name in plan.metrics:
            for file in path.parent.glob(f"{stem}.{name}.*"):
                file.unlink(missing_ok=True)
        if weights:
            path.unlink(missing_ok=True)
        path.parent.rmdir()
