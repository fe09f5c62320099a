"""What a search found, in a line or as a table and a curve for notebooks."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .._html import fact_table, row_table, sparkline, titled
from .base import Evaluation

if TYPE_CHECKING:
    from .result import SearchResult

_SHOWN = 10
"""Finalists that are shown: a front may have hundreds."""


def describe_result(result: "SearchResult") -> str:
    """Return what was searched for, how far that is, and what is best, on one line."""
    of = ", ".join(result.targets) or result.target or "a callable"
    done = f"{len(result.evaluations)} of {result.budget} evaluations"
    failed = f", {len(result.failures)} failed" if result.failures else ""
    return f"SearchResult({result.strategy} on {of}: {done}{failed}; {_best(result)})"


def result_as_html(result: "SearchResult") -> str:
    """Return the search as a table, its finalists, and the values beside the best so far."""
    several = len(result.directions) > 1
    facts: dict[str, object] = {
        "target": ", ".join(result.targets) or result.target or "a callable",
        "objective": result.objective,
        "bounds": ", ".join(map(str, result.bounds)),
        "strategy": f"{result.strategy}, seed {result.seed}",
        "prior": "" if result.prior == "none" else result.prior,
        "evaluations": f"{len(result.evaluations)} of {result.budget}",
        "failed": len(result.failures) or "",
        "found": _best(result),
    }
    rows = [
        (e.architecture.index, e.architecture.genotype, *map(_number, e.values or (e.value,)))
        for e in result.finalists[:_SHOWN]
    ]
    names = (result.targets or tuple(map(str, range(len(result.directions))))) if several else ()
    header = ("index", "genotype", *(names or ("value",)))
    values = [math.nan if e.failed else e.value for e in result.evaluations]
    # Of several objectives no one value is the best so far.
    curve = "" if several else sparkline(values, list(_best_so_far(result)))
    shown = {name: value for name, value in facts.items() if value != ""}
    table = row_table(header, rows) if rows else ""
    return titled("SearchResult", fact_table(shown), curve, table)


def _best(result: "SearchResult") -> str:
    """Return what is best, or why nothing is."""
    finalists = result.finalists
    if not finalists:
        return "nothing found"
    if not result.evaluations:
        return f"cell {_cell(finalists)} is ranked first"
    if len(result.directions) > 1:
        return f"{len(finalists)} on the front"
    return f"best {_number(finalists[0].value)}, cell {_cell(finalists)}"


def _cell(finalists: Sequence[Evaluation]) -> int:
    return finalists[0].architecture.index


def _best_so_far(result: "SearchResult") -> Iterator[float]:
    """Yield after each evaluation the best value that keeps the bounds; NaN before there is one."""
    better, best = max if result.higher_is_better else min, math.nan
    keeping = {e.trial for e in result.goals.keeping(result.evaluations)}
    for evaluation in result.evaluations:
        if evaluation.trial in keeping:
            best = evaluation.value if math.isnan(best) else better(best, evaluation.value)
        yield best


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"
