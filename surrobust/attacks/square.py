"""Attack ``square``."""

from typing import Any

import torch

from .._checks import check_integer
from .authors import AbstractAuthorsAttack


class Square(AbstractAuthorsAttack):
    """Random squares of extreme colour, kept where they lower the margin; needs no gradient.

    Andriushchenko, Croce, Flammarion & Hein, "Square attack: a query-efficient black-box
    adversarial attack via random search" (ECCV 2020, arXiv 1912.00049), algorithms 1 to 3.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        queries: Passes of an image through the network, at most.
        seed: See :class:`AbstractAttack`.

    Raises:
        InvalidInputError: If an argument is not what was expected.
    """

    name = "square"
    members = ("square",)

    def __init__(
        self, epsilon: float = 8 / 255, *, norm: str = "Linf", queries: int = 5000, seed: int = 0
    ) -> None:
        super().__init__(epsilon, norm=norm, seed=seed)
        self.queries = check_integer("queries", queries, minimum=1)

    def _suite(self, network: Any, classes: int, device: torch.device) -> Any:
        suite = super()._suite(network, classes, device)
        suite.square.n_queries = self.queries
        return suite
