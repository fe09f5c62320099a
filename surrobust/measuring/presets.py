"""Evaluations by name."""

from collections.abc import Mapping
from types import MappingProxyType

PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"robbench": ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8")}
)
"""Names of metrics by the name of the evaluation.

``robbench`` is NAS-RobBench-201's own (Wu, Liu, Simon-Gabriel, Chrysos & Cevher, ICLR 2024): FGSM
and PGD-20 with steps of epsilon / 8 and a random start, Linf, at 3/255 and 8/255. The benchmark's
column ``autoattack-8`` is not in it: that was measured with torchattacks, whose suite makes ten
steps per attack, while our ``autoattack`` is the authors' own with a hundred and comes out equal or
lower.
"""
