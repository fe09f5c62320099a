"""How a record was attacked: what the name of a metric means in it."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .._checks import brief
from ..errors import InvalidInputError

ATTACKS_FIELD = "attacks"
"""The field of a record that says it: by metric, name, epsilon, norm and every option."""

_EARLIER: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fgsm": {},
        "pgd": {"steps": 20, "restarts": 1, "random_start": True},
        "apgd-ce": {"steps": 100, "restarts": 1},
        "apgd-t": {},
        "fab-t": {},
        "square": {"queries": 5000, "rescaled": False},
        "autoattack": {},
    }
)
"""What names meant while records did not say it; what they mean now changes nothing here."""


def attack_of(record: Mapping[str, Any], metric: str) -> dict[str, Any] | None:
    """Return the attack of a metric with every option; None where there was none.

    Args:
        record: Of any version.
        metric: Such as ``pgd-8``.
    """
    said = record.get(ATTACKS_FIELD)
    if isinstance(said, Mapping):
        return dict(said[metric]) if metric in said else None
    name, _, number = metric.rpartition("-")
    try:
        epsilon = float(number) / 255
    except ValueError:
        return None
    if name not in _EARLIER:
        return None
    options: dict[str, Any] = {"epsilon": epsilon, "norm": "Linf", "seed": 0, **_EARLIER[name]}
    if name == "pgd":
        options["step_size"] = 2.5 * epsilon / options["steps"]
    return {"name": name, **options}


def tell_attack(attack: Mapping[str, Any] | None) -> str:
    """Return an attack in a few words: its name, and the options that are numbers.

    Args:
        attack: As :func:`attack_of` returns it.
    """
    if attack is None:
        return "no attack"
    told = [
        f"{name} {value:g}"
        for name, value in attack.items()
        if name not in ("epsilon", "seed", "step_size") and _is_number(value)
    ]
    if "step_size" in attack and attack.get("epsilon"):
        told.append(f"step_size epsilon x {attack['step_size'] / attack['epsilon']:.3g}")
    return f"{attack.get('name')} ({', '.join(told)})" if told else str(attack.get("name"))


def check_attacks(record: Mapping[str, Any], where: str) -> None:
    """Check what a record says of its attacks; those of earlier versions say nothing.

    Raises:
        InvalidInputError: If it is not an attack by metric.
    """
    said = record.get(ATTACKS_FIELD)
    if said is None:
        return
    if not isinstance(said, Mapping) or not all(map(_is_attack, said.values())):
        wanted = "expected name, epsilon and options by metric"
        msg = f"{where}: {ATTACKS_FIELD}: {wanted}, got {brief(said)}"
        raise InvalidInputError(msg)


def _is_attack(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        return False
    return all(_is_number(value.get(name, 0.0)) for name in ("epsilon", "step_size"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
