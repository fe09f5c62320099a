"""CSV whose rows are of architectures: the one reader of such files, whoever wrote them.

Also what a list of numbers shows together and no number alone: whether they are codes or indices.
"""

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .._checks import brief
from .._files import MAX_ROWS
from ..errors import InvalidArchitectureError, InvalidInputError
from ._forms import N_CELLS, N_EDGES, WRITTEN, is_key, parse_json_text
from .architecture import Architecture

logger = logging.getLogger(__name__)

_DIGITS = {"index": re.compile(r"[0-9]{1,20}"), "code": re.compile(r"[0-9]{1,6}")}
_OBJECTS = ("op_indices", "edges")
_MOST_COLUMNS = 10_000
_NAMELESS = re.compile(r"|Unnamed: [0-9.]+")
"""What pandas calls the first column where its index has no name: writing it, and once more."""


@dataclass(frozen=True, slots=True)
class CsvRows:
    """The rows of a CSV.

    Args:
        cells: The architecture of each row, n of them.
        names: The m other columns, as they are written.
        fields: Their texts, ``(n, m)``.
        places: Where each row stands, for messages.
    """

    cells: list[Architecture]
    names: tuple[str, ...]
    fields: list[list[str]]
    places: list[str]


def read_rows(text: str, name: str) -> CsvRows:
    """Read a CSV with a header, in which one or several columns name an architecture.

    Such columns are called, in lower or upper case, like the keys of the objects that
    :meth:`Architecture.parse` takes: ``architecture`` (in any form, JSON too), ``index`` (zeros in
    front do not matter), ``code`` (zeros in front may be lost), and so on. Row numbers without a
    name, as pandas writes them, are left out; genotypes in their place are read.

    Args:
        text: Fields separated by commas.
        name: What messages begin with.

    Raises:
        InvalidInputError: If it is no such CSV, columns contradict each other, or something is
            not an architecture; the message names the line.
    """
    rows = _split(text, name)
    place, header = next(rows, (f"{name}: line 1", []))
    keys = _find_keys(header, place)
    others = [n for n in range(len(header)) if n not in keys]
    first = next((n for n, column in enumerate(header) if not _NAMELESS.fullmatch(column)), 0)
    others = [n for n in others if n >= first]
    found = CsvRows([], tuple(header[n] for n in others), [], [])
    written = []
    known: dict[tuple[str, ...], Architecture] = {}
    for place, row in rows:
        if len(row) != len(header):
            raise _error(place, f"{len(header)} fields", str(len(row)))
        if len(found.cells) == MAX_ROWS:
            raise _error(name, f"at most {MAX_ROWS} rows", "more")
        named = {key: row[n] for n, key in keys.items()}
        texts = tuple(named.values())
        if texts not in known:
            known[texts] = _parse(named, place)
        found.cells.append(known[texts])
        found.fields.append([row[n] for n in others])
        found.places.append(place)
        written.append((_alone(named) or "", place))
    if not found.cells:
        raise _error(name, "at least one row below the header", "none")
    check_numbers(written)
    return found


def _split(text: str, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows that are not blank, with where they end."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _error(f"{name}: line {reader.line_num}", "CSV", str(error)) from None
        if len(row) > _MOST_COLUMNS:
            raise _error(
                f"{name}: line {reader.line_num}", f"at most {_MOST_COLUMNS} fields", str(len(row))
            )
        if any(field.strip() for field in row):
            yield f"{name}: line {reader.line_num}", row


def _find_keys(header: list[str], place: str) -> dict[int, str]:
    """Return the key of each column that has one, by position; strip the header."""
    header[:] = [column.strip() for column in header]
    keys = {n: key for n, column in enumerate(header) if (key := key_of(column)) is not None}
    if len(set(keys.values())) != len(keys):
        raise _error(place, "a column architecture", f"it twice: {brief(','.join(header))}")
    if keys:
        return keys
    if len(header) > 1 and _NAMELESS.fullmatch(header[0]):
        return {0: ""}
    raise _error(
        place,
        "a header with a column architecture, index, code or another key, separated by commas",
        brief(",".join(header)),
    )


def key_of(column: str) -> str | None:
    """Return the key of an architecture that a column has for a name; None if it has none."""
    name = column.strip()
    return next((key for key in (name, name.lower()) if is_key(key)), None)


def _parse(row: dict[str, str], place: str) -> Architecture:
    try:
        if "" in row:
            return _parse_nameless(row[""])
        text = _alone(row)
        if text is not None:
            return Architecture.parse(text)
        return Architecture.parse({key: _value(key, field) for key, field in row.items()})
    except InvalidArchitectureError as error:
        msg = f"{place}: {error}"
        raise InvalidInputError(msg) from None


def _parse_nameless(field: str) -> Architecture:
    """Read what stands in a column without a name: no numbers, which may be those of the rows."""
    if field.strip().isdigit():
        msg = f"architecture: expected a name of its column, index or code, got none for {field}"
        raise InvalidArchitectureError(msg)
    return Architecture.parse(field)


def _value(key: str, field: str) -> Any:
    """Return a field as JSON would have it under this key."""
    text = field.strip()
    if key in _DIGITS and _DIGITS[key].fullmatch(text):
        return int(text)
    if key in _OBJECTS:
        return parse_json_text(text.replace("'", '"'))  # pandas writes them as Python does
    return text


def _alone(keys: dict[str, Any]) -> Any:
    """Return what stands under the only key, if it may be of any form, else None."""
    key = next(iter(keys)) if len(keys) == 1 else ""
    return keys[key] if key in WRITTEN else None


def written_text(value: Any) -> str:
    """Return the text that an architecture is read from, where nothing else says what it is."""
    if isinstance(value, dict):
        value = _alone({key: value[key] for key in value if is_key(key)})
    return value if isinstance(value, str) else ""


def check_numbers(written: Iterable[tuple[str, str]]) -> None:
    """Check what numbers written side by side show together: they are codes, or they are indices.

    Each was read by itself: six digits as a code, fewer as an index. NATS-Bench, though, pads
    indices to six digits, and whatever takes a column for numbers strips the zeros in front of
    codes. Where both readings remain, the log says which was taken.

    Args:
        written: What :func:`written_text` gives, with where it stands; what is not all digits does
            not matter.

    Raises:
        InvalidInputError: If some may be padded indices beside indices, or codes without their
            zeros beside codes.
    """
    found = ((text.strip(), place) for text, place in written)
    numbers = [one for one in found if one[0].isascii() and one[0].isdigit()]
    long = [one for one in numbers if len(one[0]) == N_EDGES]
    padded = [one for one in long if int(one[0]) < N_CELLS]
    short = sorted((one for one in numbers if len(one[0]) < N_EDGES), key=lambda one: -len(one[0]))
    if padded and short:
        text, place = padded[0]
        raise _mixed(place, f"{text} may be a code, or the index {int(text)} that was padded")
    if padded and len(padded) == len(long):
        text, place = padded[0]
        logger.warning(
            '%s: %s is read as a code; as an index it would be {"index": %d}, or stand in a '
            "column index",
            *(place, text, int(text)),
        )
    if long and short and all(set(text) <= set("01234") for text, _ in short):
        text, place = short[0]
        code = text.zfill(N_EDGES)
        if len(text) == N_EDGES - 1:
            raise _mixed(place, f"{text} may be an index, or the code {code} that lost its zero")
        logger.warning(
            '%s: %s is read as an index; as a code it would be {"code": "%s"}, or stand in a '
            "column code",
            *(place, text, code),
        )


def _mixed(place: str, told: str) -> InvalidInputError:
    hint = 'say which by {"index": ...} and {"code": ...}, or by columns of these names'
    return _error(place, "codes of six digits alone or indices alone", f"both: {told}; {hint}")


def _error(place: str, expected: str, got: str) -> InvalidInputError:
    return InvalidInputError(f"{place}: expected {expected}, got {got}")
