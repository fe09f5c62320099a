"""Parts that torch.compile makes, here by a backend that computes as without it."""

from functools import partialmethod

import pytest
import torch

from surrobust.training import RECIPES, Training
from surrobust.training.compiling import compile_parts

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
    plain = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(plain, backend=backend))
    yield found
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["robbench201", "trades", "fast", "standard"])
def test_compiled_steps_are_the_steps_themselves(name, few_digits, small_case, graphs):
    cell, recipe = small_case(name, 1)
    plain, compiled = (
        Training(cell, few_digits, recipe, device="cpu", compiled=c) for c in (False, True)
    )
    for training in (plain, compiled):
        training.run()
    assert len(graphs) > 5
    assert compiled.losses == plain.losses
    pairs = zip(plain._tensors().values(), compiled._tensors().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_cells_of_one_width_share_what_is_compiled(few_digits, graphs):
    from surrobust.spaces import Architecture

    counts = []
    for cells in (2, 3):
        recipe = RECIPES["standard"].with_(epochs=1, channels=2, cells=cells)
        recipe = recipe.with_(images=64)
        graphs.clear()
        torch._dynamo.reset()
        training = Training(
            Architecture.parse("323133"), few_digits, recipe, device="cpu", compiled=True
        )
        object.__setattr__(training.recipe, "batch_size", len(few_digits))
        training.run()
        counts.append(len(graphs))
    assert counts == [8, 8]  # normalisation, stem, three cells, two reductions, head


def test_attacks_see_weights_without_gradients(few_digits, small_case, graphs):
    cell, recipe = small_case("robbench201", 1)
    training = Training(cell, few_digits, recipe, device="cpu", compiled=True)
    assert training._twin is not None
    assert not any(parameter.requires_grad for parameter in training._twin.parameters())


def test_what_is_not_of_this_package_is_left(graphs):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    compile_parts(network)
    network(torch.zeros(1, 3, 2, 2))
    assert graphs == []
