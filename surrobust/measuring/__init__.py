"""Measuring: what share of images a network gets right, attacked or not, and how sure that is.

:func:`measure_accuracy` re-scores what an attack returns, gives a confidence interval and keeps
each image's outcome; :func:`measure_corrupted` does so over common corruptions;
:func:`compare_paired` tells two networks apart on the same images.
"""

from .accuracy import Accuracy, measure_accuracy
from .corrupted import CorruptedAccuracy, measure_corrupted
from .paired import PairedComparison, compare_paired
from .presets import EVALUATION_PRESETS, make_attack

__all__ = [
    "EVALUATION_PRESETS",
    "Accuracy",
    "CorruptedAccuracy",
    "PairedComparison",
    "compare_paired",
    "make_attack",
    "measure_accuracy",
    "measure_corrupted",
]
