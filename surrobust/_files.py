"""Files: where data lie, checksums, atomic writes, JSON that is read with one-line errors."""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import InvalidInputError
from .typing import AnyPath

ENVIRONMENT = "SURROBUST_DATA"
"""The environment variable that names a data folder."""

MAX_BYTES = 64 * 2**20
"""A file of architectures above this size is refused."""


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
        yield expand(data_dir)
        return
    if named := os.environ.get(ENVIRONMENT):
        yield expand(named)
    yield cache_dir()


def expand(path: AnyPath) -> Path:
    """Return a path with ``~`` resolved, or as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


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


def read_text(path: AnyPath, *, most: int | None = None) -> str:
    """Read UTF-8 text; ``most`` as for :func:`read_bytes`.

    Raises:
        InvalidInputError: If the file is missing, unreadable, too large, or not text.
    """
    return decode(read_bytes(path, most=most), name=shown(path))


def decode(content: bytes, *, name: str) -> str:
    """Return UTF-8 text, without a byte order mark.

    Raises:
        InvalidInputError: If it is not UTF-8, or has a NUL byte; the message begins with ``name``.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Where there is a byte order mark, the position is counted behind it.
        msg = f"{name}: expected UTF-8 text, got byte {error.object[error.start]:#04x}"
        raise InvalidInputError(msg) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = f"{name}: line {line}: expected text, got a NUL byte"
        raise InvalidInputError(msg)
    return text


def read_bytes(path: AnyPath, *, most: int | None = None) -> bytes:
    """Read a file that somebody named.

    What may never answer or never end is not read: a named pipe, and without a limit a device.

    Args:
        path: The file.
        most: How many bytes there may be; None is any number.

    Raises:
        InvalidInputError: If the file is missing, unreadable, too large, or no such file.
    """
    name = shown(path)
    try:
        _check_kind(path, name, may_be_device=most is not None)
        with Path(path).open("rb") as file:
            content = file.read(-1 if most is None else most + 1)
    except InvalidInputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL or half a surrogate in the name
        msg = f"{name}: expected a readable file, got: {getattr(error, 'strerror', None) or error}"
        raise InvalidInputError(msg) from None
    if most is not None and len(content) > most:
        msg = f"{name}: expected at most {most // 2**20} MiB, got more"
        raise InvalidInputError(msg)
    return content


_INHERITED = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Where shells put what they pass on, as in ``<(command)``: somebody is at the other end."""


def _check_kind(path: AnyPath, name: str, *, may_be_device: bool) -> None:
    mode = Path(path).stat().st_mode
    if str(path).startswith(_INHERITED) or str(path) == os.devnull:
        return
    if stat.S_ISFIFO(mode) or (_is_device(mode) and not may_be_device):
        got = "a named pipe" if stat.S_ISFIFO(mode) else "a device"
        msg = f"{name}: expected a file, got {got}"
        raise InvalidInputError(msg)


def _is_device(mode: int) -> bool:
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


# Path's own raise where a name is too long, as an architecture's text may be that is tried as one.
def exists(path: AnyPath) -> bool:
    """Return whether something has this path; what can be no path names nothing."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: AnyPath) -> bool:
    """Return whether a text names a file; what can be no path names none."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: AnyPath) -> bool:
    """Return whether a text names a folder; what can be no path names none."""
    return os.path.isdir(path)  # noqa: PTH112


_LONGEST_NAME = 200


def shown(path: AnyPath) -> str:
    """Return a path as messages have it; of a long one only the end."""
    text = str(path)
    return text if len(text) <= _LONGEST_NAME else f"...{text[-_LONGEST_NAME:]}"


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
