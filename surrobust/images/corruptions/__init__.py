"""Common corruptions: what weather, cameras and compression do to images, in five severities.

Hendrycks & Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations" (ICLR 2019, arXiv 1903.12261), with the arithmetic of the code that CIFAR-10-C was
made with, for images of 32 x 32 pixels, and random numbers of our own. Where the published arrays
are at hand :func:`load_published` reads them. Frost is made of photographs that are not ours:
without them (``surrobust data fetch frost``) ice of the same colours and grain is drawn. Do not mix
these in one number. What we made of six of the corruptions before is in ``OWN_CORRUPTIONS``.
"""

from .corrupting import CORRUPTIONS, SEVERITIES, corrupt, load_published
from .own import OWN_CORRUPTIONS
from .photographs import find_frost

__all__ = [
    "CORRUPTIONS",
    "OWN_CORRUPTIONS",
    "SEVERITIES",
    "corrupt",
    "find_frost",
    "load_published",
]
