"""The predictors that come with the package: no download, no data; and which of them answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .._checks import brief, check_choice, listed
from .._files import put_back
from .._places import exists, shipped_folder
from ..errors import InvalidInputError, MissingMeasurementError
from ..targets import DEFAULT_TARGET, Target
from ..typing import AnyPath
from . import AbstractPredictor, load_folder

if TYPE_CHECKING:
    from .saving.card import Card

_CARD = "card.json"

_Stamp: TypeAlias = tuple[int, int, int]
"""Number on the device, size and time of a card's file: another card has another."""


def list_predictors() -> list[str]:
    """Return the shipped predictors' names, the one that knows the default target first."""
    place = shipped_folder("models")
    if not place.is_dir():
        return []
    names = sorted(path.name for path in place.iterdir() if (path / _CARD).is_file())
    home = Target.parse(DEFAULT_TARGET).benchmark
    # Stable: False comes before True, and the others stay by name.
    return sorted(names, key=lambda name: not name.startswith(f"{home}-v"))


def load_predictor(name_or_folder: AnyPath | None = None) -> AbstractPredictor:
    """Return a fitted predictor.

    Args:
        name_or_folder: A name of :func:`list_predictors`, or a folder that ``save`` wrote; None
            for the shipped predictor of the default target.

    Raises:
        InvalidInputError: If it is neither.
        InvalidModelError: If the folder is not a whole predictor's.
        MissingMeasurementError: If it is None and no predictor is shipped.
    """
    return load_folder(_folder_of(name_or_folder))


def read_card(name_or_folder: AnyPath | None = None) -> dict[str, Any]:
    """Return the card of a predictor, named as for :func:`load_predictor`.

    Raises:
        InvalidInputError: If there is no such predictor.
        InvalidModelError: If its card cannot be read.
        MissingMeasurementError: If it is None and no predictor is shipped.
    """
    from .saving.card import load_card

    folder = _folder_of(name_or_folder)
    is_shipped = folder.parent == shipped_folder("models")
    card = _shipped_card(folder, _stamp(folder)) if is_shipped else load_card(folder)
    return card.model_dump()


def predictor_for(target: str) -> AbstractPredictor:
    """Return the shipped predictor that knows a target: one object for all who ask.

    It is found by the cards, and the last ones stay loaded: the objectives of a search, which often
    are of one predictor, share its weights and what it last predicted. Nobody fits it.

    Raises:
        MissingMeasurementError: If none does.
    """
    for name in list_predictors():
        folder = shipped_folder("models") / name
        if target in _shipped_card(folder, _stamp(folder)).targets:
            return _shipped_predictor(folder, _stamp(folder))
    msg = f"target: expected one that a shipped predictor predicts, got {target}"
    raise MissingMeasurementError(msg)


def _stamp(folder: Path) -> _Stamp:
    found = (folder / _CARD).stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


# The stamp is there for the cache alone.
@lru_cache(maxsize=32)
def _shipped_card(folder: Path, _: _Stamp) -> "Card":
    from .saving.card import load_card

    return load_card(folder)


@lru_cache(maxsize=2)
def _shipped_predictor(folder: Path, _: _Stamp) -> AbstractPredictor:
    return load_folder(folder)


def _folder_of(name_or_folder: AnyPath | None) -> Path:
    names = list_predictors()
    if name_or_folder is None:
        if not names:
            msg = f"predictor: expected shipped predictors in {shipped_folder('models')}, got none"
            raise MissingMeasurementError(msg)
        return shipped_folder("models") / names[0]
    if name_or_folder in names:
        return shipped_folder("models") / name_or_folder
    folder = Path(name_or_folder)
    # A save that was killed between its two moves has left the old folder aside.
    put_back(folder)
    if not exists(folder) and folder.name == str(name_or_folder):
        check_choice("predictor", str(name_or_folder), [*names, "a folder written by save"])
    return folder


@dataclass(frozen=True, slots=True)
class Selected:
    """A predictor and what is asked of it.

    Args:
        name: What it is called in the output.
        predictor: Fitted.
        columns: Column and key of each target wanted.
    """

    name: str
    predictor: AbstractPredictor
    columns: tuple[tuple[int, str], ...]


def select(name: str | None, targets: Iterable[str]) -> list[Selected]:
    """Return the predictors that know the targets.

    Args:
        name: A shipped predictor or a folder; None takes the shipped ones, the default first.
        targets: Keys; none asks for all that the predictor, or the default one, knows.

    Raises:
        InvalidInputError: If a target is not known; the message shows the closest ones.
        InvalidModelError: If the folder is not a predictor's.
    """
    wanted = list(dict.fromkeys(targets))
    if name is not None or not wanted:
        predictor = load_predictor(name)
        return [_asked(name or list_predictors()[0], predictor, wanted or predictor.targets)]
    return _of_shipped(wanted)


def _of_shipped(wanted: list[str]) -> list[Selected]:
    """Give each target to the first shipped predictor that knows it."""
    known = {name: read_card(name)["targets"] for name in list_predictors()}
    every = [target for targets in known.values() for target in targets]
    given: dict[str, list[str]] = {}
    for target in wanted:
        _check_predicted(target, every)
        homes = [name for name, targets in known.items() if target in targets]
        given.setdefault(homes[0], []).append(target)
    return [_asked(name, load_predictor(name), mine) for name, mine in given.items()]


def _asked(name: str, predictor: AbstractPredictor, wanted: Iterable[str]) -> Selected:
    for target in wanted:
        _check_predicted(target, predictor.targets)
    return Selected(name, predictor, tuple((predictor.targets.index(t), t) for t in wanted))


def _check_predicted(target: str, known: Iterable[str]) -> None:
    names = list(known)
    if target not in names:
        told = listed(names, target, most=5) or "one of a predictor, and none is shipped"
        msg = f"target: expected one that is predicted, such as {told}; got {brief(target)}"
        raise InvalidInputError(msg)
