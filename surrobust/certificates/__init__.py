"""Certificates: what no attack can do to a trained network, proven image by image.

:func:`certify_margins` bounds a small network itself, by linear relaxation, in Linf and L2;
:func:`certify_smoothed` certifies the *smoothed* network, another classifier, in L2 only. Neither
is the robust accuracy that attacks measure: that is an upper bound, these are lower ones.
"""

from .relaxed import certified_radii, certify_margins
from .smoothed import ABSTAIN, SmoothedCertificate, certify_smoothed

__all__ = [
    "ABSTAIN",
    "SmoothedCertificate",
    "certified_radii",
    "certify_margins",
    "certify_smoothed",
]
