"""Attack ``autoattack``."""

from .authors import AbstractAuthorsAttack


class AutoAttack(AbstractAuthorsAttack):
    """AutoAttack, version standard: each of four attacks gets what those before it left.

    Croce & Hein, ICML 2020 (arXiv 2003.01690), section 6: APGD on the cross-entropy, APGD towards
    nine targets on the difference-of-logits ratio, FAB towards nine targets, Square with 5000
    queries; the authors' own code, attack by attack.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        seed: See :class:`AbstractAttack`.
    """

    name = "autoattack"
    members = ("apgd-ce", "apgd-t", "fab-t", "square")
    min_classes = 4  # of apgd-t
