"""Networks as callers hand them over: in any mode, behind any function, with any numbers."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

from surrobust._classifiers import (
    as_tensor,
    check_range,
    evaluating,
    find_modules,
    in_mode,
    takes_gradients,
)
from surrobust.errors import InvalidInputError

GLOBAL = nn.Linear(2, 2)


def by_global(x):
    return GLOBAL(x)


def by_two_functions(x):
    return by_global(x)


class Holder:
    def __init__(self, model: nn.Module) -> None:
        self.models = [model]

    def __call__(self, x):
        return self.models[0](x)

    def method(self, x):
        return self.models[0](x)


def functions_of(model: nn.Module) -> dict[str, object]:
    def inner(x):
        return model(x)

    def outer(x):
        return inner(x)

    @functools.wraps(model.forward)
    def wrapped(x, *, net=model):
        return net(x)

    return {
        "module": model,
        "closure": inner,
        "closure of a closure": outer,
        "default": lambda x, net=model: net(x),
        "keyword default": wrapped,
        "partial": functools.partial(lambda net, x: net(x), model),
        "forward": model.forward,
        "object": Holder(model),
        "method": Holder(model).method,
        "several": {"first": (model,)},
        "deep": functools.partial(lambda held, x: held(x), Holder(functools.partial(inner))),
    }


@pytest.mark.parametrize("name", list(functions_of(nn.Identity())))
def test_modules_are_found_behind_any_function(name: str) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    assert find_modules(functions_of(model)[name]) == [model]


def test_modules_are_found_that_functions_name() -> None:
    assert find_modules(by_global) == find_modules(by_two_functions) == [GLOBAL]
    assert find_modules(lambda x: torch.relu(x)) == []
    assert find_modules(None) == []


def test_data_that_a_function_names_is_not_searched() -> None:
    many = [[number] for number in range(100_000)]
    model = nn.Identity()
    assert find_modules(lambda x: model(x) if many else x) == [model]


def test_a_function_of_itself_has_an_end() -> None:
    def again(x):
        return again(x)

    held: list[object] = [again]
    held.append(held)
    assert find_modules(held) == []


def test_every_module_gets_its_own_mode_back() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()))
    network.eval()
    network[1][0].train()  # an evaluated root with a part in training, and the other way round
    network[0].train()
    before = [module.training for module in network.modules()]
    assert len(set(before)) == 2
    with evaluating(lambda x: network(x)):
        assert not any(module.training for module in network.modules())
        with in_mode(True, network):
            assert all(module.training for module in network.modules())
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == before


class Merging(nn.Module):
    """Its training form differs from its evaluation form, as a low-rank adapter's does."""

    def __init__(self) -> None:
        super().__init__()
        self.merged = False

    def train(self, mode: bool = True):
        self.merged = not mode
        return super().train(mode)


class Frozen(nn.Module):
    """Stays in training whatever it is told."""

    def train(self, mode: bool = True):
        del mode
        return super().train(True)


def test_modes_are_set_by_the_modules_own_methods() -> None:
    network = nn.Sequential(Merging(), Merging().eval(), Frozen())
    with evaluating(network):
        assert [network[0].merged, network[1].merged] == [True, True]
        assert not network[2].training
    assert [network[0].merged, network[1].merged] == [False, True]
    assert network[2].training


def test_the_modes_come_back_after_an_error() -> None:
    network = nn.Sequential(nn.Linear(2, 2)).train()
    with pytest.raises(KeyError), evaluating(network):
        raise KeyError
    assert network[0].training


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_taken_in_any_mode_and_only_within(mode) -> None:
    weight = nn.Parameter(torch.ones(()))

    @takes_gradients
    def slope() -> float:
        return float(torch.autograd.grad(weight**2, weight)[0])

    @takes_gradients
    def slopes():
        for _ in range(2):
            yield slope()

    with mode():
        assert slope() == 2.0
        for found in slopes():
            assert found == 2.0
            assert not torch.is_grad_enabled()
            assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)


def test_arrays_of_any_layout_are_taken() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert as_tensor(x[:, ::-1], "x").tolist() == [[2, 1, 0], [5, 4, 3]]
    assert as_tensor(x.astype(">f4"), "x").tolist() == x.tolist()
    assert as_tensor([[1, 2]], "x").tolist() == [[1, 2]]
    with pytest.raises(InvalidInputError, match="x: expected a tensor or an array of numbers"):
        as_tensor([object()], "x")


def test_what_is_out_of_range_by_rounding_is_told_with_all_digits() -> None:
    above = torch.tensor([0.0, 1.0000001])
    with pytest.raises(InvalidInputError, match=r"got 0 to 1\.00000012 \(rounding\? clamp them\)"):
        check_range(above, "x")
    with pytest.raises(InvalidInputError, match=r"got nan 1 times$"):
        check_range(torch.tensor([0.5, torch.nan]), "x")
    with pytest.raises(InvalidInputError, match=r"got 0 to 255$"):
        check_range(torch.tensor([0.0, 255.0]), "x")
