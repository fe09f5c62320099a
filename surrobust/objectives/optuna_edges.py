"""Which parameters of an Optuna study are edges of a cell, and what their choices mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution

from ..spaces import EDGES, OPS, Architecture

_NAME = re.compile(r"(?:.*/)?(\d)(?:->|_)(\d)|hp_x([0-5])")


@dataclass(frozen=True, slots=True)
class Edge:
    """A parameter that is an edge of a cell.

    Args:
        position: Which of the six edges, in the order of ``EDGES``.
        choices: The parameter's choice by the number of its op.
    """

    position: int
    choices: Mapping[int, str]

    @property
    def ops(self) -> frozenset[int]:
        """The ops that the edge may have."""
        return frozenset(self.choices)


def read_edge(name: str, distribution: BaseDistribution) -> Edge | None:
    """Return the edge that a parameter is, None if it is none.

    Args:
        name: ``0->1``, ``0_1``, ``cell/0_1`` or ``hp_x0``, and so on for the other five.
        distribution: Categorical for an edge, with names of ops as choices.
    """
    position = _position(name)
    if position is None or not isinstance(distribution, CategoricalDistribution):
        return None
    choices: dict[int, str] = {}
    for choice in distribution.choices:
        op = _op(choice)
        if op is None:
            return None
        choices[op] = choice
    return Edge(position, choices)


def read_cell(params: Mapping[str, Any]) -> Architecture | None:
    """Return the cell that a trial's parameters describe, None if they describe none."""
    ops = {_position(name): _op(value) for name, value in params.items()}
    found = [ops.get(position) for position in range(len(EDGES))]
    return None if None in found else Architecture(tuple(op for op in found if op is not None))


def _position(name: str) -> int | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    if match[3]:
        return int(match[3])
    edge = (int(match[1]), int(match[2]))
    return EDGES.index(edge) if edge in EDGES else None


def _op(choice: Any) -> int | None:
    names = [choice, f"nor_{choice}"] if isinstance(choice, str) else []
    return next((OPS.index(name) for name in names if name in OPS), None)
