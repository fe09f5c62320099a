"""The loop: ask, measure, tell, report."""

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import InvalidInputError
from ..spaces import Architecture
from .base import AbstractSearch, Evaluation
from .failures import attempt
from .goals import Goals


def run(
    search: AbstractSearch,
    measure: Callable[..., Any],
    *,
    budget: int,
    source: str,
    goals: Goals | None = None,
    recorded: Sequence[Evaluation] = (),
    report: Callable[[Evaluation], None] | None = None,
    batch: int | None = None,
    on_failure: str = "record",
) -> tuple[Evaluation, ...]:
    """Spend a budget of evaluations, or as many as there are architectures.

    An evaluation fails where its value is None, NaN or infinite, or where measuring raises a
    ``FloatingPointError``; it is counted, and the strategy learns it as the worst so far.

    Args:
        search: The strategy, fresh.
        measure: Architecture to value; what it raises is passed on, with a note that names the
            architecture. With ``batch``, a list of architectures to as many values.
        budget: Evaluations, recorded ones included.
        source: Where the values are from; written into each evaluation.
        goals: What the values are for; None is one value to be maximised. Of several objectives a
            measurement is their values, then the quantities that have bounds.
        recorded: What an earlier run with the same strategy and seed measured. The strategy is
            asked again and told these values, so that it goes on as if never interrupted.
        report: Called with each new evaluation before the next one begins, or the next batch.
        batch: Architectures asked for before the values of any of them are told.
        on_failure: ``record``, or ``raise``, which ends the search where measuring fails.

    Returns:
        All evaluations in the order of their trials, with values as measured.

    Raises:
        InvalidInputError: If ``recorded`` is not what this strategy would have asked for, what is
            measured is no number, or, with ``raise``, there is no value.
    """
    goals = Goals() if goals is None else goals
    measure_all = measure if batch is not None else one_by_one(measure)
    done: list[Evaluation] = []
    while len(done) < budget:
        # Of the last batch the budget may leave a part: it is asked for whole all the same, so
        # that a search whose budget is raised later asks for the rest.
        cells = search.ask(batch or 1)[: budget - len(done)]
        if not cells:
            break
        # Not strict: what is recorded may end within a batch, or go on beyond it.
        known = [_check_same(r, c) for r, c in zip(recorded[len(done) :], cells, strict=False)]
        new, first = cells[len(known) :], len(done) + len(known)
        made = evaluate(measure_all, new, first, source=source, goals=goals, on_failure=on_failure)
        for evaluation in known + made:
            goals.tell(search, evaluation)
            done.append(evaluation)
        if report is not None:
            for evaluation in made:
                report(evaluation)
    return tuple(done)


def one_by_one(
    measure: Callable[[Architecture], Any],
) -> Callable[[Sequence[Architecture]], list[Any]]:
    """Return what measures several architectures by measuring each."""
    return lambda cells: [measure(cell) for cell in cells]


def evaluate(
    measure: Callable[..., Any],
    cells: Sequence[Architecture],
    first: int,
    *,
    source: str,
    goals: Goals,
    on_failure: str,
) -> list[Evaluation]:
    """Measure architectures in one call, if there are any.

    Args:
        measure: Architectures to as many values.
        cells: What is measured.
        first: Number of the first one's trial.
        source: See :func:`run`, as for the next two.
        goals: What the values are for.
        on_failure: A word of ``ON_FAILURE``.

    Raises:
        InvalidInputError: If there are not as many values, one is no number, or, with ``raise``,
            one is missing; the message names it.
    """
    values = attempt(measure, cells, first, on_failure) if cells else []
    if len(values) != len(cells):
        msg = f"objective: expected a value for each of {len(cells)} cells, got {len(values)}"
        raise InvalidInputError(msg)
    pairs = enumerate(zip(cells, values, strict=True), start=first)
    made = [goals.read(value, cell, trial, source) for trial, (cell, value) in pairs]
    for one in made:
        if one.failed and on_failure == "raise":
            msg = f"{one.error} for {one.architecture.code} (trial {one.trial})"
            raise InvalidInputError(msg)
    return made


def _check_same(recorded: Evaluation, asked: Architecture) -> Evaluation:
    if recorded.architecture != asked:
        msg = (
            f"evaluations: expected {asked.code} as trial {recorded.trial}, which this strategy "
            f"and seed ask for, got {recorded.architecture.code}"
        )
        raise InvalidInputError(msg)
    return recorded
