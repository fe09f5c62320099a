"""Records of our own measurements, one JSON object a line, and the table that they make.

A record says what was trained, how, and how accurate it is under which attack; see
``verification.verify``. A file is only ever appended to, a line at a time; each line has its own
checksum.
"""

import errno
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .._checks import brief
from .._files import parse_json, read_text
from .._locks import lock_within
from .._seals import SEAL, check_seal, seal
from ..errors import InvalidInputError, SurrobustError
from ..spaces import is_genotype_text, parse_any, representative_indices, representatives_by_index
from ..typing import AnyPath
from .attacked import attack_of, check_attacks, tell_attack
from .table import MeasurementTable

logger = logging.getLogger(__name__)

NAME = "records"
"""The benchmark in the targets of our own records: ``records/<images>/<metric>``."""

_FIELDS: dict[str, type] = {
    "architecture": str,
    "index": int,
    "images": str,
    "recipe": str,
    "seed": int,
    "device": str,
    "versions": dict,
    "train": dict,
    "accuracy": dict,
    "n_test": int,
    "started": str,
}

_IDENTITY = ("recipe", "train", "test")
"""Entries of ``identity``; the last two are images, by their ``sha256``."""

_CORRUPTED = "corruptions"

FIDELITY = ("epochs", "channels", "cells", "n_images", "image_size", "precision")
"""The entries of ``train`` by which runs of one recipe differ."""


_WHOLE = re.compile(rf'"{SEAL}": "[^"]*"}}\s*$')
"""How a line ends that was written to its end."""

_PATIENCE = 60.0
"""Seconds for which a process that is appending is waited for; it needs some milliseconds."""

Same = Callable[[Mapping[str, Any]], bool]
"""Says of a record in a file whether it makes another one needless."""


def append_record(
    path: AnyPath, record: Mapping[str, Any], *, same: Same | None = None
) -> dict[str, Any]:
    """Append a record as one line with its checksum, on the disk when this returns.

    A line that a crash left half-written is closed first, so that it stays alone. Where the disk
    is full, the file is as it was. Processes append in turn.

    Args:
        path: The file.
        record: What is appended.
        same: If it says so of a record that the file has already, nothing is appended.

    Returns:
        The record with its checksum, or the one that the file has.

    Raises:
        InvalidInputError: If it is not a record, or the file is to be looked through and has
            something else than records.
        OSError: If it cannot be written.
    """
    target = Path(path)
    sealed = check_record(seal(record), "record")
    target.parent.mkdir(parents=True, exist_ok=True)
    # O_APPEND: a line goes behind what is there by then, whoever wrote it. O_BINARY: Windows
    # would make two bytes of the end of a line.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    handle = os.open(target, flags, 0o666)
    try:
        with suppress(OSError):  # a file system without locks
            if not lock_within(handle, _PATIENCE):  # it may be stopped, and never go on
                told = "%s: another process holds it, which is no longer waited for"
                logger.warning(told, target)
        # With the lock: nobody appends between this look and the line.
        known = None if same is None else next(filter(same, read_records(target)), None)
        if known is None:
            _append_line(handle, target, (json.dumps(sealed, allow_nan=False) + "\n").encode())
        return sealed if known is None else known
    finally:
        os.close(handle)


def _append_line(handle: int, target: Path, line: bytes) -> None:
    try:
        size = os.fstat(handle).st_size
        if size and not _ends_a_line(target):
            line = b"\n" + line
        written = os.write(handle, line)
        if written < len(line):
            # Where others do not see the lock, they may have written behind it: theirs stays.
            if os.fstat(handle).st_size == size + written:
                os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        os.fsync(handle)
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def read_records(path: AnyPath) -> list[dict[str, Any]]:
    """Return the records of a file; none if it is not there.

    A line that is not whole, as a crash in the middle of writing leaves it, is left out, which is
    logged. Lines of earlier versions have no checksum.

    Raises:
        InvalidInputError: If the file cannot be read, or a line is something else than a record or
            was changed.
    """
    if not Path(path).exists():
        return []
    records = []
    # Not splitlines(): JSON strings may hold U+2028 and its like.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        if _is_part(line):
            logger.warning("%s: half-written, left out", where)
            continue
        records.append(check_record(parse_json(line, name=where), where))
    return records


def _is_part(line: str) -> bool:
    """Return whether a line may be what a crash left of a record."""
    if _WHOLE.search(line):
        return False
    if not line.rstrip().endswith("}"):
        return True
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return True
    except (ValueError, RecursionError):  # whole, but with numbers or depths that nobody wrote
        return False
    return False


def check_record(record: Any, where: str) -> dict[str, Any]:
    """Return a record if it is one.

    Raises:
        InvalidInputError: If a field is missing or not as expected, the checksum among them.
    """
    if not isinstance(record, Mapping):
        msg = f"{where}: expected a record, got {brief(record)}"
        raise InvalidInputError(msg)
    for name, kind in _FIELDS.items():
        value = record.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            msg = f"{where}: {name}: expected {kind.__name__}, got {brief(value)}"
            raise InvalidInputError(msg)
    try:
        _check_architecture(record)
    except SurrobustError as error:
        msg = f"{where}: {error}"
        raise InvalidInputError(msg) from None
    _check_identity(record.get("identity"), where)
    check_attacks(record, where)
    for metric, value in record["accuracy"].items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            msg = f"{where}: {metric}: expected a fraction in [0, 1], got {brief(value)}"
            raise InvalidInputError(msg)
    check_seal(record, where)
    return dict(record)


def _check_identity(identity: Any, where: str) -> None:
    """Check what a record says of settings and images; those of earlier versions say nothing."""
    if identity is None:
        return
    parts = [identity.get(name) for name in _IDENTITY] if isinstance(identity, Mapping) else [None]
    sums = [part.get("sha256") for part in parts[1:] if isinstance(part, Mapping)]
    whole = all(isinstance(part, Mapping) for part in parts)
    if not whole or not all(isinstance(one, str) for one in sums):
        msg = f"{where}: identity: expected {', '.join(_IDENTITY)} with checksums of images"
        raise InvalidInputError(f"{msg}, got {brief(identity)}")


def _check_architecture(record: Mapping[str, Any]) -> None:
    """Check that the text is an architecture, and the index its own."""
    parse_any({name: record[name] for name in ("architecture", "index")})


def records_table(records: Iterable[Mapping[str, Any]], *, name: str = NAME) -> MeasurementTable:
    """Return records as a table with targets ``records/<images>/<metric>``.

    Rows are representatives, as in the benchmarks; several runs of one (other seeds, isomorphic
    cells) are averaged; NaN where there is none. Records that were cut short are left out, and
    those of DARTS-type networks.

    Raises:
        InvalidInputError: If there are no records, or those of one name of images differ in recipe,
            fidelity, images, the attack that a name means or the source of corruptions, so that
            their values do not compare.
    """
    representative = representatives_by_index()
    rows = {index: row for row, index in enumerate(representative_indices())}
    values: dict[str, dict[int, list[float]]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.get("pruned") or is_genotype_text(record["architecture"]):
            continue
        _check_alike(settings.setdefault(record["images"], {}), record)
        row = rows[representative[record["index"]]]
        for metric, value in record["accuracy"].items():
            column = values.setdefault(f"{NAME}/{record['images']}/{metric}", {})
            column.setdefault(row, []).append(value)
    if not values:
        msg = "records: expected at least one, got none"
        raise InvalidInputError(msg)
    array = np.full((len(rows), len(values)), np.nan)
    for number, column in enumerate(values.values()):
        for row, measured in column.items():
            array[row, number] = np.mean(measured)
    return MeasurementTable(name, array, targets=tuple(values), complete=False)


def _check_alike(known: dict[str, Any], record: Mapping[str, Any]) -> None:
    """Check that a record compares with others, and take note of what it says.

    Args:
        known: What the others say by name; those of older versions do not say everything.
        record: Another of the same name of images.

    Raises:
        InvalidInputError: If it does not.
    """
    identity = record.get("identity") or {}
    said = {name: record["train"].get(name) for name in FIDELITY}
    said |= {"recipe": record["recipe"], "n_test": record["n_test"]}
    said |= {f"{part} (by content)": identity[part] for part in sorted(identity)}
    said |= {f"attack of {metric}": attack_of(record, metric) for metric in record["accuracy"]}
    if isinstance(record.get(_CORRUPTED), Mapping):
        said["source of corruptions"] = record[_CORRUPTED].get("source")
    for name, value in said.items():
        if known.setdefault(name, value) != value:
            msg = f"records: expected one recipe for {record['images']}, fidelity and image set"
            tell = tell_attack if name.startswith("attack of") else brief
            got = f"{tell(known[name])} and {tell(value)}"
            raise InvalidInputError(f"{msg}, got another {name}: {got}")
