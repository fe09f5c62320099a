"""The gradient by the images, replayed on a CPU that pretends to be a GPU."""

import pytest
import torch
from pretended_cuda import PretendedCuda

from surrobust._capture import CapturedStep
from surrobust.attacks import APGDCE, PGD
from surrobust.attacks.gradients import CapturedNetwork, input_gradient
from surrobust.measuring import accuracy, measure_accuracy


@pytest.fixture
def cuda(monkeypatch) -> PretendedCuda:
    return PretendedCuda(monkeypatch)


def test_it_is_the_gradient_of_the_cross_entropy() -> None:
    weight = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)
    x = torch.tensor([[0.2, 0.4]], dtype=torch.float64).view(1, 2, 1, 1)
    losses, gradient, logits = input_gradient(
        lambda x: x.flatten(1) @ weight.T, x, torch.tensor([1])
    )
    assert logits.tolist() == [pytest.approx([-0.6, 1.3])]
    p = torch.tensor([-0.6, 1.3], dtype=torch.float64).softmax(0)
    assert losses.tolist() == pytest.approx([-float(p[1].log())])
    # d/dx -log p_1 = p_0 (w_0 - w_1)
    assert gradient.flatten().tolist() == pytest.approx((p[0] * (weight[0] - weight[1])).tolist())


def test_half_precision_logits_have_a_loss_in_single_precision() -> None:
    losses, _, _ = input_gradient(
        lambda x: x.flatten(1).bfloat16(), torch.rand(3, 2, 1, 1), torch.tensor([0, 1, 0])
    )
    assert losses.dtype == torch.float32


@pytest.mark.parametrize("attack", [PGD(0.1, steps=5, restarts=2), APGDCE(0.1, steps=12)])
def test_replayed_attacks_are_the_attacks_themselves(trained, cuda, attack) -> None:
    network, x, y = trained
    replayed = CapturedNetwork(network, x[:64], y[:64])
    assert isinstance(replayed._replay, CapturedStep)
    for part in (slice(0, 64), slice(64, 128), slice(128, 150)):
        found = attack(replayed, x[part], y[part])
        assert torch.equal(found, attack(network, x[part], y[part]))
    # One to try; batches of another size, and what is left of one, are not replayed.
    steps = {"pgd": 2 * 2 * 5, "apgd-ce": 0}[attack.name]
    assert replayed._replay._graph.replays == 1 + steps


def test_what_was_returned_stays_when_the_next_is_asked_for(trained, cuda) -> None:
    network, x, y = trained
    replayed = CapturedNetwork(network, x[:8], y[:8])
    first = input_gradient(replayed, x[:8], y[:8])
    kept = [tensor.clone() for tensor in first]
    input_gradient(replayed, x[8:16], y[8:16])
    assert all(torch.equal(a, b) for a, b in zip(first, kept, strict=True))


@pytest.mark.parametrize("n", [64, 50, 70])
def test_the_last_batch_is_filled_up_and_nothing_counted_twice(
    trained, cuda, monkeypatch, n: int
) -> None:
    network, x, y = (trained[0], *(part[:n] for part in trained[1:]))
    attack = PGD(0.15, steps=4, random_start=False)  # so that no image depends on its batch
    plain = measure_accuracy(network, x, y, attack, batch_size=32)
    monkeypatch.setattr(accuracy, "_pays", lambda *_: True)
    sizes = []

    def watched(images: torch.Tensor) -> torch.Tensor:
        sizes.append(len(images))
        return network(images)

    found = measure_accuracy(watched, x, y, attack, batch_size=32, captured=True)
    assert found.correct.tolist() == plain.correct.tolist()
    assert found.n == n
    assert set(sizes) == {32}
