"""Results kept one a line in a CSV file, and many calls that may be made in several processes."""

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import fields
from multiprocessing import get_context
from typing import Any, ClassVar, Protocol, TypeVar

from .._checks import brief
from .._files import read_text, write_text
from ..errors import InvalidInputError
from ..typing import AnyPath


class Row(Protocol):
    """A frozen dataclass whose fields are text, integers, floats, or what ``parse`` reads."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> tuple[Any, ...]:
        """What was measured, without the numbers."""
        ...


R = TypeVar("R", bound=Row)


def to_csv(rows: Iterable[Any], cls: type[Any], *, missing: str = "") -> str:
    """Return dataclass objects as CSV with a header.

    Args:
        rows: The objects.
        cls: Their class.
        missing: In the place of numbers that are not finite.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(cls)]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_written(getattr(row, name), missing) for name in names])
    return text.getvalue()


def _written(value: object, missing: str) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:.6g}" if math.isfinite(value) else missing


def write_results(path: AnyPath, rows: Iterable[R], cls: type[R]) -> None:
    """Write records, sorted by what they measure, atomically."""
    write_text(path, to_csv(sorted(rows, key=lambda row: row.key), cls, missing="nan"))


def read_results(path: AnyPath, cls: type[R], *, noun: str) -> list[R]:
    """Read records.

    Args:
        path: As :func:`write_results` writes it.
        cls: The records' class.
        noun: What messages call one.

    Raises:
        InvalidInputError: If the columns or a field are not those of the class.
    """
    types = {field.name: field.type for field in fields(cls)}
    # Strict: a quote that does not end is an error, not a field that goes on to the end.
    rows = csv.reader(io.StringIO(read_text(path)), strict=True)
    try:
        header = next(rows, [])
        if header != list(types):
            msg = f"{path}: expected the columns {', '.join(types)}; got {brief(', '.join(header))}"
            raise InvalidInputError(msg)
        return [cls(**_fields(row, types)) for row in rows]
    except (csv.Error, _RowError) as error:
        msg = f"{path}: line {rows.line_num}: expected one {noun}, got {error}"
        raise InvalidInputError(msg) from None


class _RowError(Exception):
    """What is wrong with one line."""


def _fields(row: list[str], types: dict[str, Any]) -> dict[str, Any]:
    if len(row) != len(types):
        msg = f"{len(row)} fields instead of {len(types)}"
        raise _RowError(msg)
    given: dict[str, Any] = {}
    for (name, kind), text in zip(types.items(), row, strict=True):
        read = getattr(kind, "parse", kind)
        try:
            given[name] = read(text)
        except ValueError:
            msg = f"{brief(text)} as {name}"
            raise _RowError(msg) from None
    return given


def measure_missing(
    path: AnyPath,
    known: dict[Any, R],
    missing: Sequence[tuple[Any, ...]],
    measure: Callable[..., R],
    *,
    total: int,
    jobs: int,
    data_dir: AnyPath | None,
    progress: Callable[[int, int, R], None] | None,
) -> None:
    """Measure what a file does not have yet; it is written after every row.

    Args:
        path: The file.
        known: Its rows by key, kept whatever they are of; what is measured is added.
        missing: Keys of what is to be measured.
        measure: Called with a key and ``data_dir``; a function that other processes can import.
        total: What is wanted in all; the rest is there already.
        jobs: Processes.
        data_dir: Where the tables are.
        progress: Called with (done, total, row) after every row.
    """
    rows = run_each(measure, [(key, data_dir) for key in missing], jobs=jobs)
    for done, row in enumerate(rows, total - len(missing) + 1):
        known[row.key] = row
        # Whole and sorted each time: a run that is killed loses one row, and the file
        # does not depend on the order in which processes end.
        write_results(path, known.values(), type(row))
        if progress is not None:
            progress(done, total, row)


T = TypeVar("T")


def run_each(
    call: Callable[..., T], arguments: Sequence[tuple[Any, ...]], *, jobs: int
) -> Iterator[T]:
    """Yield what ``call`` returns for each tuple of arguments, as they come.

    Args:
        call: A function that other processes can import.
        arguments: Positional arguments of each call.
        jobs: Processes; in one, the order is kept.
    """
    if jobs == 1 or len(arguments) < 2:
        for each in arguments:
            yield call(*each)
        return
    # Spawned, not forked: progress bars and numerical libraries run threads.
    pool = ProcessPoolExecutor(
        max_workers=min(jobs, len(arguments)),
        mp_context=get_context("spawn"),
        initializer=_share_cores,
        initargs=(jobs,),
    )
    try:
        futures = [pool.submit(call, *each) for each in arguments]
        for future in as_completed(futures):
            yield future.result()
    finally:
        # After an error or an interrupt what is queued is dropped.
        pool.shutdown(cancel_futures=True)


def _share_cores(jobs: int) -> None:
    """Keep libraries that this process has yet to load from taking all cores each."""
    # What the user has set stays.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
