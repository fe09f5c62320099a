"""Attack ``apgd-t``."""

from .authors import AbstractAuthorsAttack


class APGDT(AbstractAuthorsAttack):
    """APGD on the targeted difference-of-logits-ratio loss, one run per target.

    Croce & Hein, ICML 2020 (arXiv 2003.01690), equation 6: 100 steps towards each of the nine
    classes with the highest logits, all others where there are fewer than ten classes.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: See :class:`AbstractAttack`.
    """

    name = "apgd-t"
    members = ("apgd-t",)
    min_classes = 4  # the loss is scaled by the third and fourth logit
