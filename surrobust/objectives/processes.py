"""Workers of one search as processes of this machine."""

import logging
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

from ..errors import InvalidInputError, SurrobustError

logger = logging.getLogger(__name__)

_PAUSE = 0.2
"""Seconds from one look at the workers to the next."""


def run_processes(
    work: Callable[..., None], n: int, look: Callable[[], None], is_complete: Callable[[], bool]
) -> None:
    """Start workers and wait for them.

    A worker that dies is not replaced: the others do its work. Processes are spawned, so that
    what they get has to be picklable, and a script that calls this has to be importable.

    Args:
        work: What each of them does; takes ``may_go_on``, which is asked before each claim.
        n: How many.
        look: Called several times a second, and once at the end.
        is_complete: Whether nothing is left to do, after ``look``.

    Raises:
        InvalidInputError: If all have ended before all was done, the first by such an error; or
            if what they are to do cannot be sent to them.
        RuntimeError: If all have ended before all was done, the first by another error.
    """
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe(duplex=False) for _ in range(n)]
    children = [context.Process(target=_child, args=(work, end)) for _, end in pipes]
    try:
        with _threads_shared_by(n):
            for child in children:
                _start(child)
        for _, end in pipes:
            end.close()
        while any(child.is_alive() for child in children):
            wait([child.sentinel for child in children if child.is_alive()], timeout=_PAUSE)
            look()
    finally:
        for child in children:
            if child.pid is not None:
                child.terminate()
                child.join()
    look()
    errors = [_received(pipe) for pipe, _ in pipes]
    _judge([e or _fate(c) for e, c in zip(errors, children, strict=True)], is_complete())


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


def _start(child: Any) -> None:
    try:
        child.start()
    except Exception as error:  # its class depends on the version of Python
        if "pickle" not in str(error):
            raise
        msg = f"workers: expected an objective that other processes can import, got: {error}"
        raise InvalidInputError(msg) from None


def _child(work: Callable[..., None], pipe: Connection) -> None:
    """Work, and send how it ended if not well."""
    parent = multiprocessing.parent_process()
    try:
        work(may_go_on=lambda: parent is None or parent.is_alive())
    except KeyboardInterrupt:
        pass
    except SurrobustError as error:
        pipe.send((True, str(error), ""))
    except Exception as error:
        pipe.send((False, f"{type(error).__name__}: {error}", traceback.format_exc()))


def _received(pipe: Connection) -> tuple[bool, str, str] | None:
    try:
        return pipe.recv() if pipe.poll() else None
    except EOFError:
        return None
    finally:
        pipe.close()


def _fate(child: Any) -> tuple[bool, str, str] | None:
    return (False, f"exit code {child.exitcode}", "") if child.exitcode else None


def _judge(errors: list[tuple[bool, str, str] | None], complete: bool) -> None:
    """Raise the first error if work is left; else tell of it."""
    ended = [error for error in errors if error is not None]
    if ended and complete:
        logger.warning("workers: %d of %d ended early: %s", len(ended), len(errors), ended[0][1])
    elif ended:
        is_mistake, text, trace = ended[0]
        failure = InvalidInputError(text) if is_mistake else RuntimeError(f"a worker ended: {text}")
        if trace:
            failure.add_note(trace)
        raise failure
