"""Where workers of one search meet: a journal file or a database, through Optuna's storages."""

import errno
import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._files import exists, shown
from ..errors import InvalidInputError
from ..typing import AnyPath

JOURNAL_NAME = "search.journal"
"""The journal's name inside the folder of a search that several workers share."""

_BEGINNING = b'{"op_code":'
_TRIES = 3


def open_storage(storage: AnyPath) -> Any:
    """Return Optuna's storage of a journal file or of a database.

    Nothing in them is pickled: both hold JSON.

    Args:
        storage: Path of a journal file, made if it is not there; or the URL of a database, such
            as ``postgresql://user@host/name``.

    Raises:
        InvalidInputError: If it cannot be opened, or is not a storage of Optuna's.
    """
    text = str(storage)
    return _open_database(text) if _is_url(text) else _open_journal(Path(text))


def close_storage(storage: Any) -> None:
    """Close the connections to a database; a journal has none."""
    engine = getattr(getattr(storage, "_backend", None), "engine", None)
    if engine is not None:
        storage.remove_session()
        engine.dispose()


def is_there(storage: AnyPath) -> bool:
    """Return whether there is something to open; a database is taken to be there."""
    return _is_url(str(storage)) or exists(storage)


def _is_url(text: str) -> bool:
    return "://" in text


def _open_journal(path: Path) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = path.absolute()
    try:
        _check_journal(path)
        lock = _journal_lock(path)
        _end_last_line(path, lock)
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    except OSError as error:
        msg = f"storage: expected a file to write, got {shown(path)}: {error.strerror or error}"
        raise InvalidInputError(msg) from None
    except Exception:  # whatever Optuna meets where a line is not one of its own
        msg = f"storage: expected a journal of Optuna's, got another file: {shown(path)}"
        raise InvalidInputError(f"{msg}{_broken_line(path)}") from None


def _broken_line(path: Path) -> str:
    """Say which line of a journal is not an object as Optuna writes them; nothing if all are."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not _is_entry(line):
                return f", line {number}"
    return ""


def _is_entry(line: bytes) -> bool:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and isinstance(entry.get("op_code"), int)


def _check_journal(path: Path) -> None:
    """Raise if what is there is no file (OSError), or does not begin as a journal (ValueError)."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    if not is_file:  # opening a named pipe would not end
        raise OSError(errno.EINVAL, "not a file")
    with path.open("rb") as file:
        if file.read(len(_BEGINNING)) not in (b"", _BEGINNING):
            raise ValueError


def _open_database(url: str) -> Any:
    import optuna
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    for left in reversed(range(_TRIES)):
        try:
            return optuna.storages.get_storage(_database(url))
        except ArgumentError:
            raise _unknown() from None
        except ImportError:
            msg = (
                "storage: expected the database's driver to be installed, got none "
                '(PostgreSQL: pip install "surrobust[postgres]")'
            )
            raise InvalidInputError(msg) from None
        except (SQLAlchemyError, optuna.exceptions.OptunaError, RuntimeError) as error:
            # Workers that start together may make the tables twice: the second try finds them.
            if not left:
                reason = " ".join(str(getattr(error, "orig", None) or error).split())[:160]
                msg = f"storage: expected a database that answers, got: {reason}"
                raise InvalidInputError(msg) from None
            time.sleep(1.0)
    raise AssertionError


def _database(url: str) -> Any:
    import optuna
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _unknown() from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    text = parsed.render_as_string(hide_password=False)
    # Measuring takes long: whether a connection has outlived it is looked at before its next use.
    return optuna.storages.RDBStorage(text, engine_kwargs={"pool_pre_ping": True})


def _unknown() -> InvalidInputError:
    # The URL is not shown: there may be a password in it.
    return InvalidInputError("storage: expected a file or the URL of a database, got another URL")


def _journal_lock(path: Path) -> Any:
    try:
        return _FileLock(path)
    except ImportError:  # no fcntl on Windows
        from optuna.storages.journal import JournalFileOpenLock

        return JournalFileOpenLock(str(path))


class _FileLock:
    """The lock of a journal, held by the kernel: a process that is killed loses it at once.

    The locks that Optuna brings are files, which outlive the process that made them.

    Args:
        path: The journal.

    Raises:
        ImportError: If the platform has no such locks.
    """

    def __init__(self, path: Path) -> None:
        import fcntl

        self._flock, self._exclusive = fcntl.flock, fcntl.LOCK_EX
        self._path = path.with_name(f"{path.name}.lock")
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Wait for the lock and take it."""
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o666)
        self._flock(descriptor, self._exclusive)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _end_last_line(path: Path, lock: Any) -> None:
    """Cut off what a machine that went down left of the journal's last line.

    Raises:
        ValueError: If the line before is not one of a journal.
    """
    lock.acquire()
    try:
        content = path.read_bytes() if path.exists() else b""
        end = content.rfind(b"\n") + 1
        # Optuna forgives a broken last line until something is written behind it.
        if end and not _is_entry(content[content.rfind(b"\n", 0, end - 1) + 1 : end]):
            raise ValueError
        if end < len(content):
            os.truncate(path, end)
    finally:
        lock.release()
