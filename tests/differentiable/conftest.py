"""A tiny supernet in double precision, and a batch for it."""

import pytest
import torch

from surrobust.differentiable.supernets import build_cell_supernet


@pytest.fixture
def tiny():
    """Supernet of one cell per stage and one channel, two batches of images of 8 x 8 pixels."""
    generator = torch.Generator().manual_seed(0)
    network = build_cell_supernet(channels=1, cells=1, classes=3, generator=generator).double()
    with torch.no_grad():
        network.alphas.normal_(0, 0.3, generator=generator)
    x = torch.rand(8, 3, 8, 8, generator=generator).double()
    y = torch.randint(0, 3, (8,), generator=generator)
    return network, (x[:4], y[:4]), (x[4:], y[4:])


@pytest.fixture
def by_differences():
    """The slope of a function of no arguments by an entry of ``alphas``, by central differences."""

    def slope(network, function, entry, width=1e-5):
        with torch.no_grad():
            kept = network.alphas[entry].item()
            network.alphas[entry] = kept + width
        above = function()
        with torch.no_grad():
            network.alphas[entry] = kept - width
        below = function()
        with torch.no_grad():
            network.alphas[entry] = kept
        return (above - below) / (2 * width)

    return slope
