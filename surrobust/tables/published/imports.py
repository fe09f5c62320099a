"""The benchmarks' official files: read, and kept as one table file with its provenance."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..._checks import brief, check_choice
from ..._files import read_json, sha256, write_text
from ..._places import cache_dir, data_dirs, expand, is_file, is_folder
from ..._sources import sources_of
from ..._version import __version__
from ...errors import ChecksumError, InvalidInputError
from ...spaces import representative_indices
from ...targets import targets_of
from ...typing import AnyPath, FloatArray
from ..table import MeasurementTable
from . import jung2023, nasrobbench201
from .formats import layout_error

FORMAT = "surrobust-table-1"
_READABLE = (nasrobbench201.NAME, jung2023.NAME)


def read_official(
    path: AnyPath, *, benchmark: str | None = None, run: str = nasrobbench201.MEAN
) -> MeasurementTable:
    """Read a benchmark's official files as the authors distribute them.

    Args:
        path: The folder, or the file ``NAS-RobBench-201_all.json`` in it: for NAS-RobBench-201
            that file and ``meta.json``; for Jung et al. ``meta.json`` and
            ``<images>/<key>_accuracy.json``.
        benchmark: Which one it is; None tells by the files.
        run: Of NAS-RobBench-201: ``threeseed``, the mean of the three runs, or one run (``1`` is
            what the authors' helper returns).

    Returns:
        The table; ``checksums`` has the sha256 of every file read.

    Raises:
        InvalidInputError: If a file is missing or laid out otherwise.
    """
    folder = _folder(path)
    name = _benchmark_in(folder, benchmark)
    if name == nasrobbench201.NAME:
        values, paths = nasrobbench201.read_official(folder, run=run)
    else:
        values, paths = jung2023.read_official(folder)
    sums = {file.relative_to(folder).as_posix(): sha256(file) for file in paths}
    return MeasurementTable(name, values, citation=_citation(name), checksums=sums)


def import_official(
    path: AnyPath, *, data_dir: AnyPath | None = None, benchmark: str | None = None
) -> Path:
    """Read a benchmark's official files and keep the table in the data folder.

    Of NAS-RobBench-201 the mean of the three runs is kept. The file is written atomically; it is
    used by :func:`~surrobust.tables.load_table` where the published copies are not there.

    Args:
        path: See :func:`read_official`.
        data_dir: Where ``imported/<benchmark>.json`` is written; None is the per-user cache.
        benchmark: Which one it is; None tells by the files.

    Returns:
        The file that was written.

    Raises:
        InvalidInputError: If an official file is missing or laid out otherwise.
    """
    table = read_official(path, benchmark=benchmark)
    values = np.column_stack([table.values(target) for target in table.targets])
    document = {
        "format": FORMAT,
        "benchmark": table.name,
        "targets": list(table.targets),
        "sources": dict(table.checksums),
        "version": __version__,
        "sha256": _digest(values),
        "indices": list(representative_indices()),
        "values": values.tolist(),
    }
    folder = cache_dir() if data_dir is None else expand(data_dir)
    written = _imported_path(folder, table.name)
    write_text(written, json.dumps(document, allow_nan=False) + "\n")
    return written


def find_imported(name: str, data_dir: AnyPath | None = None) -> Path | None:
    """Return the first imported table of a benchmark in the data folders, None if there is none."""
    paths = (_imported_path(folder, name) for folder in data_dirs(data_dir))
    return next((path for path in paths if path.is_file()), None)


def read_imported(path: Path, *, name: str) -> MeasurementTable:
    """Read what :func:`import_official` wrote.

    Raises:
        InvalidInputError: If it is laid out otherwise.
        ChecksumError: If its values were changed after it was written.
    """
    document = read_json(path)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise layout_error(str(path), f"a table of format {FORMAT}", "something else")
    expected = {
        "benchmark": name,
        "targets": list(targets_of(name)),
        "indices": list(representative_indices()),
    }
    for key, value in expected.items():
        if document.get(key) != value:
            raise layout_error(f"{path}: {key}", brief(value), brief(document.get(key)))
    values = _values(document.get("values"), str(path))
    if _digest(values) != document.get("sha256"):
        msg = (
            f"{path}: expected values of sha256 {brief(document.get('sha256'), 80)}, got "
            f"{_digest(values)}: delete it and run surrobust data import"
        )
        raise ChecksumError(msg)
    sums = document.get("sources")
    if not isinstance(sums, dict) or not all(isinstance(value, str) for value in sums.values()):
        raise layout_error(f"{path}: sources", "an object from file to sha256", brief(sums))
    return MeasurementTable(name, values, citation=_citation(name), checksums=sums)


def _imported_path(folder: Path, name: str) -> Path:
    return folder / "imported" / f"{name}.json"


def _values(rows: Any, name: str) -> FloatArray:
    try:
        values = np.array(rows)
    except ValueError:
        values = np.array(None)
    # Before the cast, which makes numbers of text and of bools.
    if values.dtype.kind not in "fi" or values.ndim != 2:
        expected = "rows of numbers, all of the same length"
        raise layout_error(f"{name}: values", expected, brief(rows))
    return values.astype(np.float64)


def _digest(values: FloatArray) -> str:
    # Little-endian on every machine, so that a table may be carried to another.
    return hashlib.sha256(np.ascontiguousarray(values, dtype="<f8").tobytes()).hexdigest()


def _citation(name: str) -> str:
    return "; ".join(dict.fromkeys(source.citation for source in sources_of(name)))


def _folder(path: AnyPath) -> Path:
    given = expand(path)
    if is_file(given) and given.name in (nasrobbench201.OFFICIAL_FILE, nasrobbench201.META_FILE):
        return given.parent
    if not is_folder(given):
        msg = f"path: expected a folder with a benchmark's official files, got {brief(str(path))}"
        raise InvalidInputError(msg)
    return given


def _benchmark_in(folder: Path, benchmark: str | None) -> str:
    if benchmark is not None:
        return check_choice("benchmark", benchmark, _READABLE)
    found = []
    if (folder / nasrobbench201.OFFICIAL_FILE).is_file():
        found.append(nasrobbench201.NAME)
    if (folder / jung2023.CLEAN_FILE).is_file():
        found.append(jung2023.NAME)
    if len(found) == 1:
        return found[0]
    told = "both: say which benchmark" if found else "neither"
    expected = f"a folder with {nasrobbench201.OFFICIAL_FILE} or {jung2023.CLEAN_FILE}"
    msg = f"path: expected {expected}, got {told} in {folder}"
    raise InvalidInputError(msg)
