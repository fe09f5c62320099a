"""Which parameters of an Optuna study are edges of a cell, and what their choices mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution

from ..._checks import brief
from ...spaces import EDGES, OPS

_NAME = re.compile(r"(.*(?:/|__|\.))?(?:(\d)(?:->|_)(\d)|hp_x([0-5]))", re.DOTALL)

ALL_OPS = frozenset(range(len(OPS)))
"""What an edge may be if nobody says more."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A parameter that is an edge of a cell.

    Args:
        place: The path before its name, such as ``cell/``: edges of one place make one cell.
        position: Which of the six edges, in the order of ``EDGES``.
        choices: The parameter's choice by the number of its op.
    """

    place: str
    position: int
    choices: Mapping[int, str]

    @property
    def ops(self) -> frozenset[int]:
        """The ops that the edge may have."""
        return frozenset(self.choices)


def read_edge(name: str, distribution: BaseDistribution) -> Edge | None:
    """Return the edge that a parameter is, None if it is none.

    Args:
        name: ``0->1``, ``0_1`` or ``hp_x0``, and so on for the other five, alone or behind a path
            as in ``cell/0_1``, ``cell__0_1`` and ``cell.0_1``.
        distribution: Categorical for an edge, with names of ops as choices.
    """
    located = _locate(name)
    choices = {_op(choice): choice for choice in _choices(distribution)}
    if located is None or not choices or None in choices:
        return None
    return Edge(*located, {op: choice for op, choice in choices.items() if op is not None})


def explain(name: str, distribution: BaseDistribution) -> str | None:
    """Say why a parameter that looks like an edge is none; None if it does not look like one."""
    choices = _choices(distribution)
    if _locate(name) is not None:
        got = brief(choices or distribution)
        return f"expected names of ops as choices of an edge, got {got}"
    if {_op(choice) for choice in choices} >= ALL_OPS:
        return "expected an edge's name, such as 0->1, 0_1, cell/0_1 or hp_x0, before ops to choose"
    return None


def read_ops(params: Mapping[str, Any], place: str) -> dict[int, int]:
    """Return the ops of the edges at a place, by their positions; what is no op is left out."""
    read = ((_locate(name), _op(value)) for name, value in params.items())
    return {at[1]: op for at, op in read if at is not None and at[0] == place and op is not None}


def two_cells(distributions: Mapping[str, BaseDistribution]) -> tuple[str, str] | None:
    """Return two parameters that are edges of two cells, None if there is one cell at most.

    Parameters with one choice are constants, which may belong to any cell.
    """
    edges: dict[str, Edge] = {}
    for name, distribution in distributions.items():
        edge = read_edge(name, distribution)
        if edge is None or len(edge.ops) == 1:
            continue
        for other, known in edges.items():
            if known.place != edge.place or known.position == edge.position:
                return other, name
        edges[name] = edge
    return None


def _locate(name: str) -> tuple[str, int] | None:
    """Return the place and the position that a name says."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    place = match[1] or ""
    if match[4]:
        return place, int(match[4])
    edge = (int(match[2]), int(match[3]))
    return (place, EDGES.index(edge)) if edge in EDGES else None


def _choices(distribution: BaseDistribution) -> tuple[Any, ...]:
    is_categorical = isinstance(distribution, CategoricalDistribution)
    return tuple(distribution.choices) if is_categorical else ()


def _op(choice: Any) -> int | None:
    # NAS-Bench-201 calls its convolutions nor_conv_1x1 and nor_conv_3x3; others leave that out.
    names = [choice, f"nor_{choice}"] if isinstance(choice, str) else []
    return next((OPS.index(name) for name in names if name in OPS), None)
