"""A small network that withstands some of what the attacks do."""

import pytest
import small_network
import torch
from torch import nn

Case = tuple[nn.Module, torch.Tensor, torch.Tensor]


@pytest.fixture(scope="session")
def trained() -> Case:
    """A network of 10 classes trained against PGD, its weights committed, and 320 test digits."""
    return small_network.load(), *small_network.digits("test", limit=320)


@pytest.fixture(scope="session")
def exact() -> Case:
    """The same in double precision, where rounding turns no sign of a gradient."""
    x, y = small_network.digits("test", limit=320)
    return small_network.load().double(), x.double(), y
