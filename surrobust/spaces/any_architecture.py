"""Architectures of whichever space, where networks are trained and attacked."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from .._checks import brief
from ..errors import InvalidArchitectureError
from .architecture import Architecture
from .darts import Genotype

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
