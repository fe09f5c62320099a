"""The twin of a network in evaluation."""

import pytest
import torch
from torch import nn

from surrobust.networks import FoldedNetwork, build_genotype_network, build_network
from surrobust.spaces import DARTS_SPACES, Architecture

(GENOTYPE,) = DARTS_SPACES["arnas"].sample(1, seed=3)


def build(kind: str) -> nn.Module:
    """Return a network whose running statistics are not those of the beginning."""
    if kind == "genotype":
        network: nn.Module = build_genotype_network(
            GENOTYPE, channels=2, cells=3, image_size=8, auxiliary=True
        )
    else:
        network = build_network(Architecture.parse(kind), channels=4, cells=1, image_size=8)
    generator = torch.Generator().manual_seed(1)
    for name, parameter in network.named_parameters():
        if name.endswith("norm.bias"):
            parameter.data.normal_(generator=generator)
    for _ in range(3):
        network(images())
    return network


def images(n: int = 16) -> torch.Tensor:
    return torch.rand((n, 3, 8, 8), generator=torch.Generator().manual_seed(0))


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("kind", ["323134", "000000", "033113", "300102", "genotype"])
def test_it_computes_what_the_network_does_in_evaluation(kind):
    network = build(kind).double()
    expected = network.eval()(images().double())
    network.train()
    found = FoldedNetwork(network)(images().double())
    torch.testing.assert_close(found, expected.detach(), rtol=1e-9, atol=1e-12)
    assert network.training


def test_a_kernel_and_its_bias_by_hand():
    network = build("323133")
    block = network.stem
    convolution = FoldedNetwork(network).twin.stem.convolution
    scale = block.norm.weight / (block.norm.running_var + 1e-5).sqrt()
    torch.testing.assert_close(
        convolution.weight, (block.convolution.weight * scale[:, None, None, None]).detach()
    )
    bias = block.norm.bias - block.norm.running_mean * scale
    torch.testing.assert_close(convolution.bias, bias.detach())


@pytest.mark.parametrize(("kind", "left"), [("323133", 1), ("genotype", 3)])
def test_every_batch_norm_behind_a_convolution_is_folded(kind, left):
    # What is left stands behind a sum (the head), or behind two convolutions side by side.
    network = build(kind)
    assert norms(FoldedNetwork(network)) == left
    assert norms(network) > 10


def test_it_takes_over_what_was_learnt_in_the_place_of_what_it_had():
    network = build("323134")
    twin = FoldedNetwork(network)
    places = [tensor.data_ptr() for tensor in twin.state_dict().values()]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05)
    network(images())
    before = twin(images())
    twin.refresh()
    assert [tensor.data_ptr() for tensor in twin.state_dict().values()] == places
    assert not torch.allclose(twin(images()), before)
    assert torch.equal(twin(images()), FoldedNetwork(network)(images()))


def test_only_images_have_gradients():
    network = build("323134")
    x = images().requires_grad_()
    FoldedNetwork(network)(x).sum().backward()
    assert x.grad is not None
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("kind", ["323134", "genotype"])
def test_half_precision_is_of_what_lies_between_normalisation_and_classifier(kind):
    network = build(kind)
    twin, seen = FoldedNetwork(network, torch.bfloat16), {}

    def note(module, _, out):
        seen.setdefault(type(module), set()).add(out.dtype)

    for module in twin.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(note)
    logits = twin(images())
    assert seen == {nn.Conv2d: {torch.bfloat16}, nn.Linear: {torch.float32}}
    expected = FoldedNetwork(network)(images())
    spread = expected.std()
    assert 0 < float((logits - expected).abs().max()) < 0.1 * spread


def test_other_modules_are_twins_of_themselves():
    # A convolution with a bias, batch norm without scale, and batch norm that keeps no statistics.
    network = nn.Sequential(
        *(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)),
        *(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4, affine=False)),
        *(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4, track_running_stats=False)),
    )
    network(images())
    twin = FoldedNetwork(network)
    assert norms(twin) == 3
    assert torch.equal(twin(images()), network.eval()(images()))
