"""Common corruptions: what weather, cameras and compression do to images, in five severities.

Hendrycks & Dietterich, "Benchmarking neural network robustness to common corruptions and
perturbations" (ICLR 2019, arXiv 1903.12261), with the constants of CIFAR-10-C, which are made for
32 x 32 pixels. Where the published arrays are at hand :func:`load_published` reads them. Ours are
like them, not them: frost is procedural (the paper overlays photographs), and motion blur is a
line of weighted shifts of our own. Do not mix the two in one number.
"""

from .corrupting import CORRUPTIONS, SEVERITIES, corrupt
from .published import load_published

__all__ = ["CORRUPTIONS", "SEVERITIES", "corrupt", "load_published"]
