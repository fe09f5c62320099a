"""``--columns``: numbers known of cells beforehand, from published files or the user's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._places import exists, shown
from ..errors import InvalidInputError
from ..targets import Target
from .inputs import describe_source, read_source

if TYPE_CHECKING:
    from ..encodings import Columns

PROXIES, CLEAN = "proxies", "clean"


def read_columns(
    sources: Sequence[str], targets: Sequence[str], data_dir: Path | None
) -> tuple["Columns | None", list[dict[str, Any]]]:
    """Read the sources that were named, side by side.

    Args:
        sources: ``proxies``, ``clean``, or paths of CSV files.
        targets: What is going to be predicted; none with the user's own values.
        data_dir: Where the tables are.

    Returns:
        The columns, None if there is no source, and what the card says of each source.

    Raises:
        InvalidInputError: If a file is no CSV of numbers, the message names the line; or the clean
            accuracy is not that of one benchmark and image set, or is itself a target.
    """
    found: Columns | None = None
    told = []
    for source in dict.fromkeys(sources):
        if source == PROXIES:
            columns, note = _proxies(data_dir)
        elif source == CLEAN:
            columns, note = _clean(targets, data_dir)
        else:
            columns, note = _from_csv(source)
        found = columns if found is None else found.beside(columns)
        told.append(note)
    return found, told


def _proxies(data_dir: Path | None) -> tuple["Columns", dict[str, Any]]:
    from ..encodings import Columns
    from ..tables import load_proxy_columns

    names, scores = load_proxy_columns(data_dir=data_dir)
    return Columns.of(names, scores), {"table": "zero-cost-proxies"}


def _clean(targets: Sequence[str], data_dir: Path | None) -> tuple["Columns", dict[str, Any]]:
    from ..encodings import Columns
    from ..tables import load_table

    homes = {(t.benchmark, t.images) for t in map(Target.parse, targets)}
    if len(homes) != 1:
        got = ", ".join(sorted("/".join(home) for home in homes)) or "--data"
        msg = f"--columns {CLEAN}: expected targets of one benchmark and image set, got {got}"
        raise InvalidInputError(msg)
    benchmark, images = homes.pop()
    key = f"{benchmark}/{images}/{CLEAN}"
    table = load_table(benchmark, data_dir=data_dir)
    if key in targets or key not in table.targets:
        got = f"the target {key} itself" if key in targets else f"{benchmark} without it"
        msg = f"--columns {CLEAN}: expected a clean accuracy beside the targets, got {got}"
        raise InvalidInputError(msg)
    columns = Columns.of([key], table.values(key), table.architectures)
    return columns, {"table": benchmark, "column": key}


def _from_csv(source: str) -> tuple["Columns", dict[str, Any]]:
    from ..encodings import Columns
    from ..tables import parse_value_columns

    if source != "-" and not exists(source):
        got = f"{shown(source)}: no such file"
        msg = f"--columns: expected {PROXIES}, {CLEAN} or a CSV file, got {got}"
        raise InvalidInputError(msg)
    content, name = read_source(source)
    cells, numbers, names = parse_value_columns(content, name=name, may_be_empty=True)
    try:
        columns = Columns.of(names, numbers, cells)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from None
    return columns, describe_source(source, content)
