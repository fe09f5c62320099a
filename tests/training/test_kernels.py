"""Fused kernels on a CPU: parts are compiled by a backend that computes as without it.

Those of our own, which are for a GPU, are in ``tests/networks/test_fused.py``.
"""

import logging
import sys
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from surrobust.errors import InvalidInputError
from surrobust.networks import FoldedNetwork
from surrobust.spaces import Architecture
from surrobust.training import RECIPES, Training, kernels, loop
from surrobust.training.kernels import FUSED, PLAIN

# Of torch's own, about its own use of a tensor.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


@pytest.fixture
def graphs(monkeypatch) -> list[torch.fx.GraphModule]:
    """What was compiled, as a list that grows."""
    from torch._dynamo.backends.debugging import aot_eager

    found: list[torch.fx.GraphModule] = []

    def backend(module, inputs):
        found.append(module)
        return aot_eager(module, inputs)

    torch._dynamo.reset()
    compile_parts = partial(kernels.compile_parts, backend=backend)
    monkeypatch.setattr(kernels, "compile_parts", compile_parts)
    yield found
    torch._dynamo.reset()


@pytest.fixture
def fused(monkeypatch) -> list[torch.nn.Module]:
    """Networks whose cells were to be fused on a CPU, and were not, as a list that grows."""
    found: list[torch.nn.Module] = []
    monkeypatch.setattr(loop, "check_kernels", lambda name, _: name)
    # Instead of the module, which needs Triton.
    fake = SimpleNamespace(fuse_cells=found.append)
    monkeypatch.setitem(sys.modules, "surrobust.networks.fused", fake)
    return found


@pytest.mark.parametrize("name", ["robbench201", "trades", "fast", "standard"])
def test_compiled_parts_take_the_steps_themselves(name, few_digits, small_case, graphs, fused):
    cell, recipe = small_case(name, 1)
    plain, other = (
        Training(cell, few_digits, recipe, device="cpu", kernels=k) for k in (PLAIN, FUSED)
    )
    for training in (plain, other):
        training.run()
    assert len(graphs) > 5
    assert fused == ([] if other._twin is None else [other._twin.twin])
    assert other.losses == plain.losses
    pairs = zip(plain._tensors().values(), other._tensors().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_cells_of_one_width_share_what_is_compiled(few_digits, graphs, fused):
    counts = []
    for cells in (2, 3):
        recipe = RECIPES["standard"].with_(epochs=1, channels=2, cells=cells)
        recipe = recipe.with_(images=64)
        graphs.clear()
        torch._dynamo.reset()
        training = Training(
            Architecture.parse("323133"), few_digits, recipe, device="cpu", kernels=FUSED
        )
        object.__setattr__(training.recipe, "batch_size", len(few_digits))
        training.run()
        counts.append(len(graphs))
    assert counts == [8, 8]  # normalisation, stem, three cells, two reductions, head


def test_attacks_see_weights_without_gradients(few_digits, small_case, graphs, fused):
    cell, recipe = small_case("robbench201", 1)
    training = Training(cell, few_digits, recipe, device="cpu", kernels=FUSED)
    assert training._twin is not None
    assert not any(parameter.requires_grad for parameter in training._twin.parameters())


def test_what_is_not_of_this_package_is_left(graphs):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    kernels.compile_parts(network)
    network(torch.zeros(1, 3, 2, 2))
    assert graphs == []


def test_kernels_that_compute_something_else_are_not_used(
    few_digits, small_case, monkeypatch, caplog, fused
):
    def wrong(network, kernels):
        if isinstance(network, FoldedNetwork):
            network.twin.head.linear.weight.data.neg_()  # and never put right by what is learnt
            monkeypatch.setattr(network, "refresh", lambda: None)

    cell, recipe = small_case("robbench201", 1)
    plain = Training(cell, few_digits, recipe, device="cpu")
    plain.run()
    monkeypatch.setattr(kernels, "set_kernels", wrong)
    monkeypatch.setattr(loop, "set_kernels", wrong)
    guarded = Training(cell, few_digits, recipe, device="cpu", kernels=FUSED)
    monkeypatch.setattr(guarded, "_as_compiled", lambda _: nullcontext())
    with caplog.at_level(logging.WARNING):
        guarded.run()
    assert "training: fused kernels are not used: gradients are alike by -" in caplog.text
    assert guarded.losses == plain.losses


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fast", "kernels: expected one of plain, fused; got 'fast'"),
        ("compiled", "kernels: expected one of plain, fused; got 'compiled'"),
        ("fused", "kernels: expected plain on cpu, got fused"),
    ],
)
def test_kernels_that_cannot_be_had_are_refused(name, told, few_digits, tiny):
    with pytest.raises(InvalidInputError, match=told):
        Training(Architecture.parse("323133"), few_digits, tiny, device="cpu", kernels=name)
