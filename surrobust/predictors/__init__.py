"""Predictors: architectures in, values with intervals out, learnt from measured cells.

A *predictor* is a class by its name in :data:`PREDICTORS`; a fitted one is a *model*, which
``save`` writes as a folder and :func:`load_folder` reads. Nothing here knows tables.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from .._checks import check_choice
from .._parts import tensor
from ..errors import InvalidInputError, InvalidModelError
from ..typing import AnyPath
from .base import AbstractPredictor

# By name, as the modules import torch, xgboost and scikit-learn: only what is asked for is loaded.
_HOMES = {
    "default": ("default", "DefaultPredictor"),
    "xgboost": ("trees.boosted", "BoostedTrees"),
    "random_forest": ("trees.forest", "RandomForest"),
    "gp": ("gaussian_process", "GaussianProcess"),
    "gnn": ("graph", "GraphNetwork"),
    "ensemble": ("ensemble", "Ensemble"),
}
_INFORMED = {"default": ("with_prior", "PriorPredictor")}
"""What a name stands for where a prior is given."""


class _Predictors(Mapping[str, type[AbstractPredictor]]):
    """Names to classes; a class's module is imported when the class is asked for."""

    def __getitem__(self, name: str) -> type[AbstractPredictor]:
        module, attribute = _HOMES[name]
        found: type[AbstractPredictor] = getattr(import_module(f".{module}", __name__), attribute)
        return found

    def __contains__(self, name: object) -> bool:
        return name in _HOMES

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)

    def __repr__(self) -> str:
        return f"PREDICTORS({', '.join(_HOMES)})"


PREDICTORS: Mapping[str, type[AbstractPredictor]] = _Predictors()
"""Every predictor by its name."""


def make_predictor(name: str, *, seed: int = 0, **options: Any) -> AbstractPredictor:
    """Return a predictor that is not fitted yet.

    Args:
        name: Name in :data:`PREDICTORS`.
        seed: Seed of every random choice.
        options: The class's own arguments, ``calibration_folds`` among them. With ``default`` also
            ``prior``: what knows other targets, a fitted predictor or ``PriorScores``; then it is a
            ``PriorPredictor``, for targets of which few cells are measured, or none
            (``fit([], [])``).

    Raises:
        InvalidInputError: If the name or an option is not known.
    """
    check_choice("predictor", name, PREDICTORS)
    return _make(PREDICTORS, name, {**options, "seed": seed})


def _make(
    kinds: Mapping[str, type[AbstractPredictor]], name: str, options: Mapping[str, Any]
) -> AbstractPredictor:
    cls = kinds[name]
    if name in _INFORMED and "prior" in options:
        module, attribute = _INFORMED[name]
        if options["prior"] is None:
            options = {option: value for option, value in options.items() if option != "prior"}
        else:
            cls = getattr(import_module(f".{module}", __name__), attribute)
    for option in options:
        check_choice(f"option of {name}", option, cls.option_names())
    return cls(**options)


def load_folder(folder: AnyPath, own: type[AbstractPredictor] | None = None) -> AbstractPredictor:
    """Read a predictor from a folder that ``save`` wrote.

    Args:
        folder: Where.
        own: Its class, where that is none of :data:`PREDICTORS`.

    Raises:
        InvalidModelError: If the folder is incomplete, damaged, or its parts do not belong
            together.
    """
    from .saving.folder import read_predictor
    from .saving.weights import WEIGHTS, unpack_weights

    card, files = read_predictor(folder)
    try:
        saved, tensors = unpack_weights(files.pop(WEIGHTS))
        saved.check_card(card)
        options: dict[str, Any] = dict(card.options)
        if saved.columns is not None:
            options["columns"] = saved.columns
        kinds = PREDICTORS if own is None else {own.kind: own}
        predictor = _make_from_card(kinds, card.kind, options, card.encoder)
        predictor.restore(saved.state, tensors, files)
        files.clear()  # room for what predicting takes
        card.fingerprint.check(predictor)
    except (InvalidInputError, InvalidModelError) as error:
        msg = f"{folder}: {error}"
        raise InvalidModelError(msg) from None
    predictor.card = card.model_dump()
    return predictor


def _make_from_card(
    kinds: Mapping[str, type[AbstractPredictor]],
    kind: str,
    options: Mapping[str, Any],
    encoder: str,
) -> AbstractPredictor:
    check_choice("kind", kind, kinds)
    given = {"seed": 0, **options}
    try:
        predictor = _make(kinds, kind, given)
    except TypeError as error:
        msg = f"options: expected those of {kind}, got: {error}"
        raise InvalidModelError(msg) from None
    check_choice("encoder", encoder, [predictor.encoder])
    return predictor


__all__ = ["PREDICTORS", "AbstractPredictor", "load_folder", "make_predictor", "tensor"]
