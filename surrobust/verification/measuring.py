"""From a trained network to accuracies, clean and attacked, with their intervals."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .._checks import brief
from ..attacks import ATTACKS, AbstractAttack
from ..errors import InvalidInputError

CLEAN = "clean"
_QUANTILE = 1.959963984540054  # of a normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of images and its 95 % interval (Wilson, 1927)."""

    value: float
    n: int
    lower: float
    upper: float


def parse_metrics(names: Iterable[str]) -> dict[str, AbstractAttack | None]:
    """Return the attacks by the names of metrics; ``clean`` comes first and is always there.

    Args:
        names: ``clean``, ``<attack>-<epsilon in 1/255>``, or an attack alone, which means -8.

    Raises:
        InvalidInputError: If one of them is none of these.
    """
    found: dict[str, AbstractAttack | None] = {CLEAN: None}
    for given in names:
        if given == CLEAN:
            continue
        attack, number = (given, "8") if given in ATTACKS else _split(given)
        if attack not in ATTACKS or number is None:
            msg = (
                f"attack: expected clean or one of {', '.join(ATTACKS)}, with an epsilon in 1/255 "
                f"as in pgd-8, got {brief(given)}"
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


def measure(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    attack: AbstractAttack | None,
    *,
    batch_size: int = 256,
) -> Accuracy:
    """Return the share of images that are classified right, attacked or not.

    Args:
        network: In evaluation mode.
        x: Images ``(n, 3, h, w)`` uint8 on the network's device.
        y: Their classes.
        attack: None for none.
        batch_size: Images at a time.
    """
    right = torch.zeros((), device=x.device, dtype=torch.int64)
    for pixels, classes in zip(x.split(batch_size), y.split(batch_size), strict=True):
        images = pixels.float().div_(255).contiguous(memory_format=torch.channels_last)
        if attack is not None:
            images = attack(network, images, classes)
        with torch.no_grad():
            right += (network(images).argmax(1) == classes).sum()
    return _with_interval(int(right), len(x))


def _with_interval(right: int, n: int) -> Accuracy:
    share, z = right / n, _QUANTILE
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Accuracy(share, n, max(0.0, centre - half), min(1.0, centre + half))
