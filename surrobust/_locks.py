"""Locks that end with their process, and whose they are."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ._places import shown
from .errors import InvalidInputError
from .typing import AnyPath

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SHORTEST, _LONGEST = 0.001, 0.05
"""Seconds between two tries to get a lock: at first, doubled each time, and at most."""

# Bytes: a host has at most 64 in its name on Linux, a process id seven digits.
_SIGNATURE = 100
_TRIES = 10


@contextmanager
def hold(
    path: AnyPath,
    *,
    shared: bool = False,
    patience: float = 0.0,
    wait: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Hold a lock until the end, or until this process is killed.

    Where the system or the file system knows no locks, as on Windows, nothing is held.

    Args:
        path: A file of this name is there meanwhile; it says who holds the lock.
        shared: Whether others may hold it at the same time, who share it too.
        patience: Seconds for which another is waited for before it is told of.
        wait: Called with who holds it, once, before that one is waited for; None refuses.

    Raises:
        InvalidInputError: If another process holds it and is not waited for.
        OSError: If the file cannot be made.
    """
    if fcntl is None:
        yield
        return
    handle = _take(Path(path), fcntl.LOCK_SH if shared else fcntl.LOCK_EX, patience, wait)
    try:
        sign(handle)
        yield
    finally:
        # Whoever shares it still needs its name: the last one removes it.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Path(path).unlink()
        os.close(handle)


def _take(path: Path, kind: int, patience: float, wait: Callable[[str], None] | None) -> int:
    """Return the descriptor of a file that has the lock and still its name."""
    told = ""
    while True:
        handle = _open_lock(path)
        try:
            if not lock_within(handle, patience, kind=kind):
                holder = signed_by(handle)
                if wait is None:
                    msg = f"{shown(path.parent)}: expected nobody else to write here, got {holder}"
                    raise InvalidInputError(msg)
                if holder != told:
                    wait(holder)
                told = holder
                fcntl.flock(handle, kind)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except OSError:
            return handle  # a file system without locks: nobody else gets one either
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its last holder has removed it meanwhile


def _open_lock(path: Path) -> int:
    for left in reversed(range(_TRIES)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except (FileNotFoundError, FileExistsError):
            if not left:  # else another process has removed the folder while it was empty
                raise
    raise AssertionError  # not reached


def keep_locked(descriptor: int) -> None:
    """Hold a temporary file or folder until it is closed, or the process is killed."""
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks: nobody else gets one either
            fcntl.flock(descriptor, fcntl.LOCK_EX)


def lock_within(descriptor: int, seconds: float, *, kind: int | None = None) -> bool:
    """Lock an open file until it is closed; return False where another holds it for too long.

    The kernel's own waiting has no end. Where the system knows no locks, nothing is held.

    Raises:
        OSError: If the file system knows no locks.
    """
    end, pause = time.monotonic() + seconds, _SHORTEST
    while fcntl is not None:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if kind is None else kind) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        else:
            break
    return True


def sign(descriptor: int) -> None:
    """Write into an open file which process has its lock, or had it last."""
    name = f"process {os.getpid()} on {socket.gethostname()}"
    with suppress(OSError):  # on a full disk nobody is named
        # Padded, so that a shorter name leaves nothing of a longer one.
        os.pwrite(descriptor, name.ljust(_SIGNATURE).encode(), 0)


def signed_by(descriptor: int) -> str:
    """Return what :func:`sign` wrote."""
    written = os.pread(descriptor, _SIGNATURE, 0).decode(errors="replace").strip()
    return written or "another process"
