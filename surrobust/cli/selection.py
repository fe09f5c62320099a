"""Which predictors answer: the one that was named, or the shipped ones that know the targets."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from .._checks import brief
from ..errors import InvalidInputError

if TYPE_CHECKING:
    from ..predictors import AbstractPredictor

MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Selected:
    """A predictor and what is asked of it.

    Args:
        name: What it is called in the output.
        predictor: Fitted.
        columns: Column and key of each target wanted.
    """

    name: str
    predictor: "AbstractPredictor"
    columns: tuple[tuple[int, str], ...]


def select(name: str | None, targets: Iterable[str]) -> list[Selected]:
    """Return the predictors that know the targets.

    Args:
        name: A shipped predictor or a folder; None takes the shipped ones, the default first.
        targets: Keys; none asks for all that the predictor, or the default one, knows.

    Raises:
        InvalidInputError: If a target is not known; the message shows the closest ones.
        InvalidModelError: If the folder is not a predictor's.
    """
    from ..shipped import list_predictors, load_predictor

    wanted = list(dict.fromkeys(targets))
    if name is not None or not wanted:
        predictor = load_predictor(name)
        return [_asked(name or list_predictors()[0], predictor, wanted or predictor.targets)]
    return _of_shipped(wanted)


def _of_shipped(wanted: list[str]) -> list[Selected]:
    """Give each target to the first shipped predictor that knows it."""
    from ..shipped import list_predictors, load_predictor, read_card

    known = {name: read_card(name)["targets"] for name in list_predictors()}
    given: dict[str, list[str]] = {}
    for target in wanted:
        homes = [name for name, targets in known.items() if target in targets]
        if not homes:
            raise unknown_target(target, [one for targets in known.values() for one in targets])
        given.setdefault(homes[0], []).append(target)
    return [_asked(name, load_predictor(name), mine) for name, mine in given.items()]


def _asked(name: str, predictor: "AbstractPredictor", wanted: Iterable[str]) -> Selected:
    for target in wanted:
        if target not in predictor.targets:
            raise unknown_target(target, predictor.targets)
    return Selected(name, predictor, tuple((predictor.targets.index(t), t) for t in wanted))


def unknown_target(target: str, known: Iterable[str]) -> InvalidInputError:
    """Return the error about a target that is none of the known ones; it names the closest."""
    names = list(dict.fromkeys(known))
    closest = get_close_matches(target, names, n=MOST_SHOWN, cutoff=0.4) or names[:MOST_SHOWN]
    more = f" or {len(names) - len(closest)} more" if len(names) > len(closest) else ""
    listed = ", ".join(closest) or "one of a predictor, and none is shipped"
    msg = f"target: expected one that is predicted, such as {listed}{more}; got {brief(target)}"
    return InvalidInputError(msg)
