"""The strategies: gradients of their objectives, and how they make one of several."""

import pytest
import torch
from torch.nn import functional

from surrobust.attacks import PGD
from surrobust.differentiable import (
    GRADIENT_CLASSES,
    Arnas,
    Dsrna,
    InnerStep,
    SearchBatch,
    architecture_gradients,
)
from surrobust.differentiable.descent import calibrate, fit_loss
from surrobust.differentiable.unrolling import evaluate_at
from surrobust.errors import InvalidInputError

ENTRIES = [(0, 0, 3), (0, 2, 1), (0, 4, 2), (0, 5, 4)]


def test_names():
    assert list(GRADIENT_CLASSES) == ["darts", "dsrna", "arnas"]
    for name, method in GRADIENT_CLASSES.items():
        made = method()
        assert made.name == name
        assert method(**made.options).options == made.options


@pytest.mark.parametrize(
    "method",
    [
        Dsrna(epsilon=0.01),
        Dsrna("certified", epsilon=0.01, relaxation="linear"),
        Arnas(steps=2),
        Arnas(steps=2, modes="eval", unrolled=True, clipped=True),
    ],
    ids=["dsrna", "dsrna-linear", "arnas", "arnas-unrolled"],
)
def test_outer_gradients_of_both_orders(tiny, by_differences, method):
    network, fitted, held = tiny
    calibrate(network, fitted[0])
    inner = fit_loss(SearchBatch(*fitted))
    outers = method.outers(network, SearchBatch(*held, seed=5))
    step = InnerStep(0.05)

    def unrolled(outer):
        weights = network.weights()
        slopes = torch.autograd.grad(
            evaluate_at(network, {}, inner), list(weights.values()), materialize_grads=True
        )
        moved = {n: w - 0.05 * s for (n, w), s in zip(weights.items(), slopes, strict=True)}
        return evaluate_at(network, moved, outer).item()

    first = architecture_gradients(network, list(outers.values()))
    second = architecture_gradients(network, list(outers.values()), inner=inner, step=step)
    for outer, (_, one), (_, two) in zip(outers.values(), first, second, strict=True):
        plain = lambda f=outer: evaluate_at(network, {}, f).item()  # noqa: E731
        for entry in ENTRIES:
            slope = by_differences(network, plain, entry, 1e-6)
            assert one[entry].item() == pytest.approx(slope, rel=2e-3, abs=1e-6)
        through = lambda f=outer: unrolled(f)  # noqa: E731
        for entry in ENTRIES[:2]:
            slope = by_differences(network, through, entry, 1e-6)
            assert two[entry].item() == pytest.approx(slope, rel=2e-3, abs=1e-6)


def test_what_each_measure_of_dsrna_looks_at(tiny):
    network, _, held = tiny
    names = {
        r: list(Dsrna(r).outers(network, SearchBatch(*held)))
        for r in ("certified", "jacobian", "combined")
    }
    assert names == {
        "certified": ["loss", "certified"],
        "jacobian": ["loss", "jacobian"],
        "combined": ["loss", "certified", "jacobian"],
    }


def test_dsrna_by_hand():
    gradients = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 10.0]), torch.tensor([5.0, 0.0])]
    values = [0.0, -20.0, -5.0]
    found, _ = Dsrna(gamma=0.1).combine(gradients, values)
    torch.testing.assert_close(found, torch.tensor([0.5, -1.0]))
    found, notes = Dsrna(gamma=0.1, relative=True).combine(gradients, values)
    torch.testing.assert_close(found, torch.tensor([0.9, -0.05]))
    assert notes["robust_to_loss"] == pytest.approx(0.1 * (1 + 0.25) ** 0.5)


def test_arnas_by_hand():
    gradients = [torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0])]
    found, notes = Arnas().combine(gradients, [1.0, 1.0])
    torch.testing.assert_close(found, torch.tensor([0.4, 0.8]))
    assert notes == {"clean_share": pytest.approx(0.2)}
    found, _ = Arnas(mgda=False).combine(gradients, [1.0, 1.0])
    torch.testing.assert_close(found, torch.tensor([2.0, 1.0]))


def test_arnas_fits_to_attacked_images(tiny):
    network, fitted, _ = tiny
    x, y = fitted
    network.train()
    found = Arnas().fitted(network, SearchBatch(x, y, seed=1))
    assert float((found - x).abs().max()) <= 8 / 255 + 1e-9
    network.eval()
    with torch.no_grad():
        before, after = (functional.cross_entropy(network(i), y).item() for i in (x, found))
    assert after > before
    assert GRADIENT_CLASSES["darts"]().fitted(network, SearchBatch(x, y)) is x


def test_the_loss_under_attack_has_its_weight(tiny):
    network, _, held = tiny
    calibrate(network, held[0])
    light, full = (
        evaluate_at(
            network, {}, Arnas(weight=w).outers(network, SearchBatch(*held))["attacked"]
        ).item()
        for w in (0.1, 1.0)
    )
    assert light == pytest.approx(0.1 * full)


def by_hand(network, x, y, *, clipped, seed):
    """Seven steps of 2/255 within 8/255, of images in order; the network's mode stays."""
    generator = torch.Generator().manual_seed(seed)
    found = x + torch.empty_like(x).uniform_(-8 / 255, 8 / 255, generator=generator)
    for _ in range(7):
        found = found.clamp(0, 1) if clipped else found
        pixels = found.clone().requires_grad_()
        (slope,) = torch.autograd.grad(functional.cross_entropy(network(pixels), y), pixels)
        found = torch.maximum(
            torch.minimum(found + 2 / 255 * slope.sign(), x + 8 / 255), x - 8 / 255
        )
    return found.clamp(0, 1) if clipped else found


@pytest.mark.parametrize("modes", ["train", "eval"])
@pytest.mark.parametrize("clipped", [False, True])
def test_arnas_attacks_in_either_mode(tiny, modes, clipped):
    network, (x, y), _ = tiny
    x = x.round()  # black and white: half of the steps lead out of the range
    calibrate(network, x)
    before = {name: t.clone() for name, t in network.state_dict().items()}
    found = Arnas(modes=modes, clipped=clipped).fitted(network, SearchBatch(x, y, seed=1))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    expected = by_hand(network.train(modes == "train"), x, y, clipped=clipped, seed=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    assert (float(found.min()) < 0) is not clipped
    if modes == "eval" and clipped:
        same = PGD(8 / 255, steps=7, step_size=2 / 255, seed=1)(network, x, y)
        torch.testing.assert_close(found, same, rtol=0, atol=1e-9)


def test_arnas_attacks_the_weights_as_they_are_or_those_of_the_loss(tiny):
    network, _, held = tiny
    batch = SearchBatch(*held, seed=2)
    with torch.no_grad():
        moved = {name: w.neg() for name, w in network.weights().items()}

    def loss(x):
        of = lambda at: 0.1 * functional.cross_entropy(at(x), batch.y)  # noqa: E731
        return evaluate_at(network, moved, of).item()

    now = Arnas().fitted(network, batch)
    then = evaluate_at(network, moved, lambda at: Arnas().fitted(at, batch))
    assert loss(now) != pytest.approx(loss(then))
    for unrolled, x in ((False, now), (True, then)):
        attacked = Arnas(unrolled=unrolled).outers(network, batch)["attacked"]
        assert evaluate_at(network, moved, attacked).item() == pytest.approx(loss(x), rel=1e-9)


def test_bad_options():
    with pytest.raises(InvalidInputError, match="robustness: expected one of certified"):
        Dsrna("best")
    with pytest.raises(InvalidInputError, match="relaxation: expected one of interval, linear"):
        Dsrna(relaxation="exact")
    with pytest.raises(InvalidInputError, match="steps: expected an integer of at least 1"):
        Arnas(steps=0)
    with pytest.raises(InvalidInputError, match="modes: expected one of train, eval; got 'both'"):
        Arnas(modes="both")
