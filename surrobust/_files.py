"""Files: where data lie, checksums, atomic writes, JSON that is read with one-line errors."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import InvalidInputError
from .typing import AnyPath

ENVIRONMENT = "SURROBUST_DATA"
"""The environment variable that names a data folder."""


def cache_dir() -> Path:
    """Return the per-user cache directory, where ``surrobust data fetch`` puts files."""
    import pooch

    return Path(pooch.os_cache("surrobust"))


def data_dirs(data_dir: AnyPath | None = None) -> Iterator[Path]:
    """Yield the folders in which files are looked for, in order.

    A folder that was asked for is the only one; otherwise ``$SURROBUST_DATA``, then the per-user
    cache.
    """
    if data_dir is not None:
        yield Path(data_dir).expanduser()
        return
    if named := os.environ.get(ENVIRONMENT):
        yield Path(named).expanduser()
    yield cache_dir()


def sha256(path: AnyPath) -> str:
    """Return the sha256 of a file's bytes as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: AnyPath, content: bytes) -> None:
    """Write a file atomically: it holds the old content or the new one, never a part."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; give the mode that open() would have given.
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: AnyPath, content: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, content.encode())


def write_json(path: AnyPath, document: Any) -> None:
    """Write a JSON document atomically, indented, with a final newline."""
    write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def read_json(path: AnyPath) -> Any:
    """Read a JSON document.

    Raises:
        InvalidInputError: If the file is missing, unreadable, or not JSON.
    """
    return parse_json(read_text(path), name=str(path))


def read_text(path: AnyPath) -> str:
    """Read UTF-8 text.

    Raises:
        InvalidInputError: If the file is missing, unreadable, or not UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        msg = f"{path}: expected UTF-8 text, got other bytes"
        raise InvalidInputError(msg) from None
    except OSError as error:
        msg = f"{path}: expected a readable file, got: {error.strerror or error}"
        raise InvalidInputError(msg) from None


def parse_json(text: str, *, name: str) -> Any:
    """Parse JSON strictly: no NaN or Infinity, no duplicate keys.

    Raises:
        InvalidInputError: If it is not such JSON; the message begins with ``name``.
    """
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError:
        msg = f"{name}: expected JSON, got one that is nested too deeply"
        raise InvalidInputError(msg) from None
    except ValueError as error:
        msg = f"{name}: expected JSON, got: {error}"
        raise InvalidInputError(msg) from None


def _refuse(constant: str) -> None:
    msg = f"the constant {constant}"
    raise ValueError(msg)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        msg = "the same key twice in one object"
        raise ValueError(msg)
    return document
