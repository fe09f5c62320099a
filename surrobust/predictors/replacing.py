"""A folder in the place of another, so that the old one or the new one is there, whole.

Two folders do not change places at once on every system, so the old one is moved aside for a
moment. Who is killed in that moment leaves none; whoever comes next puts the old one back.
"""

import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # there is none on Windows
    fcntl = None  # type: ignore[assignment]

_HEX = "[0-9a-f]" * 8
_ASIDE = ".old"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give an empty folder beside ``target`` to write to, which takes its place in the end.

    What is killed before that leaves ``target`` as it was, and a folder that the next one removes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    put_back(target)
    for left in _beside(target):
        if _is_abandoned(left):
            _remove(left)
    fresh = _new_name(target)
    fresh.mkdir()
    lock = _lock(fresh)
    try:
        yield fresh
        _swap(fresh, target)
    except BaseException:
        _remove(fresh)
        raise
    finally:
        if lock is not None:
            os.close(lock)
    for old in _beside(target, _ASIDE):
        _remove(old)


def put_back(folder: Path) -> None:
    """Put back a folder that was moved aside by someone who was killed before the new one came."""
    if not os.path.lexists(folder):
        for old in _beside(folder, _ASIDE):
            with suppress(OSError):  # another process was faster
                old.rename(folder)


def _swap(fresh: Path, target: Path) -> None:
    while True:
        try:
            fresh.rename(target)
            return
        except OSError:
            if not target.is_dir():
                put_back(target)
                raise
        # Another process may put it back before the new one comes.
        target.rename(_new_name(target, _ASIDE))


def _new_name(target: Path, end: str = "") -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{end}")


def _beside(target: Path, end: str = "") -> list[Path]:
    """Return the folders of that kind that were made for a target."""
    pattern = f".{glob.escape(target.name)}.{_HEX}{end}"
    return sorted(target.absolute().parent.glob(pattern))


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path, how: int = 0) -> int | None:
    """Return a descriptor by which a folder is locked until its process ends."""
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_abandoned(folder: Path) -> bool:
    """Return whether whoever wrote to a folder is gone; False where that cannot be told."""
    try:
        lock = None if fcntl is None else _lock(folder, fcntl.LOCK_NB)
    except OSError:
        return False
    if lock is not None:
        os.close(lock)
    return lock is not None
