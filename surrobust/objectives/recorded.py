"""What a search has recorded, beside what its objective says."""

from collections.abc import Sequence
from math import isclose

from .._version import __version__
from ..errors import InvalidInputError
from ..searches import Evaluation
from .sources import Objective


def check_recorded(
    evaluations: Sequence[Evaluation], objective: Objective, *, version: str = __version__
) -> None:
    """Compare recorded values with those that the objective has, where it can tell.

    Args:
        evaluations: What was recorded.
        objective: Where the values are from.
        version: Of the package that recorded them.

    Raises:
        InvalidInputError: If one differs; the message names it.
    """
    done = [e for e in evaluations if not e.failed]
    for column, recall in enumerate(objective.recalls):
        if recall is None or not done:
            continue
        known = recall.look_up([e.architecture for e in done])
        for evaluation, values in zip(done, known, strict=True):
            numbers = (*(evaluation.values or (evaluation.value,)), *evaluation.bounded)
            got = numbers[column]
            if values and not any(isclose(got, v, rel_tol=recall.tolerance) for v in values):
                by = "" if version == __version__ else f", recorded by version {version}"
                msg = (
                    f"evaluations: expected {' or '.join(map(repr, values))} for "
                    f"{evaluation.architecture.code} (trial {evaluation.trial}) as the source "
                    f"({objective.name}) says, got {got!r}{by}"
                )
                raise InvalidInputError(msg)
