"""Differentiable search: an architecture by gradients through a supernet."""

from .mgda import combine_two
from .unrolling import InnerStep, architecture_gradients

__all__ = ["InnerStep", "architecture_gradients", "combine_two"]
