"""What a search is to do: options given now, options of the search that is continued, defaults."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from .._checks import check_choice, check_integer, check_same
from ..errors import InvalidInputError
from ..searches import SEARCHES, SearchResult, read_result
from ..searches.result import SEARCH_FILE
from ..targets import DEFAULT_TARGET
from ..typing import AnyPath

DEFAULTS = SearchResult(DEFAULT_TARGET, "auto", "default", 50, 0, (), prior="auto")
"""The search of a user who gives no options."""

_RESUMED = "the search to be resumed"
_OPTIONS = (
    "target",
    "targets",
    "directions",
    "bounds",
    "objective",
    "strategy",
    "seed",
    "warm_start",
    "prior",
)


def plan_search(
    defaults: SearchResult, recorded: SearchResult | None, **given: Any
) -> SearchResult:
    """Return a search with no evaluations yet.

    Args:
        defaults: What holds where nothing is given or recorded.
        recorded: The search to be continued; its options hold where none are given.
        **given: ``target``, ``targets``, ``directions``, ``bounds``, ``objective``, ``strategy``,
            ``budget``, ``seed``, ``warm_start`` and ``prior``; None where not given.

    Raises:
        InvalidInputError: If a value is not as expected, or contradicts the recorded one. The
            budget may be raised.
    """
    options = {name: value for name, value in given.items() if value is not None}
    base = defaults
    if recorded is not None:
        base = replace(recorded, evaluations=(), version=defaults.version)
        for name in ("objective", "prior"):
            if options.get(name) == "auto":
                del options[name]
        _check_same(recorded, options)
    plan = replace(base, **options)
    check_choice("strategy", plan.strategy, SEARCHES)
    seed = check_integer("seed", plan.seed, minimum=0)
    # What is ranked beforehand needs no evaluation.
    least = 0 if plan.strategy == "zero_cost" else 1
    plan = replace(plan, seed=seed, budget=check_integer("budget", plan.budget, minimum=least))
    if recorded is not None and len(recorded.evaluations) > plan.budget:
        msg = (
            f"budget: expected at least the {len(recorded.evaluations)} evaluations of the search "
            f"to be resumed, got {plan.budget}"
        )
        raise InvalidInputError(msg)
    return plan


def _check_same(recorded: SearchResult, options: dict[str, Any]) -> None:
    for name in _OPTIONS:
        if options.get(name) is not None:
            check_same(name, options[name], getattr(recorded, name), as_in=_RESUMED)


def check_same_search(recorded: SearchResult, plan: SearchResult) -> None:
    """Check that two are states of one search; budgets may differ.

    Raises:
        InvalidInputError: If not.
    """
    for name in _OPTIONS:
        check_same(name, getattr(plan, name), getattr(recorded, name), as_in=_RESUMED)


def read_recorded(out: AnyPath | None) -> SearchResult | None:
    """Return the search that a folder holds; None if it holds none, or there is no folder.

    Raises:
        InvalidInputError: If the file is damaged.
    """
    if out is None:
        return None
    path = Path(out) / SEARCH_FILE
    return read_result(path) if path.exists() else None


def check_free(out: AnyPath | None) -> None:
    """Check that no search would be written over.

    Raises:
        InvalidInputError: If the folder holds one.
    """
    if out is not None and (Path(out) / SEARCH_FILE).exists():
        msg = (
            "out: expected a folder without a search, or --resume (resume=True) to continue it, "
            f"got {Path(out) / SEARCH_FILE}"
        )
        raise InvalidInputError(msg)
