"""The folder of a search: who may write there, that nothing is lost, that what it says holds."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isclose
from pathlib import Path

from .._files import write_bytes
from .._locks import hold
from .._version import __version__
from ..errors import InvalidInputError
from ..objectives.sources import Objective
from ..searches import Evaluation, SearchResult
from ..searches.result import SEARCH_FILE
from ..typing import AnyPath
from .plan import check_same_search, read_recorded

_LOCK = f"{SEARCH_FILE}.lock"
"""Held for the whole of a search."""

_WRITING = f"{SEARCH_FILE}.writing"
"""Held while one of several processes that share a search writes."""

# Seconds; writing takes milliseconds, unless a worker is suspended while it holds the lock.
_PATIENCE = 60.0


@contextmanager
def hold_folder(out: AnyPath | None, *, shared: bool) -> Iterator[None]:
    """Hold the folder of a search until its end.

    Args:
        out: The folder; None if there is none.
        shared: Whether others that share a search may write there too.

    Raises:
        InvalidInputError: If somebody else searches there.
    """
    if out is None:
        yield
        return
    with hold(Path(out) / _LOCK, shared=shared):
        yield


def check_unchanged(out: AnyPath | None, recorded: SearchResult | None) -> None:
    """Check that a folder holds what was read there before it was held.

    Raises:
        InvalidInputError: If another process has written meanwhile.
    """
    found = read_recorded(out)
    if (found and found.to_json()) != (recorded and recorded.to_json()):
        msg = f"out: expected a search that rests, got one that went on meanwhile: {out}"
        raise InvalidInputError(msg)


def read_same(out: AnyPath | None, plan: SearchResult) -> SearchResult | None:
    """Return the search that a folder holds, if it holds one.

    Raises:
        InvalidInputError: If it is another one.
    """
    found = read_recorded(out)
    if found is not None:
        try:
            check_same_search(found, plan)
        except InvalidInputError as error:
            msg = f"{out}: {error}"
            raise InvalidInputError(msg) from None
    return found


def shared_writer(out: AnyPath) -> Callable[[SearchResult], None]:
    """Return what writes a search into a folder into which others write it too.

    It writes over an earlier state of the same search; a later one stays.

    Raises:
        InvalidInputError: When it is called, if there is another search, or for a minute another
            process does not finish writing.
    """
    path, written = Path(out) / SEARCH_FILE, b""

    def write(result: SearchResult) -> None:
        nonlocal written
        with hold(path.with_name(_WRITING), patience=_PATIENCE):
            if not _may_write(path, written, result):
                return
            written = result.to_json().encode()
            write_bytes(path, written)

    return write


def _may_write(path: Path, written: bytes, result: SearchResult) -> bool:
    """Return whether a search goes on from what is there; False if that goes further.

    Raises:
        InvalidInputError: If neither goes on from the other.
    """
    if path.exists() and path.read_bytes() == written:  # by this process, which is the fast way
        return True
    found = read_same(path.parent, result)
    if found is None:
        return True
    # Sets, for workers may see the same evaluations in another order.
    old, new = ({e.architecture for e in one.evaluations} for one in (found, result))
    if old <= new:
        return True
    if new <= old:
        return False
    (cell, *_) = old - new
    msg = (
        f"{path}: expected a part of what the study has, got {len(old - new)} evaluations that it "
        f"has not, such as of {cell.code}: another study goes on from them, or a new one"
    )
    raise InvalidInputError(msg)


def check_recorded(
    evaluations: Sequence[Evaluation], objective: Objective, *, version: str = __version__
) -> None:
    """Compare recorded values with those that the objective has, where it can tell.

    Args:
        evaluations: What was recorded.
        objective: Where the values are from.
        version: Of the package that recorded them.

    Raises:
        InvalidInputError: If one differs; the message names it.
    """
    done = [e for e in evaluations if not e.failed]
    for column, recall in enumerate(objective.recalls):
        if recall is None or not done:
            continue
        known = recall.look_up([e.architecture for e in done])
        for evaluation, values in zip(done, known, strict=True):
            numbers = (*(evaluation.values or (evaluation.value,)), *evaluation.bounded)
            got = numbers[column]
            # Where the tolerance is 0, only equal numbers are close.
            if values and not any(isclose(got, v, rel_tol=recall.tolerance) for v in values):
                by = "" if version == __version__ else f", recorded by version {version}"
                msg = (
                    f"evaluations: expected {' or '.join(map(repr, values))} for "
                    f"{evaluation.architecture.code} (trial {evaluation.trial}) as the source "
                    f"({objective.name}) says, got {got!r}{by}"
                )
                raise InvalidInputError(msg)
