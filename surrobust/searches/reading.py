"""Reading ``search.json``: nothing in it is believed."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .._checks import brief, check_integer
from .._files import read_json
from .._places import is_folder
from .._seals import unseal
from ..errors import InvalidInputError, SurrobustError
from ..spaces import Architecture
from ..targets import COUNTS, Target, parse_quantity
from ..typing import AnyPath
from .base import Evaluation, check_value
from .goals import Bound, Goals, check_directions, directions_of
from .result import N_FINALISTS, SEARCH_FILE, SearchResult, finalist_row

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


def read_result(path: AnyPath) -> SearchResult:
    """Read ``search.json``, given as the file or its folder; the inverse of ``write``.

    Raises:
        InvalidInputError: If the file is missing, damaged, or not the record of a search.
    """
    path = Path(path) / SEARCH_FILE if is_folder(path) else Path(path)
    document = unseal(read_json(path), str(path))
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
        # To Python True is an integer.
        if name not in document or not isinstance(value, kind) or isinstance(value, bool):
            got = brief(value) if name in document else "none"
            msg = f"{name}: expected {_words(kind)}, got {got}"
            raise InvalidInputError(msg)
    plan = SearchResult(
        target=None if document["target"] is None else str(Target.parse(document["target"])),
        objective=document["objective"],
        strategy=document["strategy"],
        budget=document["budget"],
        seed=document["seed"],
        version=document["version"],
        evaluations=(),
        warm_start=check_integer("warm_start", document.get("warm_start", 0), minimum=0),
        prior=_parse_prior(document.get("prior", "none")),
        ranked=() if document["budget"] else tuple(map(_parse_ranked, document["finalists"])),
        **_parse_goals(document),
    )
    rows = [_parse_row(row, i, plan.goals) for i, row in enumerate(document["evaluations"])]
    result = replace(plan, evaluations=tuple(rows))
    # They follow from the evaluations: other ones are of a file that somebody has changed.
    if [finalist_row(e) for e in result.finalists] != document["finalists"]:
        msg = f"finalists: expected {_best(result)}, got other ones"
        raise InvalidInputError(msg)
    return result


def _parse_prior(given: Any) -> str:
    if not isinstance(given, str) or not given:
        msg = f"prior: expected text, got {brief(given)}"
        raise InvalidInputError(msg)
    return given


def _best(result: SearchResult) -> str:
    return "the front" if len(result.directions) > 1 else f"the {N_FINALISTS} best evaluations"


def _parse_goals(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return targets, directions and bounds, which only some searches have."""
    targets, bounds = document.get("targets", []), document.get("bounds", [])
    for name, given in (("targets", targets), ("bounds", bounds)):
        if not isinstance(given, list):
            msg = f"{name}: expected a list, got {brief(given)}"
            raise InvalidInputError(msg)
    if (targets and targets[0] != document["target"]) or len(targets) == 1:
        msg = f"targets: expected a list that begins with the target, got {brief(targets)}"
        raise InvalidInputError(msg)
    beside = Target.parse(targets[0]) if targets else None
    keys = tuple(parse_quantity("targets", name, beside=beside) for name in targets if beside)
    directions = check_directions(document["directions"]) if "directions" in document else ()
    expected = directions_of(keys) if document["target"] else directions
    if directions != expected:
        msg = f"directions: expected those of several objectives, got {brief(directions)}"
        raise InvalidInputError(msg)
    return {"targets": keys, "directions": directions, "bounds": tuple(map(_parse_bound, bounds))}


def _parse_bound(given: Any) -> Bound:
    kinds = [kind for kind in ("max", "min") if isinstance(given, Mapping) and kind in given]
    if len(kinds) != 1 or set(given) != {"quantity", *kinds}:
        msg = f"bounds: expected a quantity and its max or min, got {brief(given)}"
        raise InvalidInputError(msg)
    limit = check_value(given[kinds[0]])
    quantity = given["quantity"]
    if quantity not in COUNTS:
        quantity = str(Target.parse(quantity))
    return Bound(quantity, limit, kinds[0] == "max")


def _words(kind: type | tuple[type, ...]) -> str:
    names = {str: "text", int: "an integer", list: "a list", type(None): "null"}
    return " or ".join(names[k] for k in (kind if isinstance(kind, tuple) else (kind,)))


def _parse_row(row: Any, trial: int, goals: Goals) -> Evaluation:
    where = f"evaluations[{trial}]"
    if not isinstance(row, Mapping) or not {"architecture", "value", "trial", "source"} <= set(row):
        msg = f"{where}: expected architecture, index, value, trial and source, got {brief(row)}"
        raise InvalidInputError(msg)
    if row["trial"] != trial or not isinstance(row["source"], str):
        msg = f"{where}: expected trial {trial} and a source as text, got {brief(row)}"
        raise InvalidInputError(msg)
    try:
        cell = Architecture.parse({k: row[k] for k in ("architecture", "index") if k in row})
        if row["value"] is None or "failed" in row:
            return _parse_failed(row, cell, trial)
        given = row["value"]
        if len(goals.maximised) > 1 or goals.bounds:
            given = [*row.get("values", [given]), *row.get("bounded", [])]
        evaluation = goals.read(given, cell, trial, row["source"])
        if evaluation.value != row["value"]:
            msg = f"value: expected the first of values, got {brief(row['value'])}"
            raise InvalidInputError(msg)
    except (SurrobustError, TypeError) as error:
        msg = f"{where}: {error}"
        raise InvalidInputError(msg) from None
    return evaluation


def _parse_failed(row: Mapping[str, Any], cell: Architecture, trial: int) -> Evaluation:
    error = row.get("error")
    is_failed = row["value"] is None and row.get("failed") is True
    if not is_failed or not isinstance(error, str) or not error:
        msg = f"value: expected a number, or null with failed true and an error, got {brief(row)}"
        raise InvalidInputError(msg)
    return Evaluation(cell, math.nan, trial, row["source"], error=error)


def _parse_ranked(row: Any) -> Architecture:
    if not isinstance(row, Mapping) or "architecture" not in row:
        msg = f"finalists: expected architecture, index and value, got {brief(row)}"
        raise InvalidInputError(msg)
    return Architecture.parse({k: row[k] for k in ("architecture", "index") if k in row})
