"""Certificates: what no attack can do to a trained network, proven image by image.

:func:`certify_margins` bounds a small network itself, by linear relaxation, in Linf and L2;
:func:`certify_smoothed` certifies the *smoothed* network, another classifier, in L2 only. Neither
is the robust accuracy that attacks measure: that is an upper bound, these are lower ones.

The relaxation: ranges go forward through the network, of what enters every ReLU and maximum, as
intervals (:func:`interval_ranges`) or as linear functions of the pixels, which are tighter and cost
more (:func:`linear_ranges`). Linear lower bounds then come backward from the output
(:func:`margin_bounds`). Convolutions, averages, weighted sums and frozen batch norm are linear and
need no relaxation, so mixed operations of a supernet are bounded like any other layer. Everything
can be differentiated by weights and architecture parameters.
"""

from .box import Box
from .intervals import interval_ranges
from .linear import linear_ranges
from .margins import RANGES, margin_bounds
from .relaxed import certified_radii, certify_margins
from .smoothed import ABSTAIN, SmoothedCertificate, certify_smoothed
from .soundness import check_bounded

__all__ = [
    "ABSTAIN",
    "RANGES",
    "Box",
    "SmoothedCertificate",
    "certified_radii",
    "certify_margins",
    "certify_smoothed",
    "check_bounded",
    "interval_ranges",
    "linear_ranges",
    "margin_bounds",
]
