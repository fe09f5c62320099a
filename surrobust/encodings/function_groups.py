"""What a cell computes, as groups of features that a kernel can weigh one against another.

All features are read off the function class, so cells that compute the same get the same row.
"""

import itertools
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np

from ..spaces import Architecture, NASBench201
from ..typing import FloatArray

_OPS = ("conv1x1", "conv3x3", "pool")
_MAX_DEPTH = 3

Path: TypeAlias = tuple[int, ...]
"""The ops on a way from input to output, numbered as in ``_OPS``."""

Term: TypeAlias = tuple[int, str] | None
"""A summand: an op and the text of its argument, None for the cell's input."""

GROUPS = ("paths", "counts", "shape")
"""The groups: path histogram; how often each op is applied; lengths and widths."""


def encode_function_groups(architectures: Iterable[Architecture]) -> tuple[FloatArray, ...]:
    """Return one float64 array of shape ``(n, d_g)`` per group of :data:`GROUPS`.

    Each group is centred and scaled so that two random cells of the 4930 function classes are at
    a mean squared distance of 1.
    """
    rows = [_scaled_row(cell.function_class) for cell in architectures]
    if not rows:
        return tuple(np.empty((0, len(mean))) for mean, _ in _scales())
    return tuple(np.array(group) for group in zip(*rows, strict=True))


@cache
def _scaled_row(form: str) -> tuple[FloatArray, ...]:
    return tuple(
        (values - mean) / scale
        for values, (mean, scale) in zip(_raw_row(form), _scales(), strict=True)
    )


@cache
def _scales() -> tuple[tuple[FloatArray, FloatArray], ...]:
    """Return what to subtract from each group and what to divide it by."""
    rows = [_raw_row(form) for form in sorted({cell.function_class for cell in NASBench201()})]
    scales = []
    for name, group in zip(GROUPS, zip(*rows, strict=True), strict=True):
        values = np.array(group)
        mean, deviation = values.mean(axis=0), np.ones(values.shape[1])
        if name != "paths":
            deviation = values.std(axis=0)
            deviation[deviation == 0] = 1.0
        spread = np.sqrt(2.0 * (((values - mean) / deviation) ** 2).sum(axis=1).mean())
        scales.append((mean, deviation * spread))
    return tuple(scales)


@cache
def _raw_row(form: str) -> tuple[FloatArray, ...]:
    paths = _paths(form)
    histogram = np.zeros(len(_path_positions()))
    for path in paths:
        histogram[_path_positions()[path]] += 1
    return np.sqrt(histogram), np.log1p(_op_counts(form)), np.log1p(_shape(paths))


@cache
def _path_positions() -> dict[Path, int]:
    """Return the column of each op sequence of length 0 to 3."""
    ops = range(len(_OPS))
    all_paths = (p for n in range(_MAX_DEPTH + 1) for p in itertools.product(ops, repeat=n))
    return {path: column for column, path in enumerate(all_paths)}


@cache
def _terms(form: str) -> tuple[Term, ...]:
    """Split an expression into its summands."""
    terms: list[Term] = []
    depth = start = 0
    for position, sign in enumerate(f"{form}+"):
        depth += (sign == "(") - (sign == ")")
        if sign == "+" and depth == 0:
            terms += _term(form[start:position])
            start = position + 1
    return tuple(terms)


def _term(text: str) -> list[Term]:
    if text == "0":
        return []
    if text == "x":
        return [None]
    op, _, argument = text.partition("(")
    return [(_OPS.index(op), argument.removesuffix(")"))]


@cache
def _paths(form: str) -> tuple[Path, ...]:
    """Return the op sequences of all ways from input to output, repeats included."""
    paths: list[Path] = []
    for term in _terms(form):
        if term is None:
            paths.append(())
        else:
            op, argument = term
            paths += [(*path, op) for path in _paths(argument)]
    return tuple(paths)


def _op_counts(form: str) -> FloatArray:
    """Return how often each op is applied and on how many different arguments, shape ``(6,)``."""
    applied = list(_applications(form))
    distinct = set(applied)
    return np.array(
        [
            sum(op == k for op, _ in group)
            for group in (applied, distinct)
            for k in range(len(_OPS))
        ],
        dtype=np.float64,
    )


def _applications(form: str) -> Iterable[tuple[int, str]]:
    for term in _terms(form):
        if term is not None:
            yield term
            yield from _applications(term[1])


def _shape(paths: Sequence[Path]) -> FloatArray:
    """Return numbers of paths, then least, most and mean counts along a path, shape ``(19,)``."""
    n_plain = sum(path == () for path in paths)
    values = [len(paths), np.log1p(len(paths)), float(n_plain > 0), n_plain]
    for ops in ((0, 1, 2), (0, 1), (1,), (0,), (2,)):
        along = [sum(op in ops for op in path) for path in paths] or [0]
        values += [min(along), max(along), float(np.mean(along))]
    return np.array([*values, float(not paths)], dtype=np.float64)
