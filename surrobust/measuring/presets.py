"""Evaluations by name: which metrics belong to one, and which attacks their names mean."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..attacks import ATTACKS, PGD, AbstractAttack

ROBBENCH, JUNG2023 = "robbench", "jung2023"

EVALUATION_PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ROBBENCH: ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8"),
        JUNG2023: ("clean", "fgsm-1", "pgd-1", "apgd-ce-1", "square-1"),
    }
)
"""Names of metrics by the name of the evaluation.

``robbench`` is NAS-RobBench-201's own (Wu, Liu, Simon-Gabriel, Chrysos & Cevher, ICLR 2024): FGSM
and PGD-20 with steps of epsilon / 8 and a random start, Linf, at 3/255 and 8/255. The benchmark's
column ``autoattack-8`` is not in it: that was measured with torchattacks, whose suite makes ten
steps per attack, while our ``autoattack`` is the authors' own with a hundred and comes out equal or
lower.

``jung2023`` is that of Jung, Lukasik & Keuper (ICLR 2023), at the radius that all its image sets
have, 1/255: FGSM, PGD-40 with foolbox's steps of epsilon / 30 and a random start, and two members
of AutoAttack by themselves, APGD-CE with 100 steps and Square with 5000 queries. How often APGD-CE
was started is not published: once here, as in AutoAttack's version standard.
"""


def _pgd_of_jung2023(epsilon: float) -> AbstractAttack:
    """Return foolbox's PGD as it comes: 40 steps of .01 / .3 of the radius."""
    return PGD(epsilon, steps=40, step_size=epsilon / 30 or None)


_OTHERWISE: Mapping[str, Mapping[str, Callable[[float], AbstractAttack]]] = MappingProxyType(
    {JUNG2023: {PGD.name: _pgd_of_jung2023}}
)
"""Attacks of an evaluation that are not what ``ATTACKS`` makes of the radius alone."""


def make_attack(name: str, epsilon: float, evaluation: str = ROBBENCH) -> AbstractAttack:
    """Return the attack that a name means in an evaluation, Linf.

    Args:
        name: In ``ATTACKS``.
        epsilon: Radius on the [0, 1] pixel scale.
        evaluation: In :data:`EVALUATION_PRESETS`.
    """
    make = _OTHERWISE.get(evaluation, {}).get(name, ATTACKS[name])
    return make(epsilon)
