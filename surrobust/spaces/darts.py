"""DARTS-type spaces, and how an architecture of whichever space is read.

Liu, Simonyan & Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019, arXiv 1806.09055),
section 2. Inputs 0 and 1 of a cell are the outputs of the two cells before it, its nodes are 2 to
5, and its output is their concatenation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from types import MappingProxyType
from typing import Any, TypeAlias

from .._checks import brief, check_choice, check_integer
from .._random import as_generator
from ..errors import InvalidArchitectureError
from ..typing import Seed
from .architecture import Architecture

N_NODES = 4
N_INPUTS = 2

CONVOLUTIONS = ("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5")
"""Separable and dilated convolutions, the ops that have parameters at stride 1."""

CELL_OPS = ("max_pool_3x3", "avg_pool_3x3", "skip_connect", *CONVOLUTIONS)
"""What may stand in a cell; ``none`` can only be mixed in while searching."""

Input = tuple[str, int]
"""An op and the node that it reads."""


def edges_of_cell() -> tuple[tuple[int, int], ...]:
    """Return the 14 edges (source, node) of a cell in which every node reads all before it."""
    return tuple((source, node) for node in range(2, 2 + N_NODES) for source in range(node))


@dataclass(frozen=True, slots=True)
class NodeCell:
    """One cell.

    Args:
        inputs: Eight pairs of op and source, two for each of the nodes 2 to 5.

    Raises:
        InvalidArchitectureError: If they are anything else.
    """

    inputs: tuple[Input, ...]

    def __post_init__(self) -> None:
        if len(self.inputs) != N_NODES * N_INPUTS:
            raise _fail("eight pairs (op, source)", self.inputs)
        for position, pair in enumerate(self.inputs):
            node = 2 + position // N_INPUTS
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] not in CELL_OPS:
                raise _fail(f"(op, source) of an op among {', '.join(CELL_OPS)}", pair)
            source = pair[1]
            if not isinstance(source, int) or isinstance(source, bool) or not 0 <= source < node:
                raise _fail(f"a source 0..{node - 1} for node {node}", source)
        for node in range(N_NODES):
            (_, first), (_, second) = self.inputs[2 * node : 2 * node + 2]
            if first == second:
                raise _fail(f"two sources for node {2 + node}", self.inputs[2 * node])

    @property
    def has_convolution(self) -> bool:
        """Whether any of its ops has parameters at stride 1."""
        return any(op in CONVOLUTIONS for op, _ in self.inputs)


@dataclass(frozen=True, slots=True)
class Genotype:
    """The cells of a DARTS-type network.

    Args:
        space: Name in ``DARTS_SPACES``.
        cells: A cell for each role of the space, in its order.

    Raises:
        InvalidArchitectureError: If a role is missing or not one of the space.
    """

    space: str
    cells: tuple[tuple[str, NodeCell], ...]

    def __post_init__(self) -> None:
        roles = DARTS_SPACES[check_choice("space", self.space, DARTS_SPACES)].roles
        if tuple(role for role, _ in self.cells) != roles:
            raise _fail(f"cells {', '.join(roles)}", [role for role, _ in self.cells])

    @classmethod
    def parse(cls, value: Any) -> "Genotype":
        """Read a genotype: the published text, or the JSON object of :meth:`to_document`.

        Raises:
            InvalidArchitectureError: If it is neither; the message names the part.
        """
        from ._genotype_text import parse_text

        if isinstance(value, Genotype):
            return value
        if isinstance(value, Mapping):
            return _from_document(value)
        if isinstance(value, str):
            return from_cells(parse_text(value))
        raise _fail("a text Genotype(normal=[...], ...) or an object", value)

    def __getitem__(self, role: str) -> NodeCell:
        return dict(self.cells)[check_choice("role", role, dict(self.cells))]

    @property
    def text(self) -> str:
        """The published text: ``Genotype(normal=[('sep_conv_3x3', 0), ...], ...)``."""
        concat = f"range(2, {2 + N_NODES})"
        parts = (f"{role}={list(cell.inputs)}, {role}_concat={concat}" for role, cell in self.cells)
        return f"Genotype({', '.join(parts)})"

    @property
    def genotype(self) -> str:
        """The published text, under the name that cells of NAS-Bench-201 have it."""
        return self.text

    @property
    def code(self) -> str:
        """What tells it from others in file names: its space and its index."""
        return f"{self.space}-{self.index}"

    @property
    def index(self) -> int:
        """Its number in its space; the order of a node's two inputs does not matter."""
        number = 0
        for _, cell in self.cells:
            for node in range(N_NODES):
                pair = cell.inputs[2 * node : 2 * node + 2]
                (op_a, a), (op_b, b) = sorted(pair, key=lambda item: item[1])
                number = number * comb(node + 2, 2) + comb(b, 2) + a
                for op in (op_a, op_b):
                    number = number * len(CELL_OPS) + CELL_OPS.index(op)
        return number

    def to_document(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        cells = {role: [list(pair) for pair in cell.inputs] for role, cell in self.cells}
        return {"space": self.space, "cells": cells}

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class DARTSSpace:
    """A space of genotypes.

    Args:
        name: Its name.
        roles: Kinds of cells, in the order in which they are written.
        ops: Ops that a supernet mixes on an edge.
        widths: Channels before the first reduction, between both, and behind, in multiples of C.
    """

    name: str
    roles: tuple[str, ...]
    ops: tuple[str, ...]
    widths: tuple[int, int, int]

    @property
    def size(self) -> int:
        """How many genotypes there are."""
        pairs = 1
        for node in range(2, 2 + N_NODES):
            pairs *= comb(node, N_INPUTS)
        return int((pairs * len(CELL_OPS) ** (N_NODES * N_INPUTS)) ** len(self.roles))

    def sample(self, n: int, *, seed: Seed) -> list[Genotype]:
        """Return ``n`` genotypes, each drawn uniformly from all."""
        rng = as_generator(seed)
        found = []
        for _ in range(check_integer("n", n, minimum=0)):
            cells = []
            for role in self.roles:
                inputs: list[Input] = []
                for node in range(2, 2 + N_NODES):
                    sources = sorted(rng.choice(node, size=N_INPUTS, replace=False).tolist())
                    ops = rng.integers(len(CELL_OPS), size=N_INPUTS)
                    inputs += [(CELL_OPS[op], s) for op, s in zip(ops, sources, strict=True)]
                cells.append((role, NodeCell(tuple(inputs))))
            found.append(Genotype(self.name, tuple(cells)))
        return found


DARTS_SPACES: Mapping[str, DARTSSpace] = MappingProxyType(
    {
        space.name: space
        for space in (
            # What DSRNA searches, after PC-DARTS; 8 ops with the zero.
            DARTSSpace("darts", ("normal", "reduce"), ("none", *CELL_OPS), (1, 2, 4)),
            # Ou, Feng & Sun, "Towards Accurate and Robust Architectures via Neural Architecture
            # Search" (CVPR 2024): no zero, and the second reduction keeps the channels.
            DARTSSpace("arnas", ("accurate", "reduce", "robust"), CELL_OPS, (1, 2, 2)),
        )
    }
)
"""Every DARTS-type space by its name."""


def from_cells(cells: Mapping[str, Sequence[Any]]) -> Genotype:
    """Return the genotype of cells by role; the roles tell the space.

    Raises:
        InvalidArchitectureError: If no space has these roles, or a cell is none.
    """
    for space in DARTS_SPACES.values():
        if set(cells) == set(space.roles):
            found = ((role, NodeCell(_pairs(cells[role]))) for role in space.roles)
            return Genotype(space.name, tuple(found))
    known = " or ".join(", ".join(space.roles) for space in DARTS_SPACES.values())
    raise _fail(f"the cells {known}", list(cells))


def _pairs(inputs: Any) -> tuple[Any, ...]:
    if not isinstance(inputs, list | tuple):
        raise _fail("eight pairs (op, source)", inputs)
    return tuple(tuple(pair) if isinstance(pair, list) else pair for pair in inputs)


def _from_document(document: Mapping[Any, Any]) -> Genotype:
    cells = document.get("cells")
    if not isinstance(cells, Mapping):
        raise _fail('an object with "cells" by role', document)
    genotype = from_cells(cells)
    if document.get("space", genotype.space) != genotype.space:
        raise _fail(f"space {genotype.space} with these cells", document["space"])
    return genotype


def _fail(expected: str, got: object) -> InvalidArchitectureError:
    return InvalidArchitectureError(f"genotype: expected {expected}, got {brief(got)}")


AnyArchitecture: TypeAlias = Architecture | Genotype
"""A cell of NAS-Bench-201, or the cells of a DARTS-type network."""


def parse_any(value: Any) -> AnyArchitecture:
    """Read an architecture of either kind.

    Args:
        value: What :meth:`Genotype.parse` takes, told by its text ``Genotype(...)`` or its
            object's ``cells`` or ``architecture``; else what :meth:`Architecture.parse` takes.

    Raises:
        InvalidArchitectureError: If it is neither.
    """
    if isinstance(value, Genotype) or is_genotype_text(value):
        return Genotype.parse(value)
    if isinstance(value, Mapping) and "cells" in value:
        return Genotype.parse(value)
    if isinstance(value, Mapping) and is_genotype_text(value.get("architecture")):
        return _parse_record(value)
    return Architecture.parse(value)


def _parse_record(record: Mapping[Any, Any]) -> Genotype:
    genotype = Genotype.parse(record["architecture"])
    index = record.get("index", genotype.index)
    if index != genotype.index:
        msg = f"index: expected {genotype.index} of this genotype, got {brief(index)}"
        raise InvalidArchitectureError(msg)
    return genotype


def is_genotype_text(value: Any) -> bool:
    """Return whether something is a text that begins as genotypes of DARTS-type networks do."""
    return isinstance(value, str) and value.lstrip().startswith("Genotype(")
