"""One network, one batch: what the proxies look at, each shared quantity computed once."""

import zlib
from collections.abc import Callable, Collection, Hashable
from copy import deepcopy
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..networks import CellNetwork
from ..spaces import Architecture
from .batch_pass import BatchPass, run_batch_pass
from .needs import Need
from .per_image import logit_jacobian

T = TypeVar("T")


class Probe:
    """A freshly initialised network and the batch that goes through it.

    Args:
        network: Initialised; the probe puts it into training or evaluation mode as it goes.
        x: Images ``(n, c, h, w)`` in [0, 1], on the network's device.
        y: Labels ``(n,)``.
        needs: What the shared pass has to record, over all proxies that will read it.
        seed: Of what is random besides the weights.
    """

    def __init__(
        self,
        network: CellNetwork,
        x: Tensor,
        y: Tensor,
        *,
        needs: Collection[Need] = tuple(Need),
        seed: int = 0,
    ) -> None:
        self.network = network
        self.architecture: Architecture = network.architecture
        self.x, self.y = x, y
        self.needs = frozenset(needs)
        self.seed = seed
        self._made: dict[Hashable, Any] = {}
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0  # one pass makes the batch's statistics the running ones

    def generator(self, name: str) -> torch.Generator:
        """Return a generator on the CPU that depends on the seed, the cell and ``name`` only."""
        return make_generator(self.seed, self.architecture, name)

    def copy(self) -> CellNetwork:
        """Return a copy of the network in training mode, to do with as one likes."""
        return deepcopy(self.network).train()

    @cached_property
    def batch_pass(self) -> BatchPass:
        """What one pass over the batch recorded, batch norm in training mode."""
        self.network.train()
        return run_batch_pass(self.network, self.x, self.y, self.needs)

    @cached_property
    def _calibrated(self) -> CellNetwork:
        self.network.train()
        with torch.no_grad():
            if "batch_pass" not in self.__dict__:
                self.network(self.x)
        return self.network

    @property
    def calibrated(self) -> CellNetwork:
        """The network in evaluation mode, batch norm frozen at the statistics of the batch.

        So every image has outputs of its own, and the network is piecewise linear in the pixels.
        """
        return self._calibrated.eval()

    def jacobian(self, images: int) -> Tensor:
        """Return the Jacobian of the calibrated network, ``(images, classes, pixels)``.

        Args:
            images: How many images of the batch, at most.
        """
        images = min(images, len(self.x))
        return self.once(
            ("jacobian", images), lambda: logit_jacobian(self.calibrated, self.x[:images])
        )

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returned when it was first called for this key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def make_generator(seed: int, architecture: Architecture, name: str) -> torch.Generator:
    """Return a generator on the CPU for one purpose in one cell."""
    entropy = (seed, architecture.index, zlib.crc32(name.encode()))
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
