"""Differentiable strategies as searches use them: the gradient search first, then look-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_choice, check_same
from .._files import read_json
from .._seals import unseal
from ..errors import InvalidInputError
from ..searches import Preference
from ..spaces import Architecture
from ..targets import Target
from ..typing import AnyPath, FloatArray

if TYPE_CHECKING:
    from ..differentiable import AbstractGradientStrategy, GradientOutcome, Settings

GRADIENT_STRATEGIES = ("darts", "dsrna", "arnas")
"""Names in ``SEARCHES`` that search by gradients."""

OUTCOME = "gradient.json"
"""The file of a gradient search's outcome."""

FOLDER = "gradient"
"""Where the gradient search is kept, inside the folder of the search."""


@dataclass(frozen=True)
class GradientOptions:
    """What a differentiable strategy needs besides a target.

    Args:
        images: A name or folder of images to search with; None is the image set of the target.
        preset: Name in ``differentiable.PRESETS``.
        changes: Settings that differ from the preset's, by name.
        method: Options of the strategy, such as ``{"robustness": "jacobian"}``.
        device: ``cpu``, ``cuda`` or ``auto``.
        data_dir: Where official image files lie.
        progress: Called with steps done, steps in all and numbers by name after every step.
    """

    images: AnyPath | None = None
    preset: str = "cpu"
    changes: Mapping[str, Any] = field(default_factory=dict)
    method: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    data_dir: AnyPath | None = None
    progress: Any = None

    def settings(self) -> "Settings":
        """Return the settings.

        Raises:
            InvalidInputError: If the preset or a setting is not known, or not as expected.
        """
        from ..differentiable import PRESETS

        preset = PRESETS[check_choice("preset", self.preset, PRESETS)]
        for name in self.changes:
            check_choice("changes", name, preset.to_document())
        return replace(preset, **self.changes)

    def make_method(self, strategy: str) -> "AbstractGradientStrategy":
        """Return the strategy's method.

        Raises:
            InvalidInputError: If an option is not known, or not as expected.
        """
        from ..differentiable import GRADIENT_CLASSES

        method = GRADIENT_CLASSES[check_choice("strategy", strategy, GRADIENT_CLASSES)]
        for name in self.method:
            check_choice("method", name, method().options)
        return method(**self.method)

    def search(
        self, strategy: str, images: AnyPath, *, seed: int, out: AnyPath | None
    ) -> "GradientOutcome":
        """Run the gradient search, or go on with the one that the folder holds.

        Args:
            strategy: Name in ``GRADIENT_STRATEGIES``.
            images: A name or folder.
            seed: Its seed.
            out: Folder of its files; None keeps none.
        """
        from ..differentiable import gradient_search

        return gradient_search(
            self.make_method(strategy),
            images,
            settings=self.settings(),
            seed=seed,
            device=self.device,
            out=out,
            data_dir=self.data_dir,
            progress=self.progress,
        )


def preference_source(
    strategy: str,
    gradient: GradientOptions | None,
    *,
    seed: int,
    target: str | None,
    out: AnyPath | None,
) -> "partial[Preference]":
    """Return what runs the gradient search when a strategy first asks; checks its options now.

    Where the folder holds the outcome of one and no options are given, that outcome is taken.

    Args:
        strategy: Name in ``GRADIENT_STRATEGIES``.
        gradient: Its options; None needs a target, whose image set is taken.
        seed: Its seed.
        target: What is searched for; None for a user's own objective.
        out: Folder of the search; None keeps nothing.

    Raises:
        InvalidInputError: If there is neither a target nor a name of images, or an option is not
            as expected.
    """
    place = None if out is None else Path(out) / FOLDER
    if gradient is None and place is not None and (place / OUTCOME).exists():
        return partial(_read, place / OUTCOME, strategy, seed)
    gradient = gradient or GradientOptions()
    images = gradient.images
    if images is None:
        if target is None:
            msg = f"images: expected a name or folder to search with by {strategy}, got none"
            raise InvalidInputError(msg)
        images = Target.parse(target).images
    if gradient.settings().space != "nas-bench-201":
        msg = f"preset: expected one of NAS-Bench-201 with a target, got {gradient.preset}"
        raise InvalidInputError(msg)
    gradient.make_method(strategy)
    return partial(_prefer, gradient, strategy, images, seed, place)


def _prefer(
    gradient: GradientOptions, strategy: str, images: AnyPath, seed: int, place: Path | None
) -> Preference:
    """Return where the gradient search ends.

    The derived cells come first, the robust one before the accurate one: it is what the tables of
    robust accuracy are asked about.
    """
    outcome = gradient.search(strategy, images, seed=seed, out=place)
    return _preference(outcome.probabilities, outcome.roles, outcome.cells)


def _read(path: Path, strategy: str, seed: int) -> Preference:
    """Return where the gradient search of a file ended.

    Raises:
        InvalidInputError: If it is of another search, or damaged.
    """
    document = unseal(read_json(path), str(path))
    wanted = {"strategy": strategy, "seed": seed}
    found = {name: document.get(name) for name in wanted} if isinstance(document, Mapping) else {}
    check_same(str(path), found, wanted, as_in="the search to be resumed")
    try:
        probabilities = np.array(document["probabilities"], dtype=np.float64)
        cells = {role: Architecture.parse(text) for role, text in document["cells"].items()}
        return _preference(probabilities, document["roles"], cells)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        msg = f"{path}: expected the outcome of a gradient search, got: {error}"
        raise InvalidInputError(msg) from None


def _preference(
    probabilities: FloatArray, roles: Sequence[str], cells: Mapping[str, Architecture]
) -> Preference:
    # The tables' network has three stages of equal length; robust cells stand in the last.
    shares = (2 / 3, 1 / 3) if len(roles) == 2 else (1.0,)
    return Preference(probabilities, shares, tuple(cells[role] for role in reversed(roles)))
