"""The outcome of a search and its file, ``search.json``."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._checks import brief, check_integer
from .._files import read_json, write_text
from .._version import __version__
from ..errors import InvalidInputError, SurrobustError
from ..spaces import Architecture
from ..targets import Target
from ..typing import AnyPath
from .base import Evaluation, check_value

if TYPE_CHECKING:
    import pandas as pd

FILE_NAME = "search.json"
"""The file's name inside the folder of a search."""

N_FINALISTS = 5

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "target": (str, type(None)),
    "objective": str,
    "strategy": str,
    "budget": int,
    "seed": int,
    "version": str,
    "evaluations": list,
    "finalists": list,
}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search measured, and with what it was run.

    Args:
        target: Target key; None where a callable of the user's was searched.
        objective: Where the values are from: ``table``, ``surrogate`` or ``callable``.
        strategy: Name in ``SEARCHES``.
        budget: Evaluations allowed.
        seed: Seed of the strategy.
        evaluations: In the order of their trials.
        version: Of the package that ran the search.
        warm_start: How many evaluations come from the top of the zero-cost ranking first.
        ranked: Where the budget is 0, the best by what was known beforehand.
    """

    target: str | None
    objective: str
    strategy: str
    budget: int
    seed: int
    evaluations: tuple[Evaluation, ...]
    version: str = __version__
    warm_start: int = 0
    ranked: tuple[Architecture, ...] = ()

    @property
    def higher_is_better(self) -> bool:
        """Whether the search maximised its values."""
        return self.target is None or Target.parse(self.target).higher_is_better

    @property
    def finalists(self) -> tuple[Evaluation, ...]:
        """The five best evaluations, best first; of equals, the earlier first.

        Where nothing was to be evaluated they are the best ranked, with the value NaN.
        """
        if not self.evaluations:
            ranked = enumerate(self.ranked[:N_FINALISTS])
            return tuple(Evaluation(cell, math.nan, rank, "ranking") for rank, cell in ranked)
        sign = -1.0 if self.higher_is_better else 1.0
        return tuple(sorted(self.evaluations, key=lambda e: sign * e.value)[:N_FINALISTS])

    def to_frame(self) -> "pd.DataFrame":
        """Return the evaluations as a table, one row per trial."""
        import pandas as pd

        columns = ["architecture", "index", "value", "trial", "source"]
        return pd.DataFrame([_row(e) for e in self.evaluations], columns=columns)

    def to_document(self) -> dict[str, Any]:
        """Return the content of ``search.json`` as dictionaries and lists."""
        return {
            "target": self.target,
            "objective": self.objective,
            "strategy": self.strategy,
            "budget": self.budget,
            "seed": self.seed,
            **({"warm_start": self.warm_start} if self.warm_start else {}),
            "version": self.version,
            "evaluations": [_row(e) for e in self.evaluations],
            "finalists": [_finalist(e) for e in self.finalists],
        }

    def to_json(self) -> str:
        """Return the content of ``search.json`` as text."""
        return json.dumps(self.to_document(), indent=1, allow_nan=False) + "\n"

    def write(self, folder: AnyPath) -> Path:
        """Write ``search.json`` into a folder, atomically, and return its path."""
        path = Path(folder) / FILE_NAME
        write_text(path, self.to_json())
        return path


def read_result(path: AnyPath) -> SearchResult:
    """Read ``search.json``, given as the file or its folder; the inverse of ``write``.

    Raises:
        InvalidInputError: If the file is missing, damaged, or not the record of a search.
    """
    path = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
    document = read_json(path)
    try:
        return _parse(document)
    except SurrobustError as error:
        msg = f"{path}: {error}"
        raise InvalidInputError(msg) from None


def _parse(document: Any) -> SearchResult:
    if not isinstance(document, dict):
        msg = f"search: expected an object, got {brief(document)}"
        raise InvalidInputError(msg)
    for name, kind in _FIELDS.items():
        value = document.get(name)
        if name not in document or not isinstance(value, kind) or isinstance(value, bool):
            got = brief(value) if name in document else "none"
            msg = f"{name}: expected {_words(kind)}, got {got}"
            raise InvalidInputError(msg)
    warm_start = check_integer("warm_start", document.get("warm_start", 0), minimum=0)
    result = SearchResult(
        target=None if document["target"] is None else str(Target.parse(document["target"])),
        objective=document["objective"],
        strategy=document["strategy"],
        budget=document["budget"],
        seed=document["seed"],
        version=document["version"],
        evaluations=tuple(_parse_row(row, i) for i, row in enumerate(document["evaluations"])),
        warm_start=warm_start,
        ranked=() if document["budget"] else tuple(map(_parse_ranked, document["finalists"])),
    )
    if [_finalist(e) for e in result.finalists] != document["finalists"]:
        msg = f"finalists: expected the {N_FINALISTS} best evaluations, got other ones"
        raise InvalidInputError(msg)
    return result


def _words(kind: type | tuple[type, ...]) -> str:
    names = {str: "text", int: "an integer", list: "a list", type(None): "null"}
    return " or ".join(names[k] for k in (kind if isinstance(kind, tuple) else (kind,)))


def _parse_row(row: Any, trial: int) -> Evaluation:
    where = f"evaluations[{trial}]"
    if not isinstance(row, Mapping) or not {"architecture", "value", "trial", "source"} <= set(row):
        msg = f"{where}: expected architecture, index, value, trial and source, got {brief(row)}"
        raise InvalidInputError(msg)
    if row["trial"] != trial or not isinstance(row["source"], str):
        msg = f"{where}: expected trial {trial} and a source as text, got {brief(row)}"
        raise InvalidInputError(msg)
    try:
        cell = Architecture.parse({k: row[k] for k in ("architecture", "index") if k in row})
        value = check_value(row["value"])
    except SurrobustError as error:
        msg = f"{where}: {error}"
        raise InvalidInputError(msg) from None
    return Evaluation(cell, value, trial, row["source"])


def _parse_ranked(row: Any) -> Architecture:
    if not isinstance(row, Mapping) or "architecture" not in row:
        msg = f"finalists: expected architecture, index and value, got {brief(row)}"
        raise InvalidInputError(msg)
    return Architecture.parse({k: row[k] for k in ("architecture", "index") if k in row})


def _row(evaluation: Evaluation) -> dict[str, Any]:
    return {
        **_finalist(evaluation),
        "trial": evaluation.trial,
        "source": evaluation.source,
    }


def _finalist(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "architecture": evaluation.architecture.genotype,
        "index": evaluation.architecture.index,
        "value": None if math.isnan(evaluation.value) else evaluation.value,
    }
