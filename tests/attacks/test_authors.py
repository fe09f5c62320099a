"""Attacks against the authors' own code on a trained network."""

import sys
from collections.abc import Iterator

import pyautoattack
import pytest
import torch
from torch import nn

from surrobust.attacks import ATTACKS, AutoAttack, Square, apgd_ce
from surrobust.attacks.balls import size
from surrobust.errors import InvalidInputError
from surrobust.measuring import measure_accuracy

EPSILON = {"Linf": 0.15, "L2": 0.8}


def robust(network, x, y, norm: str, attack: str, *, queries: int = 5000) -> torch.Tensor:
    """Return which images withstand one of the authors' attacks, called without our code."""
    suite = pyautoattack.AutoAttack(
        network, norm=norm, eps=EPSILON[norm], version="custom", attacks=[attack], seed=0
    )
    suite.apgd.n_restarts = suite.fab.n_restarts = 1
    suite.square.n_queries = queries
    suite.square.rescale_schedule = queries != 5000
    with torch.random.fork_rng():
        attacked, _ = suite.run_standard_evaluation(x, y, batch_size=len(x))
    return network(attacked).argmax(1) == y


@pytest.fixture
def in_double() -> Iterator[None]:
    """Double precision of whatever says nothing else, such as the losses that the authors keep."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("norm", ["Linf", "L2"])
def test_apgd_ce_climbs_as_the_authors_does(exact, in_double, monkeypatch, norm: str) -> None:
    # From equal starts and without the rounding of single precision, so that images compare one by
    # one: other starts differ by more than a per cent.
    network, x, y = exact
    right = network(x).argmax(1) == y
    x, y, epsilon = x[right], y[right], EPSILON[norm]
    suite = pyautoattack.AutoAttack(network, norm=norm, eps=epsilon)
    suite.apgd.init_hyperparam(x)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _, withstands, highest, _ = suite.apgd.attack_single_run(x, y)
        torch.manual_seed(0)
        drawn = 2 * torch.rand(x.shape) - 1 if norm == "Linf" else torch.randn(x.shape)
    start = epsilon * drawn / size(drawn, norm).view(-1, 1, 1, 1)
    monkeypatch.setattr(apgd_ce, "draw", lambda *_: start)
    logits = network(ATTACKS["apgd-ce"](epsilon, norm=norm)(network, x, y))
    ours = logits.argmax(1) == y
    assert 0.2 < ours.float().mean() < 0.8  # where a weaker attack would show
    assert torch.equal(ours, withstands.bool())
    losses = nn.functional.cross_entropy(logits, y, reduction="none")
    near = torch.isclose(losses, highest, rtol=1e-6)[ours].float().mean()
    # Not all: the authors count the very first step as one that climbs, and where the loss stands
    # still the last bit decides what climbs. .949 and .901 on every instruction set; in L2 at most
    # .857 without one of the rules, .56 with another share of climbing steps, .1 with another
    # momentum or first step.
    assert near > 0.87


@pytest.mark.parametrize("norm", ["Linf", "L2"])
@pytest.mark.parametrize("name", ["apgd-t", "fab-t", "square"])
def test_the_authors_attacks_image_by_image(trained, name: str, norm: str) -> None:
    few = {"apgd-t": 16, "fab-t": 10, "square": 40}[name]
    network, x, y = (part if isinstance(part, nn.Module) else part[:few] for part in trained)
    options = {"queries": 60} if name == "square" else {}
    theirs = robust(network, x, y, norm, name, **options)
    attack = ATTACKS[name](EPSILON[norm], norm=norm, **options)
    found = measure_accuracy(network, x, y, attack)
    assert found.correct.tolist() == theirs.tolist()
    assert found.value < 1


def test_square_of_few_queries_comes_to_its_fine_squares(trained) -> None:
    # Shares of pixels by hand: .8 halves after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of
    # 10000 queries. Of 500, rescaled, the 100th is as the 2000th; otherwise it is itself.
    network, x, y = trained
    found = {}
    for rescaled in (False, True):
        attack = Square(EPSILON["Linf"], queries=500, rescaled=rescaled)
        share = attack._suite(network, 10, x.device).square.p_selection
        later = {False: [2, 3, 3], True: [5, 7, 9]}[rescaled]
        assert [share(at) for at in (100, 300, 401)] == [0.8 / 2**times for times in later]
        found[rescaled] = measure_accuracy(network, x, y, attack).value
    assert found[True] < found[False] - 0.05
    assert measure_accuracy(network, x, y, Square(0.15, queries=500)).value == found[True]
    assert Square().describe()["rescaled"] is False  # as AutoAttack has it
    assert Square(queries=500).describe()["rescaled"] is True


def test_square_of_autoattack_stays_the_authors(trained) -> None:
    network, x, y = (part if isinstance(part, nn.Module) else part[:6] for part in trained)
    theirs = robust(network, x, y, "Linf", "square")
    assert measure_accuracy(network, x, y, Square(0.15)).correct.tolist() == theirs.tolist()


def test_autoattack_is_the_authors_suite(trained) -> None:
    network, x, y = (part if isinstance(part, nn.Module) else part[:12] for part in trained)
    suite = pyautoattack.AutoAttack(network, norm="Linf", eps=0.15, seed=0)
    with torch.random.fork_rng():
        attacked, _ = suite.run_standard_evaluation(x, y, batch_size=len(x))
    ours = AutoAttack(0.15)(network, x, y)
    # The way into the ball, x + (attacked - x), may round the last bit.
    torch.testing.assert_close(ours, attacked, rtol=0, atol=2**-23)
    right = network(ours).argmax(1) == y
    assert torch.equal(right, network(attacked).argmax(1) == y)
    assert 0 < int(right.sum()) < len(x)


@pytest.mark.parametrize("name", ["apgd-t", "fab-t", "square", "autoattack"])
def test_gradients_tracer_and_images_stay_as_they_were(name: str) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5))
    with torch.no_grad():
        network[1].weight.copy_(torch.linspace(-1, 1, 60).reshape(5, 12).sin())
    network(torch.ones(1, 3, 2, 2)).sum().backward()
    before = network[1].weight.grad.clone()
    x = torch.rand((6, 3, 2, 2), generator=torch.Generator().manual_seed(0))
    kept = x.clone()

    def tracer(frame, event, argument):
        return None

    found = sys.gettrace()
    sys.settrace(tracer)
    try:
        # A closure over a network, and logits that are a view of the images' own memory.
        ATTACKS[name](1.0)(lambda x: network(x), x, network(x).argmax(1))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(found)
    ATTACKS[name](0.0)(lambda x: x.flatten(1), x, x.flatten(1).argmax(1))
    assert torch.equal(network[1].weight.grad, before)
    assert torch.equal(x, kept)


def test_views_of_the_images_are_not_written_into() -> None:
    x = torch.rand((4, 3, 2, 2), generator=torch.Generator().manual_seed(0))
    kept = x.clone()
    Square(0.2, queries=5)(lambda x: x.flatten(1), x, x.flatten(1).argmax(1))
    assert torch.equal(x, kept)


def test_double_precision_networks() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5)).double()
    x = torch.rand((4, 3, 2, 2), generator=torch.Generator().manual_seed(0)).double()
    assert ATTACKS["apgd-t"](0.2)(network, x, network(x).argmax(1)).dtype == torch.float64


def test_fewer_classes_than_the_loss_needs() -> None:
    x, y = torch.rand(4, 3, 2, 2), torch.zeros(4, dtype=torch.int64)
    for name in ("apgd-t", "autoattack"):
        with pytest.raises(InvalidInputError, match=f"{name}: expected at least 4 classes, got 3"):
            ATTACKS[name]()(lambda x: x.flatten(1)[:, :3], x, y)
    with pytest.raises(InvalidInputError, match="queries: expected an integer of at least 1"):
        Square(queries=0)


@pytest.mark.parametrize("name", ["square", "autoattack"])
def test_images_too_small_for_square_are_refused(name):
    attack = ATTACKS[name](epsilon=0.5, norm="L2")
    x, y = torch.rand(2, 1, 4, 6), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(InvalidInputError, match="expected at least 5 x 5 pixels, got 4 x 6"):
        attack(lambda images: images.flatten(1)[:, :4], x, y)
