"""Workers of one search as processes of this machine."""

import logging
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from .._streams import AT_ONCE, lenient_stderr
from ..errors import InvalidInputError, StorageLostError, SurrobustError, WorkersLostError

logger = logging.getLogger(__name__)

_PAUSE = 0.2
"""Seconds from one look at the workers to the next."""

_GRACE = 30.0
"""Seconds that workers have to end by themselves when all is done."""

_SLEEP = 60.0
"""Seconds for which a worker may be suspended; it may hold a lock for which others wait."""


def run_processes(
    work: Callable[..., None],
    n: int,
    look: Callable[[], None],
    is_complete: Callable[[], bool],
    is_over: Callable[[], bool],
) -> None:
    """Start workers and wait for them.

    A worker that dies is told of and not replaced: the others do its work. One that is suspended
    for a minute is killed, for it may hold a lock for which the others wait. Processes are spawned,
    so that what they get has to be picklable, and a script that calls this has to be importable.

    Args:
        work: What each of them does; takes ``may_go_on``, which is asked before each claim.
        n: How many.
        look: Called several times a second, and once at the end.
        is_complete: Whether all that was wanted is done, after ``look``.
        is_over: Whether workers have nothing left to do: who hangs then is not waited for.

    Raises:
        InvalidInputError: If all have ended before all was done, the first by such an error; or
            if what they are to do cannot be sent to them.
        StorageLostError: If all have ended before all was done, the first by such an error.
        RuntimeError: If all have ended before all was done, the first by another error.
        WorkersLostError: If all were killed before all was done.
    """
    job = _packed(work)
    workers = [_Worker(number, n) for number in range(1, n + 1)]
    try:
        # Set while they start, which is when children take their environment.
        with _threads_shared_by(n):
            for worker in workers:
                worker.start()
        for worker in workers:
            worker.send(job)
        _wait_for(workers, look, is_over)
    finally:
        for worker in workers:
            worker.stop()
    look()
    # One that has ended well has found nothing left to do, be it less than the budget.
    if not is_complete() and all(worker.fate for worker in workers):
        raise _failure(workers)


def _wait_for(
    workers: Sequence["_Worker"], look: Callable[[], None], is_over: Callable[[], bool]
) -> None:
    """Look until all workers have ended, or have had their time to."""
    since = None
    living = list(workers)
    while living:
        wait([end for worker in living for end in worker.ends], timeout=_PAUSE)
        for worker in [one for one in living if one.has_ended()]:
            living.remove(worker)
            if worker.fate:
                others = ", the others go on" if living else ""
                logger.warning("workers: %s%s", worker.fate, others, extra=AT_ONCE)
        for worker in living:
            worker.end_sleep()
        look()
        if is_over():
            since = time.monotonic() if since is None else since
            if time.monotonic() - since > _GRACE:
                for worker in living:
                    logger.warning("workers: %s does not end though all is done: killed", worker)
                return


def _failure(workers: Sequence["_Worker"]) -> Exception:
    """Return what is raised where all workers have ended and work is left."""
    errors = [worker.error for worker in workers if worker.error is not None]
    if not errors:
        return WorkersLostError(f"workers: {', '.join(worker.fate for worker in workers)}")
    kind, text, trace = errors[0]
    failure = RuntimeError(f"a worker ended: {text}") if kind is None else kind(text)
    if trace:
        failure.add_note(trace)
    return failure


@contextmanager
def _threads_shared_by(n: int) -> Iterator[None]:
    """Let the processes that are started share the processors, unless the user says otherwise."""
    name = "OMP_NUM_THREADS"
    if name in os.environ:
        yield
        return
    os.environ[name] = str(max(1, (os.cpu_count() or 1) // n))
    try:
        yield
    finally:
        del os.environ[name]


def _packed(work: Callable[..., None]) -> Any:
    try:
        return ForkingPickler.dumps(work)
    except Exception as error:  # its class depends on the version of Python
        msg = f"workers: expected an objective that other processes can import, got: {error}"
        raise InvalidInputError(msg) from None


class _Worker:
    """One of the processes, as the one that starts it sees it.

    Args:
        number: Which one, from 1.
        n: Of how many.
    """

    def __init__(self, number: int, n: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._number = f"{number} of {n}"
        self._pipe, self._end = context.Pipe()
        self._process = context.Process(target=_child, args=(self._end,))
        self._is_done = False
        self._looks_asleep = 0
        self._is_left = False
        self.error: tuple[type[Exception] | None, str, str] | None = None
        """What to raise if it is known what, what it is, and the traceback."""

    def start(self) -> None:
        """Start it; it waits for its job."""
        self._process.start()
        # The child has its own: while this one is open too, its death does not close the pipe.
        self._end.close()

    def send(self, job: Any) -> None:
        """Send what it is to do.

        Not with its start, which waits for ever for one that is killed before it has read all.
        """
        with suppress(OSError):  # it is dead
            self._pipe.send_bytes(job)

    @property
    def ends(self) -> list[Any]:
        """What is ready when it says something, or ends."""
        return [self._process.sentinel, *([] if self._pipe.closed else [self._pipe])]

    def has_ended(self) -> bool:
        """Take note of what it says, and return whether it has ended."""
        # Before the pipe is read: what a dead worker said is in it by then.
        is_alive = self._process.is_alive()
        try:
            while self._pipe.poll():
                self.error = self._pipe.recv()
                self._is_done = self.error is None
        except (OSError, EOFError):
            self._pipe.close()
        return not is_alive

    @property
    def fate(self) -> str:
        """How it has ended, in words; empty if well."""
        if self._is_done:
            return ""
        if self.error is not None:
            return f"{self} ended: {self.error[1]}"
        if self._is_left:
            return f"{self} was suspended for {_SLEEP:g} s: killed"
        return f"{self} {_manner(self._process.exitcode or 0)}"

    def __str__(self) -> str:
        return f"{self._number} (pid {self._process.pid})"

    def end_sleep(self) -> None:
        """Kill it if it has been suspended for long; say so beforehand.

        Called at each look, and looks are counted: who looks may have been suspended as well.
        """
        if not _is_suspended(self._process.pid):
            self._looks_asleep = 0
            return
        self._looks_asleep += 1
        if self._looks_asleep == 1:
            told = "workers: %s is suspended (kill -CONT wakes it); in %g s it is killed"
            logger.warning(told, self, _SLEEP, extra=AT_ONCE)
        elif self._looks_asleep > _SLEEP / _PAUSE:
            self._is_left = True
            self._process.kill()

    def stop(self) -> None:
        """End it, if need be."""
        self._pipe.close()
        if self._process.pid is not None:
            self._process.kill()  # one that is stopped would not hear of SIGTERM
            self._process.join()


def _is_suspended(pid: int | None) -> bool:
    """Return whether a child is stopped by a signal, where the system says so."""
    if pid is None or not hasattr(os, "waitid"):
        return False
    with suppress(ChildProcessError):
        # WNOWAIT leaves the news to be told again: each look finds it, until the worker wakes.
        return os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    return False


def _manner(exit_code: int) -> str:
    """Return what an exit code says, negative ones being signals."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was killed by {name}{' (out of memory?)' if name == 'SIGKILL' else ''}"


def _child(pipe: Connection) -> None:
    """Work, and send how it ended: None if well."""
    parent = multiprocessing.parent_process()
    with lenient_stderr(), suppress(OSError):  # the parent, which would listen, is gone
        try:
            work = pipe.recv()
            work(may_go_on=lambda: parent is None or parent.is_alive())
            pipe.send(None)
        except KeyboardInterrupt:
            raise SystemExit(130) from None  # 128 + SIGINT
        except EOFError:
            return
        except SurrobustError as error:
            pipe.send((InvalidInputError, str(error), ""))
        except StorageLostError as error:
            pipe.send((StorageLostError, str(error), ""))
        except Exception as error:
            pipe.send((None, f"{type(error).__name__}: {error}", traceback.format_exc()))
