"""Attack ``fab-t``."""

from .authors import AbstractAuthorsAttack


class FABT(AbstractAuthorsAttack):
    """The smallest perturbation found by projections on linearised boundaries, per target.

    Croce & Hein, "Minimally distorted adversarial examples with a fast adaptive boundary attack"
    (ICML 2020, arXiv 1907.02044), towards each of the nine classes with the highest logits, 100
    steps each. What is found farther away than epsilon does not count.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: See :class:`AbstractAttack`.
    """

    name = "fab-t"
    members = ("fab-t",)
