"""The arrays of a fitted predictor as one file, and its boosters beside it.

``weights.safetensors`` holds what the predictor was told (``identity``, ``columns``), what it
remembers (``state``) and what it has learnt (``model``). The arrays of a predictor that another is
made of have that one's name for it before their own: ``model.process.alpha``; so have its boosters:
``trees.booster-0.ubj``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._checks import brief
from ..._parts import pack, unpack
from ..._tensors import pack_tensors, unpack_tensors
from ...encodings import Columns
from ...errors import InvalidModelError
from .state import FittedState

if TYPE_CHECKING:
    from ..base import AbstractPredictor
    from .card import Card

WEIGHTS = "weights.safetensors"
"""The file of all arrays."""

_MODEL = "model."

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Saved:
    """What is in the file besides the model.

    Args:
        identity: Kind and options, as :func:`as_identity` writes them.
        state: What the predictor remembers.
        columns: What it knows of cells beforehand, or None.
    """

    identity: str
    state: FittedState
    columns: Columns | None

    def check_card(self, card: "Card") -> None:
        """Refuse a card that is not of these weights.

        Raises:
            InvalidModelError: If it is another's.
        """
        known = None if self.columns is None else self.columns.reference
        same = {
            "columns": known == card.options.get("columns"),
            "targets": list(self.state.targets) == card.targets,
            "identity": self.identity == as_identity(card.kind, card.options),
        }
        for what, is_same in same.items():
            if not is_same:
                msg = f"card.json: expected the {what} that the weights were saved with, got others"
                raise InvalidModelError(msg)


def as_identity(kind: str, options: Mapping[str, Any]) -> str:
    """Return kind and options as the text that card and weights must agree on."""
    return json.dumps({"kind": kind, "options": dict(options)}, sort_keys=True)


def pack_weights(predictor: "AbstractPredictor", state: FittedState) -> dict[str, bytes]:
    """Return a fitted predictor as files, by name.

    Raises:
        InvalidModelError: If they would be refused when they are read.
    """
    identity = as_identity(predictor.kind, predictor.options)
    tensors, files = pack_model(predictor)
    saved = pack(Saved(identity, state, predictor.arguments.get("columns")))
    return {**files, WEIGHTS: pack_tensors({**saved, **_under(_MODEL, tensors)})}


def unpack_weights(content: bytes) -> tuple[Saved, dict[str, np.ndarray]]:
    """Return what a file of :func:`pack_weights` holds, and the arrays of its model.

    Raises:
        InvalidModelError: If it is damaged.
    """
    tensors = unpack_tensors(content, name=WEIGHTS)
    model, rest = _split(tensors, _MODEL)
    return unpack(Saved, rest), model


def pack_model(predictor: "AbstractPredictor") -> tuple[dict[str, np.ndarray], dict[str, bytes]]:
    """Return arrays and boosters of a fitted predictor and of those that it is made of."""
    tensors, files = pack(predictor.fitted_), predictor._boosters()
    for name, part in predictor._predictors.items():
        arrays, boosters = pack_model(part)
        tensors |= _under(f"{name}.", arrays)
        files |= _under(f"{name}.", boosters)
    return tensors, files


def restore_model(
    predictor: "AbstractPredictor", tensors: Arrays, files: Mapping[str, bytes], n_targets: int
) -> None:
    """Give a predictor what :func:`pack_model` made of one with the same options.

    Raises:
        InvalidModelError: If it is damaged or does not fit the options.
    """
    own = {field.name for field in fields(predictor.Fitted)}
    mine = {name: array for name, array in tensors.items() if name.partition(".")[0] in own}
    sizes = {"m": n_targets, **predictor._sizes()}
    predictor.fitted_ = unpack(predictor.Fitted, mine, sizes)
    # Before its predictors are asked for, as what they are may depend on what was learnt.
    predictor._restored()
    others = {name: array for name, array in tensors.items() if name not in mine}
    left = dict(files)
    for name, part in predictor._predictors.items():
        arrays, others = _split(others, f"{name}.")
        boosters, left = _split(left, f"{name}.")
        restore_model(part, arrays, boosters, n_targets)
    if others:
        msg = f"weights: expected nothing besides what is declared, got {brief(min(others))} too"
        raise InvalidModelError(msg)
    predictor._load_boosters(left)


def _under(prefix: str, named: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}{name}": value for name, value in named.items()}


def _split(named: Mapping[str, Any], prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what has a prefix, without it, and all the rest."""
    mine = {k.removeprefix(prefix): value for k, value in named.items() if k.startswith(prefix)}
    return mine, {name: value for name, value in named.items() if not name.startswith(prefix)}
