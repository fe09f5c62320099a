"""What cannot be bounded is refused in one line, whoever asks."""

import pytest
import torch
from torch import nn

from surrobust.certificates import RANGES, Box, check_bounded, margin_bounds
from surrobust.errors import InvalidInputError


class Hidden(nn.Module):
    """A ReLU that is not a module."""

    def __init__(self, seed=0):
        super().__init__()
        self.layer = nn.Linear(4, 2)
        for parameter in self.layer.parameters():
            nn.init.normal_(parameter, generator=torch.Generator().manual_seed(seed))

    def forward(self, x):
        return torch.relu(-self.layer(x.flatten(1))) * 5


class Twice(nn.Module):
    """One ReLU, called twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.relu = nn.Linear(4, 4), nn.Linear(4, 2), nn.ReLU()

    def forward(self, x):
        return self.relu(self.second(self.relu(self.first(x.flatten(1)))))


def flat(*layers):
    torch.nn.init.constant_(layers[0].weight, 0.5)
    return nn.Sequential(nn.Flatten(), *layers)


REFUSED = {
    "expected layers among .* got Sigmoid at 2": flat(nn.Linear(4, 2), nn.Sigmoid()).eval(),
    "expected layers among .* got LeakyReLU at 2": flat(nn.Linear(4, 2), nn.LeakyReLU()).eval(),
    "got another function in it": Hidden().eval(),
    "expected evaluation mode, got training mode at 1": nn.Sequential(
        nn.Flatten(), nn.Dropout(), nn.Linear(4, 2)
    ),
    "expected maxima over square windows": nn.Sequential(
        nn.MaxPool2d(2, dilation=2, padding=1), nn.Flatten(), nn.Linear(1, 2)
    ).eval(),
    "each ReLU and maximum to be called once": Twice().eval(),
}


@pytest.mark.parametrize("ranges", sorted(RANGES))
@pytest.mark.parametrize("message", list(REFUSED))
def test_bounds_of_what_cannot_be_bounded(message, ranges):
    network = REFUSED[message]
    box = Box.around(torch.full((1, 1, 2, 2), 0.5), 0.1)
    with pytest.raises(InvalidInputError, match=f"network: .*{message}"):
        margin_bounds(network, box, torch.tensor([0]), ranges=ranges)
    assert not any("forward" in vars(module) for module in network.modules())


@pytest.mark.parametrize("seed", range(50))
def test_a_hidden_function_is_found_wherever_it_bends(seed):
    with pytest.raises(InvalidInputError, match="got another function in it"):
        check_bounded(Hidden(seed).eval(), torch.zeros(1, 1, 2, 2))


def test_layers_are_looked_at_even_where_the_network_is_known():
    network = next(iter(REFUSED.values()))
    box = Box.around(torch.full((1, 1, 2, 2), 0.5), 0.1)
    with pytest.raises(InvalidInputError, match="got Sigmoid"):
        margin_bounds(network, box, torch.tensor([0]), known=True)


def test_the_network_is_left_as_it_is():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    ).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    check_bounded(nn.Sequential(network, nn.Flatten()), torch.zeros(1, 1, 4, 4))
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])
