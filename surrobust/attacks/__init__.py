"""Attacks: what an adversary does to images, within a ball around them.

An attack is made with its threat model and called with a network that returns logits, images in
[0, 1] and labels. The base projects what a variant returns into the ball and into the range of a
pixel, and checks it: a variant's own claim is not trusted. A variant is one file, one line here
and one test.
"""

from .base import AbstractAttack
from .fgsm import FGSM
from .pgd import PGD

ATTACKS: dict[str, type[AbstractAttack]] = {attack.name: attack for attack in (FGSM, PGD)}
"""Every attack by name."""

__all__ = ["ATTACKS", "FGSM", "PGD", "AbstractAttack"]
