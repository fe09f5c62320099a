"""The loop: ask, measure, tell, report."""

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import InvalidInputError
from ..spaces import Architecture
from .base import AbstractSearch, Evaluation
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
) -> tuple[Evaluation, ...]:
    """Spend a budget of evaluations, or as many as there are architectures.

    Args:
        search: The strategy, fresh.
        measure: Architecture to value; what it raises is not caught. With ``batch``, a list of
            architectures to as many values.
        budget: Evaluations, recorded ones included.
        source: Where the values are from; written into each evaluation.
        goals: What the values are for; None is one value to be maximised. Of several objectives a
            measurement is their values, then the quantities that have bounds.
        recorded: What an earlier run with the same strategy and seed measured. The strategy is
            asked again and told these values, so that it goes on as if never interrupted.
        report: Called with each new evaluation before the next one begins, or the next batch.
        batch: Architectures asked for before the values of any of them are told.

    Returns:
        All evaluations in the order of their trials, with values as measured.

    Raises:
        InvalidInputError: If ``recorded`` is not what this strategy would have asked for, or a
            measured value is not a finite number.
    """
    goals = Goals() if goals is None else goals
    done: list[Evaluation] = []
    while len(done) < budget:
        # Of the last batch the budget may leave a part: it is asked for whole all the same, so
        # that a search whose budget is raised later asks for the rest.
        cells = search.ask(batch or 1)[: budget - len(done)]
        if not cells:
            break
        known = [_check_same(r, c) for r, c in zip(recorded[len(done) :], cells, strict=False)]
        new = cells[len(known) :]
        values = [measure(cell) for cell in new] if batch is None else _measured(measure, new)
        first = len(done) + len(known)
        made = [
            goals.read(value, cell, trial, source)
            for trial, (cell, value) in enumerate(zip(new, values, strict=True), start=first)
        ]
        for evaluation in known + made:
            goals.tell(search, evaluation)
            done.append(evaluation)
        if report is not None:
            for evaluation in made:
                report(evaluation)
    return tuple(done)


def _measured(measure: Callable[..., Any], cells: list[Architecture]) -> list[Any]:
    """Return the values of a batch, none if nothing is left to measure in it."""
    values = list(measure(list(cells))) if cells else []
    if len(values) != len(cells):
        msg = f"objective: expected a value for each of {len(cells)} cells, got {len(values)}"
        raise InvalidInputError(msg)
    return values


def _check_same(recorded: Evaluation, asked: Architecture) -> Evaluation:
    if recorded.architecture != asked:
        msg = (
            f"evaluations: expected {asked.code} as trial {recorded.trial}, which this strategy "
            f"and seed ask for, got {recorded.architecture.code}"
        )
        raise InvalidInputError(msg)
    return recorded
