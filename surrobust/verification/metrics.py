"""What is measured of a trained network, by the names that records use."""

import math
from collections.abc import Iterable, Iterator

from .._checks import brief, check_choice
from ..attacks import ATTACKS, AbstractAttack
from ..errors import InvalidInputError
from ..measuring import PRESETS, make_attack
from ..measuring.presets import ROBBENCH

CLEAN, CORRUPTED = "clean", "corruptions"
"""Metrics without an attack."""


def parse_metrics(
    names: Iterable[str], evaluation: str = ROBBENCH
) -> dict[str, AbstractAttack | None]:
    """Return the attacks by the names of metrics; ``clean`` comes first and is always there.

    Args:
        names: ``clean``; ``corruptions``, the mean over fifteen in five severities;
            ``<attack>-<epsilon in 1/255>``, Linf; an attack alone, which means -8; or a name of
            ``PRESETS``, which stands for several, attacked as there.
        evaluation: A name of ``PRESETS``: whose attacks the other names mean.

    Raises:
        InvalidInputError: If one of them is none of these, or a name is to mean two attacks.
    """
    check_choice("evaluation", evaluation, PRESETS)
    found: dict[str, AbstractAttack | None] = {CLEAN: None}
    meant: dict[str, str] = {}
    for given, whose in _spell_out(names, evaluation):
        if given in (CLEAN, CORRUPTED):
            found[given] = None
            continue
        name, number = (given, "8") if given in ATTACKS else _split(given)
        if name not in ATTACKS or number is None:
            msg = (
                f"attack: expected clean, corruptions, one of {', '.join(PRESETS)}, or one of "
                f"{', '.join(ATTACKS)} with an epsilon in 1/255 as in pgd-8, got {brief(given)}"
            )
            raise InvalidInputError(msg)
        metric, attack = f"{name}-{number}", make_attack(name, float(number) / 255, whose)
        before = found.setdefault(metric, attack)
        if before is not None and before.describe() != attack.describe():
            msg = f"attack: expected one meaning of {metric}, got those of {meant[metric]}, {whose}"
            raise InvalidInputError(msg)
        meant.setdefault(metric, whose)
    return found


def _spell_out(names: Iterable[str], evaluation: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each metric, and of the evaluation in which it is meant."""
    for name in names:
        whose = name if name in PRESETS else evaluation
        yield from ((metric, whose) for metric in PRESETS.get(name, (name,)))


def _split(name: str) -> tuple[str, str | None]:
    attack, _, number = name.rpartition("-")
    try:
        value = float(number)
    except ValueError:
        return name, None
    return attack, number if math.isfinite(value) and value >= 0 else None
