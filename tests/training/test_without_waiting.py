"""What a GPU needs of a step, proven without one: no wait for the host, one device, half precision.

On the device ``meta`` tensors have no values: to read one, or to let it decide on a shape, fails.
"""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from surrobust.spaces import Architecture
from surrobust.training import RECIPES, Training, feed, loop, starting
from surrobust.training.feed import Feed
from surrobust.training.starting import make_stream
from surrobust.training.steps import MomentumSGD

CELL = Architecture.parse("324142")


class OneDevice(TorchDispatchMode):
    """Fails where a tensor is on another device."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device, self.calls = device, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.calls += 1
        for leaf in tree_leaves((args, kwargs, out)):
            assert not isinstance(leaf, torch.Tensor) or leaf.device.type == self.device, func
        return out


def on_meta(cell, recipe, images, monkeypatch) -> Training:
    """Return a training whose tensors have no values."""
    for module in (starting, feed, loop):  # a generator of the CPU: there is none on meta
        monkeypatch.setattr(module, "make_stream", lambda *words, **_: make_stream(*words))
    monkeypatch.setattr(Training, "_autocast", lambda _: nullcontext())
    training = Training(cell, images, recipe, device="cpu")
    device = training.device = torch.device("meta")
    parameters = training.network.to(device).parameters()
    training._optimizer = MomentumSGD(
        parameters, weight_decay=recipe.weight_decay, clip=recipe.clip
    )
    training._settings = training._settings.to(device)
    training._feed = Feed(images, recipe, seed=0, device=device)
    return training


@pytest.mark.parametrize("name", RECIPES)
def test_no_step_waits_for_the_host(name, few_digits, small_case, monkeypatch):
    cell, recipe = small_case(name, 1)
    training = on_meta(cell, recipe, few_digits, monkeypatch)
    with OneDevice("meta") as watched:
        steps = sum(1 for _ in training._pass())
    assert steps == 3  # the last batch is not full
    assert watched.calls > 100


def test_a_step_that_waits_is_noticed(few_digits, small_case, monkeypatch):
    def reading(network, x, y, *_, **__):
        loss = network(x).float().sum()
        return loss if loss > 0 else -loss

    monkeypatch.setattr(loop, "LOSSES", {"clean": reading})
    training = on_meta(*small_case("standard", 1), few_digits, monkeypatch)
    with pytest.raises((RuntimeError, NotImplementedError), match=r"meta|data"):
        list(training._pass())


@pytest.mark.parametrize("name", ["robbench201", "fast", "trades"])
def test_half_precision_is_near_full(name, few_digits, monkeypatch):
    recipe = replace(RECIPES[name], batch_size=64).with_(epochs=1, channels=4, cells=1)
    losses, gradients = [], []
    for precision in ("fp32", "bf16"):
        monkeypatch.setattr(Training, "precision", precision)
        training = Training(CELL, few_digits, recipe, device="cpu")
        next(training.steps())
        found = [p.grad.flatten() for p in training.network.parameters() if p.grad is not None]
        assert all(gradient.dtype == torch.float32 for gradient in found)
        gradients.append(torch.cat(found))
        training.run()
        losses += training.losses
    assert torch.isfinite(gradients[1]).all()
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    # A sign of the attack's gradient may turn, so that the images are not quite the same: of the
    # fast recipe, whose attack takes one step, .91 +- .02 over seeds.
    assert float(torch.nn.functional.cosine_similarity(*gradients, dim=0)) > 0.8
