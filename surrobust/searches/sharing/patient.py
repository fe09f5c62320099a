"""Databases that are away for a while, as when they are started anew."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..._streams import AT_ONCE
from ...errors import StorageLostError

PATIENCE = 300.0
"""Seconds for which a database may be away."""

_PAUSES = (0.1, 1.0)
"""Seconds from one try to the next: the first ones, doubled each time, and the longest."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Outage:
    """The time for which a database is away, whichever threads ask for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None

    def wait_out(self, call: Callable[[], T], seconds: float) -> T:
        """Call, and call again while the database is away.

        Raises:
            StorageLostError: If it is away for longer than some seconds.
        """
        pause, longest = _PAUSES
        while True:
            try:
                made = call()
            except Exception as error:
                if not is_away(error):
                    raise
                if self._lasts(error, seconds) > seconds:
                    msg = (
                        f"storage: expected a database that answers, got none for {seconds:g} s "
                        f"({reason(error)})"
                    )
                    raise StorageLostError(msg) from error
                time.sleep(pause)
                # Doubled up to a limit: many workers wait, and none
                # for long once the database is back.
                pause = min(2 * pause, longest)
            else:
                with self._lock:
                    self._since = None
                return made

    def _lasts(self, error: Exception, seconds: float) -> float:
        """Return for how many seconds the database has been away; tell of it when it begins."""
        now = time.monotonic()
        with self._lock:
            # One outage, whichever thread finds it first: it is told
            # of once, and its time counts for all.
            if self._since is None:
                self._since = now
                told = "storage: the database is away, it is waited for up to %g s: %s"
                logger.warning(told, seconds, reason(error), extra=AT_ONCE)
            return now - self._since


class Patient:
    """A storage of Optuna's in a database, which waits while the database is away.

    What was done but could not be answered is done again. So each call has to do no harm when it
    is made twice: only that which makes a trial does, see ``Ledger.claim``.

    Args:
        storage: The storage.
        outage: When its database is away.
    """

    def __init__(self, storage: Any, outage: Outage) -> None:
        self._storage = storage
        self._outage = outage

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._storage, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._outage.wait_out(
            lambda: found(*args, **kwargs), PATIENCE
        )

    def set_trial_state_values(self, trial_id: int, state: Any, values: Any = None) -> bool:
        """End a trial; one that has ended just so is left at that."""
        from optuna.exceptions import UpdateFinishedTrialError

        # Made again after an answer was lost, it finds the trial ended, by itself.
        end = self.__getattr__("set_trial_state_values")
        try:
            return bool(end(trial_id, state, values))
        except UpdateFinishedTrialError:
            trial = self.get_trial(trial_id)
            if trial.state != state or (values is not None and trial.values != list(values)):
                raise
            return True


def is_away(error: BaseException) -> bool:
    """Return whether an error says that the database is away, not that it refuses something."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

    cause = _of_driver(error)
    if isinstance(cause, OperationalError | InterfaceError):
        return True
    return isinstance(cause, DBAPIError) and cause.connection_invalidated


def _of_driver(error: BaseException) -> BaseException:
    """Return what the database's driver raised, inside what was then raised in its place."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    while isinstance(error, StorageInternalError | SQLAlchemyError):
        inner = error.__cause__ or error.__context__
        if isinstance(error, DBAPIError) or inner is None:
            break
        error = inner
    return error


def reason(error: BaseException) -> str:
    """Return on one line what the database's driver says."""
    cause = _of_driver(error)
    return " ".join(str(getattr(cause, "orig", None) or cause).split())[:160]
