"""Supernets of DARTS-type spaces."""

import pytest
import torch

from surrobust.differentiable.descent import calibrate
from surrobust.differentiable.robustness import certified_term
from surrobust.errors import InvalidInputError
from surrobust.spaces import DARTS_SPACES
from surrobust.supernets import build_genotype_supernet


@pytest.mark.parametrize(("space", "roles"), [("darts", 2), ("arnas", 3)])
def test_shapes_and_roles(space, roles):
    network = build_genotype_supernet(space, channels=2, cells=4, classes=3)
    assert network.alphas.shape == (roles, 14, len(DARTS_SPACES[space].ops))
    assert set(network.places) == set(network.roles)
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    logits = network(x)
    assert logits.shape == (2, 3)
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), [network.alphas])
    assert bool((gradient.flatten(1).norm(dim=1) > 0).all())


def test_derivation_by_hand():
    network = build_genotype_supernet("darts", channels=1, cells=3)
    ops = network.ops
    with torch.no_grad():
        network.alphas.zero_()
        network.alphas[..., ops.index("none")] = 9.0  # zeros do not count
        # Node 5 reads 0 to 4 by the edges 9 to 13: the strongest are from 1 and 4.
        network.alphas[0, 10, ops.index("sep_conv_5x5")] = 8.0
        network.alphas[0, 13, ops.index("dil_conv_3x3")] = 8.5
    cell = network.derive()["normal"]
    assert cell.inputs[6:] == (("sep_conv_5x5", 1), ("dil_conv_3x3", 4))
    assert cell.inputs[:2] == (("max_pool_3x3", 0), ("max_pool_3x3", 1))


def test_the_certified_bound_holds_through_every_op():
    generator = torch.Generator().manual_seed(1)
    network = build_genotype_supernet("darts", channels=1, cells=3, classes=2, generator=generator)
    network = network.double()
    x = torch.rand(2, 3, 8, 8, generator=generator).double()
    y = torch.tensor([0, 1])
    calibrate(network, x)
    network.eval()
    for epsilon in (0.0, 1e-4):
        bound = certified_term(network, x, y, epsilon=epsilon).item()
        for _ in range(5):
            noise = torch.rand(x.shape, generator=generator).double() * 2 - 1
            logits = network((x + epsilon * noise.sign()).clamp(0, 1))
            margins = logits.gather(1, y[:, None]) - logits.gather(1, 1 - y[:, None])
            assert bound <= margins.mean().item() + 1e-9
        if epsilon == 0.0:
            assert bound == pytest.approx(margins.mean().item(), abs=1e-6)


def test_bad_sizes():
    with pytest.raises(InvalidInputError, match="cells: expected an integer of at least 4"):
        build_genotype_supernet("arnas", cells=3)
    with pytest.raises(InvalidInputError, match="space: expected one of darts, arnas"):
        build_genotype_supernet("other")
