"""Attack ``square``."""

from typing import Any

import torch

from .._checks import check_integer
from .authors import AbstractAuthorsAttack

QUERIES = 5000
"""Those of AutoAttack."""


class Square(AbstractAuthorsAttack):
    """Random squares of extreme colour, kept where they lower the margin; needs no gradient.

    Andriushchenko, Croce, Flammarion & Hein, "Square attack: a query-efficient black-box
    adversarial attack via random search" (ECCV 2020, arXiv 1912.00049), algorithms 1 to 3.

    Squares shrink by a schedule made for 10000 queries (section 3.2). Where there are fewer, its
    later and finer part is never come to unless it is rescaled to them, as the authors' own option
    does. AutoAttack makes 5000 queries without it, and so does this attack by default.

    Args:
        epsilon: See :class:`AbstractAttack`.
        norm: See :class:`AbstractAttack`.
        queries: Passes of an image through the network, at most.
        rescaled: Whether the schedule spans the queries, whatever their number; None is yes but for
            AutoAttack's 5000.
        seed: See :class:`AbstractAttack`.

    Raises:
        InvalidInputError: If an argument is not what was expected.
    """

    name = "square"
    members = ("square",)

    def __init__(
        self,
        epsilon: float = 8 / 255,
        *,
        norm: str = "Linf",
        queries: int = QUERIES,
        rescaled: bool | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(epsilon, norm=norm, seed=seed)
        self.queries = check_integer("queries", queries, minimum=1)
        self.rescaled = queries != QUERIES if rescaled is None else rescaled

    def _suite(self, network: Any, classes: int, device: torch.device) -> Any:
        suite = super()._suite(network, classes, device)
        suite.square.n_queries = self.queries
        suite.square.rescale_schedule = self.rescaled
        return suite
