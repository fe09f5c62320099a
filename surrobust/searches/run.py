"""The loop: ask, measure, tell, report."""

from collections.abc import Callable, Sequence

from ..errors import InvalidInputError
from ..spaces import Architecture
from .base import AbstractSearch, Evaluation, check_value


def run(
    search: AbstractSearch,
    measure: Callable[[Architecture], float],
    *,
    budget: int,
    source: str,
    maximise: bool = True,
    recorded: Sequence[Evaluation] = (),
    report: Callable[[Evaluation], None] | None = None,
) -> tuple[Evaluation, ...]:
    """Spend a budget of evaluations, or as many as there are architectures.

    Args:
        search: The strategy, fresh.
        measure: Architecture to value; what it raises is not caught.
        budget: Evaluations, recorded ones included.
        source: Where the values are from; written into each evaluation.
        maximise: Whether higher values are better; the search is told negated values otherwise.
        recorded: What an earlier run with the same strategy and seed measured. The strategy is
            asked again and told these values, so that it goes on as if never interrupted.
        report: Called with each new evaluation before the next one begins.

    Returns:
        All evaluations in the order of their trials, with values as measured.

    Raises:
        InvalidInputError: If ``recorded`` is not what this strategy would have asked for, or a
            measured value is not a finite number.
    """
    sign = 1.0 if maximise else -1.0
    done: list[Evaluation] = []
    while len(done) < budget:
        asked = search.ask()
        if not asked:
            break
        cell, trial = asked[0], len(done)
        if trial < len(recorded):
            evaluation = _check_same(recorded[trial], cell)
        else:
            evaluation = Evaluation(cell, check_value(measure(cell)), trial, source)
        search.tell(cell, sign * evaluation.value)
        done.append(evaluation)
        if report is not None and trial >= len(recorded):
            report(evaluation)
    return tuple(done)


def _check_same(recorded: Evaluation, asked: Architecture) -> Evaluation:
    if recorded.architecture != asked:
        msg = (
            f"evaluations: expected {asked.code} as trial {recorded.trial}, which this strategy "
            f"and seed ask for, got {recorded.architecture.code}"
        )
        raise InvalidInputError(msg)
    return recorded
