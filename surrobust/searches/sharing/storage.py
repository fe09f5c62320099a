"""Where workers of one search meet: a journal file or a database, through Optuna's storages."""

import errno
import logging
import multiprocessing
import stat
import time
from pathlib import Path
from typing import Any

from ..._optuna import quiet_fallback
from ..._places import exists, shown
from ...errors import InvalidInputError, StorageLostError
from ...typing import AnyPath
from .patient import PATIENCE, Outage, Patient, is_away, reason

logger = logging.getLogger(__name__)

JOURNAL_NAME = "search.journal"
"""The journal's name inside the folder of a search that several workers share."""

_LARGE = 64 * 10**6
"""Bytes of a journal that is called large; a claim has about 1500."""

_BEGINNING = b'{"op_code":'
_TRIES = 3

_FIRST = 10.0
"""Seconds for which a database may be away that has never answered: its URL may be wrong."""

_IDLE = 60.0
"""Seconds after which a database ends what a process began that was suspended, or cut off."""

_answered: set[str] = set()
"""URLs of databases that have answered this process."""


def open_storage(storage: AnyPath) -> Any:
    """Return Optuna's storage of a journal file or of a database.

    Nothing in them is pickled: both hold JSON.

    Args:
        storage: Path of a journal file, made if it is not there; or the URL of a database, such
            as ``postgresql://user@host/name``.

    Raises:
        InvalidInputError: If it cannot be opened, or is not a storage of Optuna's.
        StorageLostError: If another process keeps a journal's lock; or if it is a database that
            has answered before and is away for long.
    """
    text = str(storage)
    return _open_database(text) if _is_url(text) else _open_journal(Path(text))


def close_storage(storage: Any) -> None:
    """Close the connections to a database; a journal has none."""
    engine = getattr(getattr(storage, "_backend", None), "engine", None)
    if engine is not None:
        storage.remove_session()
        engine.dispose()


def journal_of(storage: Any) -> Any:
    """Return the ``Journal`` of a storage, None if it is a database."""
    backend = getattr(storage, "_backend", None)
    return backend if hasattr(backend, "beats") else None


def warn_if_large(storage: AnyPath) -> None:
    """Say what to do about a journal that takes seconds to read, as of 50 000 claims."""
    path = Path(storage)
    if not _is_url(str(storage)) and exists(path) and path.stat().st_size > _LARGE:
        megabytes = path.stat().st_size // 10**6
        logger.warning(
            "storage: %s has %d MB, which whoever begins reads whole; once nobody works on it, a "
            "search with --out goes on without it: delete it, then --resume",
            path,
            megabytes,
        )


def is_there(storage: AnyPath) -> bool:
    """Return whether there is something to open; a database is taken to be there."""
    return _is_url(str(storage)) or exists(storage)


def _is_url(text: str) -> bool:
    return "://" in text


def _open_journal(path: Path) -> Any:
    from optuna.storages import JournalStorage

    from .journal import Journal

    path = path.absolute()
    try:
        _check_journal(path)
        journal = Journal(path)
    except (InvalidInputError, StorageLostError):
        raise
    except (OSError, ValueError) as error:  # the latter where it can be no path
        reason = getattr(error, "strerror", None) or error
        msg = f"storage: expected a file to write, got {shown(path)}: {reason}"
        raise InvalidInputError(msg) from None
    try:
        return JournalStorage(journal)
    except InvalidInputError:
        raise
    except Exception as error:  # Optuna takes every entry for one of its own
        raise journal.refuse(journal.line, error) from None


def _check_journal(path: Path) -> None:
    """Refuse what is there if it is no file, or does not begin as a journal does."""
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    if not is_file:  # opening a named pipe would not end
        raise OSError(errno.EINVAL, "not a file")
    with path.open("rb") as file:
        beginning = file.read(len(_BEGINNING))
    # This way round: an empty file, or a first line that was torn, is a journal too.
    if not _BEGINNING.startswith(beginning):
        msg = f"storage: expected a journal of Optuna's, got another file: {shown(path)}"
        raise InvalidInputError(msg)


def _open_database(url: str) -> Any:
    # The process that has started a worker's has opened it.
    is_known = url in _answered or multiprocessing.parent_process() is not None
    outage = Outage()
    try:
        storage = outage.wait_out(lambda: _make(url), PATIENCE if is_known else _FIRST)
    except StorageLostError as error:
        # One that has answered is away; one that never has may have a
        # wrong URL, which is the user's to mend.
        if is_known or error.__cause__ is None:
            raise
        raise _silent(error.__cause__) from None
    _answered.add(url)
    quiet_fallback()
    return Patient(storage, outage)


def _make(url: str) -> Any:
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
            if is_away(error):
                raise
            # Workers that start together may make the tables twice: the second try finds them.
            if not left:
                raise _silent(error) from None
            time.sleep(1.0)
    raise AssertionError


def _silent(error: BaseException) -> InvalidInputError:
    return InvalidInputError(f"storage: expected a database that answers, got: {reason(error)}")


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
    storage = optuna.storages.RDBStorage(text, engine_kwargs={"pool_pre_ping": True})
    if parsed.get_backend_name() == "postgresql":
        _let_go_of_sleepers(storage.engine)
    return storage


def _let_go_of_sleepers(engine: Any) -> None:
    """Let a database end the transactions of processes that are suspended: they hold locks."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _: Any) -> None:
        # Not among the options of the connection: a pool of them between may take none.
        connection.execute(f"SET idle_in_transaction_session_timeout = {1000 * _IDLE:.0f}")
        connection.commit()

    engine.dispose()  # what is connected already has made the tables


def _unknown() -> InvalidInputError:
    # The URL is not shown: there may be a password in it.
    return InvalidInputError("storage: expected a file or the URL of a database, got another URL")
