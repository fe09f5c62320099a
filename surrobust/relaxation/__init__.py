"""Linear relaxation: what a network can do within a ball around an image, bounded for certain.

Ranges go forward through the network, of what enters every ReLU and maximum: intervals
(:func:`interval_ranges`), or linear functions of the pixels, which are tighter and cost more
(:func:`linear_ranges`). Linear lower bounds then come backward from the output
(:func:`margin_bounds`). Convolutions, averages, weighted sums and frozen batch norm are linear and
need no relaxation, so mixed operations of a supernet are bounded like any other layer. Everything
can be differentiated by weights and architecture parameters.
"""

from .box import Box
from .guard import check_bounded
from .intervals import interval_ranges
from .linear import linear_ranges
from .margins import RANGES, margin_bounds

__all__ = [
    "RANGES",
    "Box",
    "check_bounded",
    "interval_ranges",
    "linear_ranges",
    "margin_bounds",
]
