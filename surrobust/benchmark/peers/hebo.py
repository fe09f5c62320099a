"""HEBO, over six categorical parameters; installed without its pins of old libraries."""

import random
from typing import Any, ClassVar

import numpy as np

from ...searches.sharing.ledger import PARAMETERS
from ...spaces import OPS, Architecture
from .base import AbstractAskedPeer


class HEBO(AbstractAskedPeer):
    """``HEBO``: a process on transformed values, with three acquisitions at once.

    Cowen-Rivers et al., "HEBO: Pushing the Limits of Sample-Efficient Hyperparameter Optimisation"
    (JAIR 2022). Its own requirements name versions of NumPy and pymoo that go with no current
    Python package; it runs with the current ones.
    """

    libraries: ClassVar = {
        "hebo": "pip install --no-deps HEBO pymoo==0.6.0 GPy paramz disjoint-set, and catboost "
        "gpytorch",
    }

    def __init__(self, *, budget: int, seed: int = 0) -> None:
        super().__init__(budget=budget, seed=seed)
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers import hebo

        # It draws from the global generators of three libraries.
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        space = DesignSpace().parse(
            [{"name": name, "type": "cat", "categories": list(OPS)} for name in PARAMETERS]
        )
        self._optimizer: Any = hebo.HEBO(space, scramble_seed=seed)
        self._asked: Any = None

    def _suggest(self) -> Architecture:
        self._asked = self._optimizer.suggest(n_suggestions=1)
        chosen = self._asked.iloc[0]
        return Architecture(tuple(OPS.index(chosen[name]) for name in PARAMETERS))

    def _learn(self, value: float) -> None:
        # It minimises.
        self._optimizer.observe(self._asked, np.array([[-value]]))
