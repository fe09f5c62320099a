"""How long and how large a gradient search is: numbers that the strategies share, and presets."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

from .._checks import brief, check_choice, check_integer
from ..errors import InvalidInputError
from .supernets.darts import check_partial

SUPERNET_SPACES = ("nas-bench-201", "darts")
"""The spaces that have a supernet."""

_WHOLE = {"channels": 1, "cells": 1, "batch": 2, "epochs": 1, "warm_up": 0}
_RATES = ("weight_rate", "weight_rate_end", "weight_momentum", "weight_decay", "clip")
_ALPHA_RATES = ("alpha_rate", "alpha_decay")
_YES_OR_NO = ("augment", "normalised", "in_turn", "whole")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The schedule of a gradient search; the defaults are those of DARTS and ARNAS.

    Half of the images fit the weights, the other half the architecture. Weights: SGD with momentum
    and a cosine from ``weight_rate`` to ``weight_rate_end`` over the epochs, gradients clipped to
    the norm ``clip``. Architecture parameters: Adam with betas (0.5, 0.999).

    Args:
        space: ``nas-bench-201``, or ``darts`` for the strategy's own cells.
        channels: C, channels of the first cells.
        cells: N, cells per stage, in ``nas-bench-201``; cells in all in ``darts``.
        partial: In ``darts``, every how many channels go through the ops of an edge, as in
            PC-DARTS; None is all, and edges then have no weights of their own.
        image_size: Height and width to which images are brought; None leaves them.
        limit: Images read at most; None is all.
        batch: Images per step, of each half.
        epochs: Passes over the half that fits the weights.
        warm_up: Epochs before the architecture begins to move.
        order: 1, or 2 for gradients through one step of the weights.
        augment: Whether images are shifted by up to an eighth of their size and mirrored.
        normalised: Whether the supernet's first layer normalises the images.
        in_turn: Whether the half that fits the architecture is passed through in turn; otherwise
            each step draws a batch from all of it.
        whole: Whether what does not fill an epoch's last batch is left out.
        weight_rate: Learning rate of the weights at the start.
        weight_rate_end: And at the end.
        weight_momentum: Momentum of the weights.
        weight_decay: Decay of the weights.
        clip: Largest norm of the weights' gradient.
        alpha_rate: Learning rate of the architecture.
        alpha_decay: Decay of the architecture parameters.

    Raises:
        InvalidInputError: If one of them is not what was expected.
    """

    space: str = "nas-bench-201"
    channels: int = 16
    cells: int = 5
    partial: int | None = None
    image_size: int | None = None
    limit: int | None = None
    batch: int = 64
    epochs: int = 50
    warm_up: int = 0
    order: int = 2
    augment: bool = True
    normalised: bool = True
    in_turn: bool = False
    whole: bool = False
    weight_rate: float = 0.025
    weight_rate_end: float = 0.001
    weight_momentum: float = 0.9
    weight_decay: float = 3e-4
    clip: float = 5.0
    alpha_rate: float = 3e-4
    alpha_decay: float = 1e-3

    def __post_init__(self) -> None:
        check_choice("space", self.space, SUPERNET_SPACES)
        for name, minimum in _WHOLE.items():
            check_integer(name, getattr(self, name), minimum=minimum)
        if self.partial is not None and self.space != "darts":
            msg = f"partial: expected None in {self.space}, got {brief(self.partial)}"
            raise InvalidInputError(msg)
        check_partial(self.partial, self.channels)
        if self.order not in (1, 2):
            msg = f"order: expected 1 or 2, got {brief(self.order)}"
            raise InvalidInputError(msg)
        for name in _YES_OR_NO:
            if not isinstance(getattr(self, name), bool):
                msg = f"{name}: expected True or False, got {brief(getattr(self, name))}"
                raise InvalidInputError(msg)
        for name in (*_RATES, *_ALPHA_RATES):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                msg = f"{name}: expected a number of at least 0, got {brief(value)}"
                raise InvalidInputError(msg)

    def to_document(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Any) -> "Settings":
        """Read what :meth:`to_document` wrote.

        Raises:
            InvalidInputError: If it is not such an object.
        """
        known = {field.name for field in fields(cls)}
        document = complete_settings(document)
        if not isinstance(document, Mapping) or set(document) != known:
            msg = f"settings: expected an object with {len(known)} fields, got {brief(document)}"
            raise InvalidInputError(msg)
        return cls(**document)


_BEFORE = {"partial": None, "normalised": True, "in_turn": True, "whole": True}
"""What held before there was a choice, and was not written."""


def complete_settings(document: Any) -> Any:
    """Return settings as JSON with what an earlier version did not write."""
    return {**_BEFORE, **document} if isinstance(document, Mapping) else document


PRESETS: Mapping[str, Settings] = MappingProxyType(
    {
        # Minutes on a CPU: images of a quarter of the size, a network of three narrow cells.
        "cpu": Settings(
            channels=4,
            cells=1,
            image_size=16,
            limit=2000,
            batch=32,
            epochs=4,
            order=1,
            augment=False,
            alpha_rate=0.01,
        ),
        # Seconds, to see that everything is in place.
        "smoke": Settings(
            channels=1, cells=1, image_size=4, limit=32, batch=8, epochs=1, order=1, augment=False
        ),
        "darts-smoke": Settings(
            space="darts",
            channels=1,
            cells=4,
            image_size=4,
            limit=8,
            batch=4,
            epochs=1,
            order=1,
            augment=False,
        ),
        # NAS-Bench-201's own network, for a GPU.
        "gpu": Settings(),
        # The strategies' own cells at the settings of their papers. Hosseini et al. (CVPR 2021): 16
        # channels, 8 cells, 50 epochs, in the space of PC-DARTS (Xu et al., ICLR 2020), whose code
        # the other numbers are of: one channel in four, batches of 256, rates of .1 to 0 and 6e-4,
        # and 15 epochs before the architecture moves. Unlike PC-DARTS, whose gradients are of first
        # order, those of DSRNA's paper are of second: it states the one-step unrolled problem.
        "dsrna-paper": Settings(
            space="darts",
            channels=16,
            cells=8,
            partial=4,
            batch=256,
            warm_up=15,
            weight_rate=0.1,
            weight_rate_end=0.0,
            alpha_rate=6e-4,
        ),
        # Ou et al. (CVPR 2024) as in their code, which does not normalise the images.
        "arnas-paper": Settings(space="darts", channels=24, cells=8, batch=32, normalised=False),
        # The strategies' own cells, small enough to be tried on a CPU.
        "darts-cpu": Settings(
            space="darts",
            channels=4,
            cells=4,
            image_size=16,
            limit=500,
            batch=16,
            epochs=1,
            order=1,
            augment=False,
            alpha_rate=0.01,
        ),
    }
)
"""Settings by name."""
