"""Optuna's journal file, made safe for processes that are killed and for disks that are full.

Beside ``search.journal`` lie ``search.journal.lock`` and ``search.journal.beats``: what workers
say to be known as alive would be nine tenths of the journal of a long search.
"""

import json
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from ..._checks import brief
from ..._locks import lock_within, sign, signed_by
from ..._places import shown
from ..._seals import check_seal, seal
from ..._streams import AT_ONCE
from ...errors import InvalidInputError, StorageLostError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# More than a line mostly has: all lines of a claim have 1500 bytes together.
_BLOCK = 4096
_BEAT = struct.Struct("<Q")
"""One number for each trial, in the order of their ids."""

# Locks are held for one write. Five minutes as for databases that are away; a lock
# that is kept for so long is a suspended process's.
_TOLD, _PATIENCE = 10.0, 300.0
"""Seconds after which it is told that a lock is waited for, and after which it no more is."""

logger = logging.getLogger(__name__)


class Journal(JournalFileBackend):
    """A journal file, made if it is not there.

    A line is in it whole or not at all: what a process that was killed has left of one, or a full
    disk, is cut off before the next. Readers do not mind, for they count whole lines only.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be written.
        InvalidInputError: If its last line is none. The others are checked when they are read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        """The last line that was read."""
        self._beats = path.with_name(f"{path.name}.beats")
        super().__init__(str(path))
        self._beats.touch()  # now: network file systems remember for long what was not there
        with locked(path), FileIO(path, "a+") as file:
            # Under the lock, so that a line somebody is writing is none that is torn.
            end = _cut_torn_line(file)
            start = _find_line(file, end - 1)
            file.seek(start)
            last = file.read(end - start)
        if last and not _is_entry(last):
            raise self._refuse_broken()

    def _refuse_broken(self) -> InvalidInputError:
        with self.path.open("rb") as file:
            # From the first line on: opening looks at the last one alone.
            broken = (n for n, line in enumerate(file, start=1) if not _is_entry(line))
            return self.refuse(next(broken, self.line + 1))

    def refuse(self, line: int, error: Exception | None = None) -> InvalidInputError:
        """Return what is raised where a line is none of a journal's."""
        reason = "" if error is None else f" ({type(error).__name__}: {brief(str(error))})"
        return InvalidInputError(
            "storage: expected a journal of Optuna's, got another file: "
            f"{shown(self.path)}, line {line}{reason}"
        )

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the operations from one on.

        Raises:
            InvalidInputError: If a line is none.
        """
        self.line = log_number_from
        try:
            for log in super().read_logs(log_number_from):
                if not _is_operation(log):
                    break
                self.line += 1
                check_seal(log, f"storage: {shown(self.path)}, line {self.line}")
                yield log  # Optuna overlooks the checksum
            else:
                return
        except InvalidInputError:
            raise
        except (ValueError, RecursionError):
            pass
        raise self._refuse_broken()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write operations.

        Raises:
            OSError: If the disk is full; the journal is as it was.
        """
        text = "".join(_line(log) for log in logs)
        with locked(self.path), FileIO(self.path, "a+") as file:
            end = _cut_torn_line(file)
            # FileIO writes what it can and says how much: a nearly full disk takes a part.
            rest = memoryview(text.encode())
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except OSError as error:
                # To where it was: the first of several lines may be whole, and all go together.
                file.truncate(end)
                error.filename = str(self.path)  # which a full disk does not tell
                raise
            # Before the lock is gone: nobody builds on what a machine that fails may still lose.
            os.fsync(file.fileno())

    def beat(self, trial_id: int, count: int) -> None:
        """Put down how often a trial's worker has said that it is alive."""
        self._beats.touch()
        with locked(self.path), FileIO(self._beats, "r+") as file:
            # In its own place, written over: what is skipped reads as zeros, and nothing grows.
            file.seek(trial_id * _BEAT.size)
            file.write(_BEAT.pack(count))

    def beats(self) -> dict[int, int]:
        """Return what :meth:`beat` has put down by trial, the zeros left out."""
        content = self._beats.read_bytes() if self._beats.exists() else b""
        # Whole numbers only; without a lock, as one that is torn is just another number, see Watch.
        numbers = _BEAT.iter_unpack(content[: len(content) // _BEAT.size * _BEAT.size])
        return {trial: count for trial, (count,) in enumerate(numbers) if count}


def _line(log: dict[str, Any]) -> str:
    document = json.loads(json.dumps(log))  # as it will be read, be its keys numbers now
    return json.dumps(seal(document), separators=(",", ":")) + "\n"


def _is_entry(line: bytes) -> bool:
    try:
        return _is_operation(json.loads(line))
    except (ValueError, RecursionError):
        return False


def _is_operation(log: Any) -> bool:
    return isinstance(log, dict) and isinstance(log.get("op_code"), int)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a journal.

    The kernel holds it: a process that is killed loses it at once. The locks that Optuna brings
    are files, which outlive the process that made them; Windows has to do with these. One that is
    suspended keeps it, and nobody takes it away: that one may wake up in the middle of a line.

    Raises:
        StorageLostError: If another process has held it for minutes.
    """
    if fcntl is None:
        lock = JournalFileOpenLock(str(path))
        lock.acquire()
        try:
            yield
        finally:
            lock.release()
        return
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o666)
    try:
        _wait_for(descriptor, path)
        sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path) -> None:
    """Wait for a lock and say who holds it."""
    if lock_within(descriptor, _TOLD):
        return
    told = "storage: %s holds the lock of %s, it is waited for up to %g s"
    logger.warning(told, signed_by(descriptor), shown(path), _PATIENCE, extra=AT_ONCE)
    if lock_within(descriptor, _PATIENCE - _TOLD):
        return
    holder = signed_by(descriptor)
    pid = holder.split()[1]
    # Who has not signed yet, or signed on another machine's file system, cannot be named.
    advice = f" (kill -CONT {pid} wakes it, kill -KILL {pid} ends it)" if pid.isdigit() else ""
    msg = (
        f"storage: expected the lock of {shown(path)}, got none for {_PATIENCE:g} s: "
        f"{holder} holds it{advice}"
    )
    raise StorageLostError(msg)


def _cut_torn_line(file: FileIO) -> int:
    """Cut off a last line that does not end, and return the size."""
    size = file.seek(0, os.SEEK_END)
    end = _find_line(file, size)
    if end < size:
        file.truncate(end)
    return end


def _find_line(file: FileIO, before: int) -> int:
    """Return where the line begins that goes on at a position, which may be its beginning."""
    while before > 0:
        start = max(0, before - _BLOCK)
        file.seek(start)
        found = file.read(before - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        before = start
    return 0
