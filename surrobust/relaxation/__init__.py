"""Linear relaxation: what a network can do within a ball around an image, bounded for certain.

Intervals go forward through the network (:func:`interval_ranges`) and give every ReLU and maximum
its range; linear lower bounds then come backward from the output (:func:`margin_bounds`).
Convolutions, averages, weighted sums and frozen batch norm are linear and need no relaxation, so
mixed operations of a supernet are bounded like any other layer. Everything can be differentiated
by weights and architecture parameters.
"""

from .box import Box
from .intervals import interval_ranges
from .margins import margin_bounds

__all__ = ["Box", "interval_ranges", "margin_bounds"]
