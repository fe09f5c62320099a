"""Attacks: what an adversary does to images, within a ball around them.

An attack is made with its threat model and called with a network that returns logits, images in
[0, 1] and labels. The base projects what a variant returns into the ball and into the range of a
pixel, and checks it: a variant's own claim is not trusted. A variant is one class, one line here
and one test.
"""

from .apgd_ce import APGDCE
from .authors import APGDT, FABT, AutoAttack, Square
from .base import AbstractAttack
from .pgd import FGSM, PGD

ATTACKS: dict[str, type[AbstractAttack]] = {
    attack.name: attack for attack in (FGSM, PGD, APGDCE, APGDT, FABT, Square, AutoAttack)
}
"""Every attack by name."""

__all__ = [
    "APGDCE",
    "APGDT",
    "ATTACKS",
    "FABT",
    "FGSM",
    "PGD",
    "AbstractAttack",
    "AutoAttack",
    "Square",
]
