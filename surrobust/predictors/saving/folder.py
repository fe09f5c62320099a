"""A predictor on disk: a folder with ``card.json`` and weights, nothing else, no pickle.

Whatever is wrong with a folder ends in one :class:`InvalidModelError`, and no byte of it reaches a
library before its sha256 was found equal to the card's.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._checks import brief
from ..._files import read_bytes, replace_folder, write_bytes, write_json
from ...errors import InvalidInputError, InvalidModelError
from ...typing import AnyPath
from .card import CARD, Card, load_card, make_card
from .state import FittedState
from .weights import WEIGHTS, pack_weights

if TYPE_CHECKING:
    from ..base import AbstractPredictor


_LARGEST = 2**30
"""Bytes of a file that is read; a forest of 45 targets has a third of that."""

# No slash and no leading dot: nothing outside of the folder, and no temporary file.
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*\.(safetensors|ubj)")


def write_predictor(
    folder: AnyPath,
    predictor: "AbstractPredictor",
    state: FittedState,
    given: Mapping[str, Any],
) -> None:
    """Write a fitted predictor; the folder appears whole or not at all.

    Raises:
        InvalidInputError: If the folder holds anything but a predictor, or a field is not known.
        InvalidModelError: If the predictor would not be read back.
    """
    files = pack_weights(predictor, state)
    for name, content in files.items():
        if len(content) > _LARGEST:
            msg = f"{name}: expected at most {_LARGEST} bytes to be read back, got {len(content)}"
            raise InvalidInputError(msg)
    # Before anything is written: what the card refuses leaves no trace.
    card = make_card(predictor, state, files, given)
    target = Path(folder).absolute()
    check_replaceable(target)

    def fill(fresh: Path) -> None:
        for name, content in files.items():
            write_bytes(fresh / name, content)
        write_json(fresh / CARD, card.model_dump())

    replace_folder(target, fill)


def check_replaceable(folder: Path) -> None:
    """Refuse a path that holds anything but a predictor or an empty folder.

    Raises:
        InvalidInputError: If it does.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    is_ours = CARD in names and all(name == CARD or _FILE_NAME.fullmatch(name) for name in names)
    if names and not is_ours:
        msg = f"folder: expected a new one, an empty one or a predictor's, got {folder}"
        raise InvalidInputError(msg)


def read_predictor(folder: AnyPath) -> tuple[Card, dict[str, bytes]]:
    """Read a folder's card and the files that it vouches for.

    Raises:
        InvalidModelError: If a file is missing, extra, or differs from its sha256.
    """
    path = Path(folder)
    card = load_card(path)
    there = {entry.name for entry in path.iterdir()} - {CARD}
    for name in sorted({*card.files, *there, WEIGHTS}):
        if name in there and (name not in card.files or not _FILE_NAME.fullmatch(name)):
            msg = f"{path}: expected only {CARD} and the files that it lists, got {brief(name)} too"
            raise InvalidModelError(msg)
        # A link may lead anywhere, and to something else once it has been looked at.
        if name not in there or (path / name).is_symlink() or not (path / name).is_file():
            msg = f"{path}: expected the file {brief(name)} of its card, got a folder without it"
            raise InvalidModelError(msg)
    return card, {name: _read_verified(path / name, sha) for name, sha in card.files.items()}


def _read_verified(path: Path, expected: str) -> bytes:
    try:
        content = read_bytes(path, most=_LARGEST)
    except InvalidInputError as error:
        raise InvalidModelError(str(error)) from None
    # Of the bytes that are then used: read again, the file may be another.
    got = hashlib.sha256(content).hexdigest()
    if got != expected:
        msg = f"{path}: expected sha256 {brief(expected, 80)} as its card says, got {got}"
        raise InvalidModelError(msg)
    return content
