"""Schedule, optimizer, augmentation, inner attack and losses, each against something known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from surrobust.attacks import PGD
from surrobust.errors import InvalidInputError
from surrobust.networks import build_genotype_network, build_network
from surrobust.spaces import Architecture
from surrobust.training import RECIPES, Cosine, InnerAttack, MultiStep, OneCycle
from surrobust.training.feed import Augmentation
from surrobust.training.guard import is_overfitted, strengthen
from surrobust.training.starting import make_stream
from surrobust.training.steps import LOSSES, MomentumSGD, attack_batch, draw_paths, draw_start


@pytest.mark.parametrize("steps", [7, 196, 1000])
def test_one_cycle_is_that_of_torch(steps):
    parameter = nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([parameter], lr=0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    expected = []
    for step in range(steps):
        group = optimizer.param_groups[0]
        expected.append((group["lr"], group["momentum"]))
        optimizer.step()
        if step < steps - 1:
            schedule.step()
    np.testing.assert_allclose(OneCycle(0.1).values(steps), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("epochs", "per_epoch"), [(200, 7), (20, 13)])
def test_multi_step_is_that_of_torch(epochs, per_epoch):
    parameter = nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    marks = [round(0.45 * epochs), round(0.8 * epochs)]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, marks, gamma=0.2)
    expected = []
    for _ in range(epochs):
        expected += [(optimizer.param_groups[0]["lr"], 0.9)] * per_epoch
        optimizer.step()
        schedule.step()
    found = MultiStep(0.1, marks=(0.45, 0.8), factor=0.2).values(epochs * per_epoch)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_cosine_is_that_of_torch():
    parameter = nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([parameter], lr=0.025, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100, eta_min=0.001)
    expected = []
    for _ in range(100):
        expected.append((optimizer.param_groups[0]["lr"], 0.9))
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(Cosine(0.025, end=0.001).values(100), expected, rtol=1e-9)


@pytest.mark.parametrize("per_epoch", [1, 7, 196])
def test_cosine_by_epoch_is_that_of_torch(per_epoch):
    parameter = nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)
    expected = []
    for _ in range(200):
        expected += [(optimizer.param_groups[0]["lr"], 0.9)] * per_epoch
        optimizer.step()
        schedule.step()
    found = Cosine(0.1, by="epoch").values(200 * per_epoch, 200)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_cosine_falls_by_step_or_by_epoch():
    with pytest.raises(InvalidInputError, match="by: expected one of step, epoch; got"):
        Cosine(by="batch")


def test_marks_are_shares():
    with pytest.raises(InvalidInputError, match="marks: expected shares of the steps between"):
        MultiStep(marks=(99, 149))


def test_a_cycle_of_one_step_is_finite():
    assert np.isfinite(OneCycle().values(1)).all()
    assert np.isfinite(OneCycle().values(2)).all()


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_optimizer_is_that_of_torch(nesterov):
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in ((3, 2), (4,), (2,))]
    ours = [nn.Parameter(tensor.clone()) for tensor in start]
    theirs = [nn.Parameter(tensor.clone()) for tensor in start]
    mine = MomentumSGD(ours, weight_decay=0.01, nesterov=nesterov)
    torchs = torch.optim.SGD(theirs, lr=1.0, momentum=0.9, weight_decay=0.01, nesterov=nesterov)
    for rate, momentum in ((0.1, 0.95), (0.3, 0.9), (0.05, 0.85)):
        for own, other in zip(ours[:2], theirs[:2], strict=True):  # the third has no gradient
            own.grad = torch.randn(own.shape, generator=generator)
            other.grad = own.grad.clone()
        torchs.param_groups[0].update(lr=rate, momentum=momentum)
        torchs.step()
        mine.step(torch.tensor([rate, momentum]))
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other)
    assert torch.equal(ours[2], start[2])


def test_two_steps_with_nesterov_by_hand():
    # Rate .5, momentum .5, decay .1. First g = 2 + .1 = 2.1, m = 2.1, and the step is
    # .5 (2.1 + .5 * 2.1) = 1.575; then g = 2 - .0575, m = 1.05 + 1.9425 = 2.9925, and the step
    # is .5 (1.9425 + .5 * 2.9925) = 1.719375.
    weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = MomentumSGD([weight], weight_decay=0.1, nesterov=True)
    places = []
    for _ in range(2):
        weight.grad = torch.full_like(weight, 2.0)
        optimizer.step(torch.tensor([0.5, 0.5], dtype=torch.float64))
        places.append(weight.item())
    assert places == pytest.approx([-0.575, -2.294375], abs=1e-12)


@pytest.mark.parametrize("clip", [0.5, 100.0])
def test_clipping_is_that_of_torch(clip):
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in ((3, 2), (4,))]
    ours = [nn.Parameter(tensor.clone()) for tensor in start]
    theirs = [nn.Parameter(tensor.clone()) for tensor in start]
    mine = MomentumSGD(ours, weight_decay=0.01, clip=clip)
    torchs = torch.optim.SGD(theirs, lr=0.1, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = torch.randn(own.shape, generator=generator)
            other.grad = own.grad.clone()
        length = nn.utils.clip_grad_norm_(theirs, clip)
        assert (length > clip) == (clip == 0.5)
        torchs.step()
        mine.step(torch.tensor([0.1, 0.9]))
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other)


def test_a_square_of_half_the_side_is_cut_out():
    x = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    cuts = Augmentation(x, crop=False, flip=False, cutout=0.5)
    found = cuts.cut(torch.zeros(500, dtype=torch.int64), make_stream(0, 2))
    squares = {}
    for row in range(8):
        for column in range(8):
            image = torch.ones(3, 8, 8)
            image[:, max(row - 2, 0) : row + 2, max(column - 2, 0) : column + 2] = 0.0
            squares[image.numpy().tobytes()] = (row, column)
    where = {squares[image.contiguous().numpy().tobytes()] for image in found}
    assert len(where) == 64  # every pixel was a centre
    again = cuts.cut(torch.zeros(500, dtype=torch.int64), make_stream(0, 2))
    assert torch.equal(found, again)


def test_dropped_paths_are_right_on_average():
    recipe = replace(RECIPES["dsrna"], drop_path=0.4, cells=20, epochs=10)
    (paths,) = draw_paths(recipe, 5, torch.empty(2000, 1), make_stream(0, 5))
    assert paths.shape == (20, 8, 2000)
    assert set(paths.unique().tolist()) == {0.0, 1.25}
    assert paths.mean().item() == pytest.approx(1.0, abs=5 * 0.5 / 320_000**0.5)
    (paths,) = draw_paths(recipe, 0, torch.empty(3, 1), make_stream(0, 5))
    assert torch.equal(paths, torch.ones(20, 8, 3))
    assert draw_paths(RECIPES["arnas"], 5, torch.empty(3, 1), make_stream(0, 5)) == ()


@pytest.mark.parametrize("name", ["clean", "adversarial", "trades"])
def test_the_auxiliary_loss_by_hand(name, genotype):
    network = build_genotype_network(
        genotype, channels=1, cells=3, classes=10, image_size=8, auxiliary=True
    )
    # Without batch norm's dependence on the batch all passes see the same numbers.
    network.train = lambda *_: nn.Module.train(network, False)  # type: ignore[method-assign]
    network.train()
    x, y = batch()
    with_it = replace(
        RECIPES["trades"], loss=name, auxiliary=0.4, attack=InnerAttack(steps=2, start="near")
    )
    without = replace(with_it, auxiliary=None)
    start = draw_start(x, with_it.attack, make_stream(0, 3))
    first, second = (LOSSES[name](network, x, y, start, r, r.attack) for r in (with_it, without))
    extra = network.both(x)[1]
    by_hand = -extra.log_softmax(1)[range(12), y].mean()
    assert (first - second).item() == pytest.approx(0.4 * by_hand.item(), rel=1e-4)


def test_crops_are_shifts_filled_with_black_and_flips_mirrors():
    x = torch.arange(1, 1 + 3 * 16 * 16).reshape(1, 3, 16, 16).remainder(250).add(1).byte()
    cuts = Augmentation(x, crop=True, flip=True)
    found = cuts.cut(torch.zeros(300, dtype=torch.int64), make_stream(0, 2))
    padded = functional.pad(x, [2, 2, 2, 2])[0]
    shifts = [padded[:, i : i + 16, j : j + 16] for i in range(5) for j in range(5)]
    allowed = [cut.float() / 255 for shift in shifts for cut in (shift, shift.flip(2))]
    which = [[torch.equal(image, cut) for cut in allowed] for image in found]
    assert all(sum(row) == 1 for row in which)
    assert {row.index(True) for row in which} == set(range(50))


def test_nothing_is_cut_where_nothing_is_said():
    x = torch.randint(256, (5, 3, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    cuts = Augmentation(x, crop=False, flip=False)
    found = cuts.cut(torch.tensor([3, 1]), make_stream(0, 2))
    assert torch.equal(found, x[[3, 1]].float() / 255)


def small_network() -> nn.Module:
    return build_network(Architecture.parse("323133"), channels=2, cells=1, image_size=8)


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return torch.rand((n, 3, 8, 8), generator=generator), torch.arange(n) % 10


def test_the_inner_attack_is_pgd():
    network, (x, y) = small_network(), batch()
    attack = InnerAttack(steps=3, start="image")
    found = attack_batch(network, x, y, draw_start(x, attack, make_stream(0, 3)), attack)
    expected = PGD(steps=3, step_size=2 / 255, random_start=False)(network, x, y)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("divergence", [False, True])
@pytest.mark.parametrize("modes", ["train", "eval"])
@pytest.mark.parametrize("start", ["ball", "near", "image"])
def test_attacked_images_are_in_the_ball_and_in_range(start, modes, divergence):
    network, (x, y) = small_network(), batch()
    attack = InnerAttack(steps=4, step_size=5 / 255, start=start, modes=modes)
    statistics = network.stem.norm.running_mean.clone()
    drawn = draw_start(x, attack, make_stream(0, 3))
    found = attack_batch(network, x, y, drawn, attack, divergence=divergence)
    assert float((found - x).abs().max()) <= 8 / 255 + 1e-6
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    kept = torch.equal(network.stem.norm.running_mean, statistics)
    assert kept == (modes == "eval")


def test_trades_by_hand():
    network, (x, y) = small_network(), batch()
    # Without batch norm's dependence on the batch both sides see the same logits.
    network.train = lambda *_: nn.Module.train(network, False)  # type: ignore[method-assign]
    network.train()
    recipe = replace(RECIPES["trades"], attack=InnerAttack(steps=2, start="near"))
    start = draw_start(x, recipe.attack, make_stream(0, 3))
    found = attack_batch(network, x, y, start, recipe.attack, divergence=True)
    p, q = network(x).softmax(1), network(found).softmax(1)
    by_hand = -p[range(12), y].log().mean() + 6 * (p * (p / q).log()).sum(1).mean()
    loss = LOSSES["trades"](network, x, y, start, recipe, recipe.attack)
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-4)


class Overfitted(nn.Module):
    """Right where the mean shift from grey is 0 or 8/255, wrong half-way.

    One long step jumps over the middle, short ones end in it: catastrophic overfitting in one
    dimension.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shift = 255 * (x - 0.5).flatten(1).mean(1).abs()
        return torch.stack([(shift - 4).abs() - 2, torch.zeros_like(shift)], 1)


class Sound(nn.Module):
    """Right everywhere in the ball."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x.flatten(1).mean(1), torch.zeros(len(x))], 1)


@pytest.mark.parametrize(("network", "alarm"), [(Overfitted(), True), (Sound(), False)])
def test_the_guard_tells_what_withstands_one_step_only(network, alarm):
    x, y = torch.full((8, 3, 4, 4), 0.5), torch.zeros(8, dtype=torch.int64)
    attack = InnerAttack(steps=1, step_size=16 / 255)
    assert is_overfitted(network, x, y, attack, make_stream(0, 4)) == alarm


def test_alarms_double_the_steps():
    attack = InnerAttack(steps=1, step_size=10 / 255)
    assert strengthen(attack, 2) == replace(attack, steps=4, step_size=2.5 / 255)
    assert strengthen(attack, 0) == attack
