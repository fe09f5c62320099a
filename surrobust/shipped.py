"""The predictors that come with the package: no download, no data."""

from pathlib import Path
from typing import Any

from ._checks import check_choice
from ._files import exists, put_back
from .errors import MissingMeasurementError
from .predictors import AbstractPredictor, load_folder
from .targets import DEFAULT_TARGET, Target
from .typing import AnyPath

_CARD = "card.json"


def shipped_dir() -> Path:
    """Return the folder of the shipped predictors, one folder each.

    It lies in the package where that was installed, beside it in a checkout.
    """
    package = Path(__file__).parent
    inside = package / "_models"
    return inside if inside.is_dir() else package.parent / "models"


def list_predictors() -> list[str]:
    """Return the shipped predictors' names, the one that knows the default target first."""
    place = shipped_dir()
    if not place.is_dir():
        return []
    names = sorted(path.name for path in place.iterdir() if (path / _CARD).is_file())
    home = Target.parse(DEFAULT_TARGET).benchmark
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
    from .predictors.card import read_card

    return read_card(_folder_of(name_or_folder)).model_dump()


def predictor_for(target: str) -> AbstractPredictor:
    """Return the shipped predictor that knows a target.

    Raises:
        MissingMeasurementError: If none does.
    """
    for name in list_predictors():
        if target in read_card(name)["targets"]:
            return load_predictor(name)
    msg = f"target: expected one that a shipped predictor predicts, got {target}"
    raise MissingMeasurementError(msg)


def _folder_of(name_or_folder: AnyPath | None) -> Path:
    names = list_predictors()
    if name_or_folder is None:
        if not names:
            msg = f"predictor: expected shipped predictors in {shipped_dir()}, got none"
            raise MissingMeasurementError(msg)
        return shipped_dir() / names[0]
    if name_or_folder in names:
        return shipped_dir() / name_or_folder
    folder = Path(name_or_folder)
    put_back(folder)
    if not exists(folder) and folder.name == str(name_or_folder):
        check_choice("predictor", str(name_or_folder), [*names, "a folder written by save"])
    return folder
