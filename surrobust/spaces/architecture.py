"""The architecture: one NAS-Bench-201 cell as an immutable, hashable value.

A cell has 4 nodes and 6 edges; each edge carries one of five ops. The six digits of a code
follow the edges ordered by target, (0→1) (0→2) (1→2) (0→3) (1→3) (2→3), and number the ops as
Dong & Yang, "NAS-Bench-201" (ICLR 2020, arXiv 2001.00326) do in their genotypes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .._checks import brief
from .._places import shipped_folder
from ..errors import InvalidArchitectureError
from . import _canonical, _forms
from ._canonical import ordered_codes, position_of


@dataclass(frozen=True, slots=True, order=True)
class Architecture:
    """One NAS-Bench-201 cell.

    Args:
        ops: Six integers 0..4, one per edge ordered by target; they index
            ``none skip_connect nor_conv_1x1 nor_conv_3x3 avg_pool_3x3``.

    Raises:
        InvalidArchitectureError: If ``ops`` is anything else.
    """

    ops: tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.ops, tuple) or not _forms.are_op_numbers(self.ops):
            msg = f"architecture: expected a tuple of six integers 0..4, got {brief(self.ops)}"
            raise InvalidArchitectureError(msg)

    @classmethod
    def parse(cls, value: Any) -> "Architecture":
        """Read an architecture in any of its written forms.

        Args:
            value: An ``Architecture``; an index 0..15624 as an integer or text; a code of six
                digits as text; a genotype, also as an object whose ``tostr()`` gives it; or a
                mapping, also as JSON text: ``{"architecture": ...}`` (or ``"arch"``,
                ``"arch_str"``, ``"genotype"``), ``{"index": 5}``, ``{"code": "323133"}``,
                ``{"op_indices": [...]}`` (NASLib; an array too), ``{"edges": {"0->1": ...}}``,
                ``{"0_1": "conv_3x3", ...}`` (NNI; ``"cell/0_1"`` too),
                ``{"hp_x0": ..., ...}`` (Syne Tune).

        Raises:
            InvalidArchitectureError: If it is none of these; the message names the part and what
                was expected. A bare list of six integers is ambiguous and refused with both
                readings shown.
        """
        if isinstance(value, Architecture):
            return value
        if not isinstance(value, str | Mapping):
            value = _forms.plain(value)
        if isinstance(value, Mapping):
            return _from_mapping(value)
        if isinstance(value, str):
            return _from_text(value)
        if isinstance(value, list | tuple):
            raise InvalidArchitectureError(_forms.ambiguity(value))
        return cls(ordered_codes()[_forms.check_index(value)])

    @property
    def code(self) -> str:
        """Six digits, one per edge ordered by target."""
        return "".join(map(str, self.ops))

    @property
    def genotype(self) -> str:
        """The published text, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        return _forms.format_genotype(self.ops)

    @property
    def index(self) -> int:
        """The number in NAS-Bench-201, 0..15624."""
        return position_of(self.ops)

    @property
    def op_indices(self) -> tuple[int, ...]:
        """NASLib's tuple of six, edges ordered by source and ops in NASLib's numbering."""
        return _forms.to_op_indices(self.ops)

    @property
    def edges(self) -> dict[str, str]:
        """Op names by edge, ``{"0->1": "nor_conv_3x3", ...}``."""
        return _forms.to_edges(self.ops)

    @property
    def representative(self) -> "Architecture":
        """The cell of smallest index in the isomorphism class, by NAS-Bench-201's own key."""
        return Architecture(ordered_codes()[representatives_by_index()[self.index]])

    @property
    def function_class(self) -> str:
        """What the cell computes from its input, as an expression: equal for cells alike in that.

        Zeros are dropped, skips dissolved, sums flattened and sorted; ``x`` is the cell's input
        and ``0`` a cell that computes nothing of it. A convolution of zeros is dropped too, though
        the offset of its batch norm is learnt: networks of one class may differ by such constants
        (``networks.has_offsets``), and in how often they use a convolution.
        """
        return _canonical.function_form(self.ops)

    def __str__(self) -> str:
        return self.genotype


@cache
def known_cells() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two indices for each of the 15625: its representative, and the first of its form.

    The form is that of :mod:`surrobust.encodings.function_features`. Both follow from the cells
    (``make cells``); they come with the package, as for one cell all would have to be compared.
    """
    import numpy as np

    first, second = np.load(shipped_folder("data") / "cells.npy").tolist()
    return tuple(first), tuple(second)


@cache
def representative_indices() -> tuple[int, ...]:
    """Return the 6466 indices that represent themselves, ascending."""
    return tuple(sorted(set(representatives_by_index())))


def representatives_by_index() -> tuple[int, ...]:
    """Return, for each of the 15625 indices, the index of its representative."""
    return known_cells()[0]


def find_representatives() -> tuple[int, ...]:
    """Work out, for each index, the smallest index with the same canonical string."""
    first: dict[str, int] = {}
    forms = _canonical.canonical_forms(ordered_codes())
    # Indices ascend, so that the first of a form is the smallest.
    return tuple(first.setdefault(form, index) for index, form in enumerate(forms))


def _from_text(text: str) -> Architecture:
    stripped = text.strip()
    if stripped.startswith(_forms.OPENINGS):
        return Architecture.parse(_forms.parse_json_text(stripped))
    if stripped.isascii() and stripped.isdigit():
        # By length: an index has five digits at most, unless it is padded (``check_numbers``).
        if len(stripped) == _forms.N_EDGES:
            return Architecture(_forms.parse_code(stripped))
        return Architecture(ordered_codes()[_forms.parse_index(stripped)])
    return Architecture(_forms.parse_genotype(stripped))


def _from_mapping(mapping: Mapping[Any, Any]) -> Architecture:
    readings = {
        name: Architecture(ops) for name, ops in _forms.parse_mapping(mapping, _nested).items()
    }
    found = set(readings.values())
    if len(found) > 1:
        told = ", ".join(f"{name} is {cell.code}" for name, cell in readings.items())
        msg = f"architecture: expected one cell, got an object that names several: {told}"
        raise InvalidArchitectureError(msg)
    cell = found.pop()
    written = mapping.get("index", cell.index)
    if not _forms.is_integer(written) or written != cell.index:
        msg = f"architecture: expected index {cell.index} for {cell.code}, got {brief(written)}"
        raise InvalidArchitectureError(msg)
    return cell


def _nested(value: Any) -> tuple[int, ...]:
    if isinstance(value, Mapping):
        msg = "architecture: expected a genotype, an index or a code as its value, got an object"
        raise InvalidArchitectureError(msg)
    return Architecture.parse(value).ops
