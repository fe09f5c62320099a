"""What is measured of a trained network, by the names that records use."""

import math
from collections.abc import Iterable

from .._checks import brief
from ..attacks import ATTACKS, AbstractAttack
from ..errors import InvalidInputError
from ..measuring import PRESETS

CLEAN, CORRUPTED = "clean", "corruptions"
"""Metrics without an attack."""


def parse_metrics(names: Iterable[str]) -> dict[str, AbstractAttack | None]:
    """Return the attacks by the names of metrics; ``clean`` comes first and is always there.

    Args:
        names: ``clean``; ``corruptions``, the mean over fifteen in five severities;
            ``<attack>-<epsilon in 1/255>``, Linf; an attack alone, which means -8; or a name of
            ``PRESETS``, which stands for several.

    Raises:
        InvalidInputError: If one of them is none of these.
    """
    found: dict[str, AbstractAttack | None] = {CLEAN: None}
    for given in (name for one in names for name in PRESETS.get(one, (one,))):
        if given in (CLEAN, CORRUPTED):
            found[given] = None
            continue
        attack, number = (given, "8") if given in ATTACKS else _split(given)
        if attack not in ATTACKS or number is None:
            msg = (
                f"attack: expected clean, corruptions, one of {', '.join(PRESETS)}, or one of "
                f"{', '.join(ATTACKS)} with an epsilon in 1/255 as in pgd-8, got {brief(given)}"
            )
            raise InvalidInputError(msg)
        found[f"{attack}-{number}"] = ATTACKS[attack](epsilon=float(number) / 255)
    return found


def _split(name: str) -> tuple[str, str | None]:
    attack, _, number = name.rpartition("-")
    try:
        value = float(number)
    except ValueError:
        return name, None
    return attack, number if math.isfinite(value) and value >= 0 else None
