"""Files: checksums, atomic writes, JSON that is read with one-line errors."""

import errno
import glob
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from ._locks import keep_locked
from ._places import exists, is_folder, shown
from .errors import InvalidInputError
from .typing import AnyPath

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_ENDING = ".surrobust"

_TEMPORARY = re.compile(rf"\.(?P<name>.+)\.[a-z0-9_]{{8}}{re.escape(_ENDING)}", re.DOTALL)
"""Names of temporary files and folders: ``.search.json.k3x9_a2b.surrobust``."""

_OLD = "old"

# Two seconds in all: between two renames a folder is away for milliseconds.
_LOOKS, _PAUSE = 20, 0.1

_TRIES = 10

MAX_BYTES = 64 * 2**20
"""A file of architectures above this size is refused."""

MAX_ROWS = 500_000
"""So is one of more architectures, 32 for each cell: of "1" alone, 64 MiB hold 33 million, which
take half an hour and 15 GB."""


def sha256(path: AnyPath) -> str:
    """Return the sha256 of a file's bytes as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: AnyPath, content: bytes) -> None:
    """Write a file atomically: it holds the old content or the new one, never a part.

    Raises:
        OSError: If it cannot be written, or would take the place of a pipe or device.
    """
    target = Path(path)
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if _is_device(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            raise OSError(errno.ENODEV, "expected a file, got a pipe or device", str(target))
    for left in reversed(range(_TRIES)):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _clear(target.parent.absolute())
            _replace(target, content)
            return
        except OSError as error:
            # Another process has removed the folder while it was empty, or a machine that does not
            # see our locks has cleared the temporary file away.
            if left and isinstance(error, FileNotFoundError | FileExistsError):
                continue
            error.filename = str(target)  # a full disk does not tell
            raise


def _replace(target: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(_ENDING, f".{target.name}.", target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            # Before the first byte: what has no lock counts as left behind and is cleared away. If
            # that happens before this line, the rename fails and the write is tried again.
            keep_locked(handle)
            file.write(content)
            file.flush()
            # Before the rename: else the name might stand for an empty file after a power cut. The
            # folder is not synced: then the old file may be back, but whole.
            os.fsync(handle)
            _open_to_all(Path(name), 0o666)
            if fcntl is not None:  # the lock is held until the name is gone
                Path(name).replace(target)
                return
        Path(name).replace(target)  # Windows replaces by no open file
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _open_to_all(path: Path, mode: int) -> None:
    """Give what is temporary, and so private, the mode that it would have otherwise."""
    # There is no way to read it but to set it.
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(mode & ~mask)


def replace_folder(path: AnyPath, fill: Callable[[Path], None]) -> None:
    """Write a folder that appears whole or not at all, in the place of the one that is there.

    Two folders do not change places at once on every system: the old one is moved aside for a
    moment. Who is killed in that moment leaves none, until :func:`put_back`.

    Args:
        path: The folder.
        fill: Called with an empty folder.
    """
    target = Path(path).absolute()
    with temporary_folder(target) as place:
        fresh = place / "new"
        fresh.mkdir()
        fill(fresh)
        while True:
            if target.exists():
                # What an earlier turn moved aside, another process having been in between.
                shutil.rmtree(place / _OLD, ignore_errors=True)
                with suppress(FileNotFoundError):  # another process has moved it aside
                    target.rename(place / _OLD)
            try:
                fresh.rename(target)
                return
            except OSError:
                if not target.is_dir():  # else another process was faster
                    raise


def put_back(path: AnyPath) -> None:
    """Put back a folder that was moved aside by a process that was killed before the new one came.

    Where that process lives, the new one is waited for.
    """
    target = Path(path).absolute()
    for _ in range(_LOOKS):
        if fcntl is None or exists(target):
            return
        pattern = f".{glob.escape(target.name)}.*{_ENDING}"
        places = target.parent.glob(pattern) if is_folder(target.parent) else ()
        aside = [place for place in places if exists(place / _OLD)]
        if not aside:
            return
        for place in aside:
            _remove_leftover(place)
        # What is locked is at work, and renames the new one into its place.
        time.sleep(0 if exists(target) else _PAUSE)


@contextmanager
def temporary_folder(beside: AnyPath) -> Iterator[Path]:
    """Yield an empty, hidden folder beside a path, on the same file system; gone at the end.

    Where this process is killed, the next that writes something there removes it.
    """
    target = Path(beside).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    _clear(target.parent)
    place, held = _make_folder(target)
    try:
        yield place
    finally:
        # First: where filling failed, the old folder must not go with the temporary one.
        _return_old(place)
        shutil.rmtree(place, ignore_errors=True)
        # Last: what is unlocked is for others to clear away.
        if held is not None:
            os.close(held)


def _make_folder(target: Path) -> tuple[Path, int | None]:
    """Return a new folder, and what holds its lock if there are locks."""
    while True:
        place = Path(tempfile.mkdtemp(_ENDING, f".{target.name}.", target.parent))
        if fcntl is None:
            return place, None
        with suppress(FileNotFoundError):  # somebody has cleared it away before it was locked
            held = os.open(place, os.O_RDONLY)
            keep_locked(held)
            if place.exists():
                return place, held
            os.close(held)


@cache  # once a process and folder
def _clear(folder: Path) -> None:
    """Remove the temporary files and folders that killed processes have left in a folder.

    Who writes one holds a lock of the kernel's, which ends with the process and which network file
    systems pass on to the other machines; what is locked, or cannot be, stays. Windows has no
    such locks, so there all stays.
    """
    if fcntl is None:
        return
    with suppress(OSError):
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name):
                _remove_leftover(path)


def _remove_leftover(path: Path) -> None:
    with suppress(OSError):  # locked, gone, or somebody else's
        # NFS gives an exclusive lock only on what is open for writing.
        flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
        # A link of such a name would lead to somebody else's file.
        held = os.open(path, flags | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.is_dir():
                _return_old(path)
                shutil.rmtree(path)
            else:
                path.unlink()
        finally:
            os.close(held)


def _return_old(place: Path) -> None:
    """Return a folder to where it was taken from, if nothing has come in its place."""
    found = _TEMPORARY.fullmatch(place.name)
    if found is not None and (place / _OLD).exists():
        target = place.with_name(found["name"])
        if not target.exists():
            (place / _OLD).rename(target)


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
            # One byte more tells that there are more, without reading them.
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
