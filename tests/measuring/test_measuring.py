"""Accuracies with their intervals, resumed measurements, paired comparison."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from surrobust.attacks import FGSM, PGD
from surrobust.errors import InvalidInputError, NotFiniteError
from surrobust.measuring import EVALUATION_PRESETS, Accuracy, compare_paired, measure_accuracy
from surrobust.measuring.accuracy import layout_for
from surrobust.metrics import clopper_pearson_lower, mcnemar_exact, wilson_interval


class Brightness(nn.Module):
    """Class 1 where the mean of the pixels is above a half."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(0.5))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += len(x)
        mean = x.flatten(1).mean(1)
        return torch.stack([self.threshold - mean, mean - self.threshold], dim=1)


def levels(n: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    """Constant images of 0.05, 0.15, ... 0.95 with their true classes."""
    x = (torch.arange(n) + 0.5).div(n).reshape(n, 1, 1, 1).expand(n, 3, 2, 2).contiguous()
    return x, (x[:, 0, 0, 0] > 0.5).long()


@pytest.mark.parametrize("batch_size", [3, 256])
def test_accuracy_by_hand(batch_size: int) -> None:
    x, y = levels()
    network = Brightness().train()
    clean = measure_accuracy(network, x, y, batch_size=batch_size)
    assert (clean.value, clean.n, clean.upper) == (1.0, 10, 1.0)
    # 0.1 carries the two images at 0.45 and 0.55 over the threshold, not those at 0.35 and 0.65.
    attacked = measure_accuracy(network, x, y, FGSM(epsilon=0.1), batch_size=batch_size)
    assert attacked.correct.tolist() == [True] * 4 + [False] * 2 + [True] * 4
    assert attacked.value == 0.8
    assert attacked.lower < 0.8 < attacked.upper
    assert network.training


def test_bytes_are_scaled_and_arrays_taken() -> None:
    x, y = levels()
    pixels = (x * 255).round().to(torch.uint8).numpy()
    assert measure_accuracy(Brightness(), pixels, y.numpy().astype(np.int32)).value == 1.0


def test_what_an_attack_returns_is_scored_anew() -> None:
    class Boast(FGSM):
        name = "boast"

        def _perturb(self, network, x, y, generator):
            del network, y, generator
            return x  # whatever it claims

    x, y = levels()
    assert measure_accuracy(Brightness(), x, y, Boast(epsilon=0.4)).value == 1.0


def test_a_measurement_goes_on_where_it_stopped(tmp_path) -> None:
    x, y = levels()
    path = tmp_path / "progress.json"
    whole = measure_accuracy(Brightness(), x, y, PGD(epsilon=0.1), batch_size=2)

    def stop(done: int, n: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_accuracy(
            Brightness(), x, y, PGD(epsilon=0.1), batch_size=2, checkpoint=path, report=stop
        )
    assert json.loads(path.read_text())["correct"] == "1111"
    seen = []
    network = Brightness()
    resumed = measure_accuracy(
        network,
        x,
        y,
        PGD(epsilon=0.1),
        batch_size=2,
        checkpoint=path,
        report=lambda done, n: seen.append((done, n)),
    )
    assert seen == [(6, 10), (8, 10), (10, 10)]
    assert resumed.correct.tolist() == whole.correct.tolist()
    network.calls = 0
    again = measure_accuracy(network, x, y, PGD(epsilon=0.1), batch_size=2, checkpoint=path)
    assert (network.calls, again.value) == (0, whole.value)


def test_progress_of_another_measurement_is_refused(tmp_path) -> None:
    x, y = levels()
    path = tmp_path / "progress.json"
    measure_accuracy(Brightness(), x, y, PGD(epsilon=0.1), checkpoint=path)
    other = Brightness()
    with torch.no_grad():
        other.threshold += 0.1
    for change, named in [
        ({"network": other}, "network"),
        ({"images": 1 - x}, "images"),
        ({"labels": 1 - y}, "labels"),
        ({"attack": PGD(epsilon=0.1, steps=3)}, "attack"),
        ({"attack": PGD(epsilon=0.1, seed=3)}, "attack"),
        ({"batch_size": 5}, "batch_size"),
    ]:
        given = {
            "network": Brightness(),
            "images": x,
            "labels": y,
            "attack": PGD(epsilon=0.1),
            **change,
        }
        with pytest.raises(InvalidInputError, match=f"another {named}$"):
            measure_accuracy(**given, checkpoint=path)
    for other in ("[]", '{"correct": "1", "measurement": [1]}', '{"correct": "1"}'):
        path.write_text(other)
        with pytest.raises(InvalidInputError, match="expected the progress of a measurement"):
            measure_accuracy(Brightness(), x, y, checkpoint=path)


@pytest.mark.parametrize(
    ("old", "new"), [('correct": "1', 'correct": "0'), ('"checksum"', '"chfcksum"')]
)
def test_progress_that_was_changed_is_refused(tmp_path, old, new) -> None:
    x, y = levels()
    path = tmp_path / "progress.json"
    whole = measure_accuracy(Brightness(), x, y, checkpoint=path)
    written = path.read_text()
    path.write_text(written.replace(old, new))
    with pytest.raises(InvalidInputError, match=r"checksum: expected .*delete it to measure anew"):
        measure_accuracy(Brightness(), x, y, checkpoint=path)
    # As before there were checksums.
    document = json.loads(written)
    del document["checksum"]
    path.write_text(json.dumps(document))
    again = measure_accuracy(Brightness(), x, y, checkpoint=path, report=lambda *_: 1 / 0)
    assert again.value == whole.value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(10, 3)}, "images: expected uint8 or floats of shape"),
        ({"images": torch.full((10, 3, 2, 2), 1.5)}, r"images: expected values in \[0, 1\]"),
        ({"images": torch.full((10, 3, 2, 2), torch.nan)}, r"images: expected values in \[0, 1\]"),
        ({"labels": torch.zeros(9, dtype=torch.int64)}, r"labels: expected integers of shape"),
        ({"labels": torch.zeros(10)}, r"labels: expected integers of shape"),
        ({"batch_size": 0}, "batch_size: expected an integer of at least 1"),
        ({"device": "gpu"}, "device: expected a device of torch"),
        ({"device": "meta"}, "device: expected a device of torch that is here"),
    ],
)
def test_wrong_arguments_are_refused(change, message: str) -> None:
    x, y = levels()
    given = {"images": x, "labels": y, **change}
    with pytest.raises(InvalidInputError, match=message):
        measure_accuracy(Brightness(), given.pop("images"), given.pop("labels"), **given)
    with pytest.raises(InvalidInputError, match="not empty"):
        Accuracy.of([])


def noisy_network() -> nn.Sequential:
    """Batch norm and dropout, in training mode below a root in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(), nn.Flatten()
        )
        network.append(nn.Linear(8 * 4, 3)).eval()
    network[1].train()
    network[3].train()
    return network


def noise(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand((n, 3, 4, 4), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return x, noisy_network().eval()(x).argmax(1)


def by_function(network):
    return lambda x: network(x)


@pytest.mark.parametrize("wrap", [lambda network: network, by_function])
@pytest.mark.parametrize("attack", [None, PGD(epsilon=0.02)])
def test_every_module_is_measured_in_evaluation_mode(wrap, attack) -> None:
    (x, y), network = noise(), noisy_network()
    expected = measure_accuracy(noisy_network().eval(), x, y, attack)
    found = measure_accuracy(wrap(network), x, y, attack)
    assert found.correct.tolist() == expected.correct.tolist()
    assert network[1].training
    assert network[3].training
    assert not network.training
    assert torch.equal(network[1].running_mean, torch.zeros(8))


@pytest.mark.parametrize("attack", [None, PGD(epsilon=0.02), FGSM(epsilon=0.02)])
def test_inference_mode_changes_nothing(attack) -> None:
    (x, y), network = noise(), noisy_network().eval()
    expected = measure_accuracy(network, x, y, attack).correct.tolist()
    assert attack is None or sum(expected) < len(expected)
    with torch.inference_mode():
        assert measure_accuracy(network, x.clone(), y.clone(), attack).correct.tolist() == expected


class Random(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Brightness()(x) + torch.rand(len(x), 2)


def test_random_networks_are_measured_on_request_only() -> None:
    x, y = levels()
    with pytest.raises(InvalidInputError, match="expected the same logits for the same images"):
        measure_accuracy(Random(), x, y)
    assert measure_accuracy(Random(), x, y, allow_random=True).n == 10


@pytest.mark.parametrize("batch_size", [3, 256])
def test_answers_that_are_not_finite_are_not_scored(batch_size: int) -> None:
    class Fails(Brightness):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            factor = torch.where(x.mean((1, 2, 3)) > 0.8, torch.nan, 1.0)
            return factor[:, None] * super().forward(x)

    x, y = levels()
    with pytest.raises(NotFiniteError, match=r"finite logits, .* first of them number 8"):
        measure_accuracy(Fails(), x, y, batch_size=batch_size)
    broken = Brightness()
    with torch.no_grad():
        broken.threshold.fill_(torch.inf)
    with pytest.raises(FloatingPointError, match="expected finite logits"):
        measure_accuracy(broken, x, y, FGSM(epsilon=0.1), batch_size=batch_size)


@pytest.mark.parametrize("label", [-1, -100, 2, 10])
@pytest.mark.parametrize("attack", [None, FGSM(epsilon=0.1)])
def test_classes_that_the_network_does_not_know_are_refused(label: int, attack) -> None:
    x, y = levels()
    y[9] = label  # in the last batch
    with pytest.raises(InvalidInputError, match=f"labels: expected classes from 0 .*, got {label}"):
        measure_accuracy(Brightness(), x, y, attack, batch_size=2)


def test_images_of_any_layout_and_type_are_measured() -> None:
    x, y = levels()
    arrays = x.numpy()
    assert measure_accuracy(Brightness(), arrays[::-1], y.numpy()[::-1]).value == 1.0
    assert measure_accuracy(Brightness(), arrays[..., ::-1].astype(np.float64), y).value == 1.0
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        network = Brightness().to(dtype)
        for images in ((x * 255).round().to(torch.uint8), x, x.to(dtype)):
            found = measure_accuracy(network, images, y, FGSM(epsilon=0.1))
            assert found.correct.tolist() == [True] * 4 + [False] * 2 + [True] * 4


def test_progress_knows_the_network_behind_a_function(tmp_path) -> None:
    x, y = levels()
    other = Brightness()
    with torch.no_grad():
        other.threshold += 0.1
    path = tmp_path / "progress.json"
    measure_accuracy(by_function(Brightness()), x, y, checkpoint=path)
    with pytest.raises(InvalidInputError, match=r"another network$"):
        measure_accuracy(by_function(other), x, y, checkpoint=path)


def test_intervals_and_tests_by_hand() -> None:
    # Agresti & Coull's example: no success in 10 has z^2 / (n + z^2) as its upper end.
    assert wilson_interval(0, 10) == (0.0, pytest.approx(3.841459 / 13.841459, abs=1e-6))
    low, high = wilson_interval(500, 1000)
    assert high - low == pytest.approx(0.0619, abs=1e-4)
    # All of n succeed: the bound is alpha^(1/n).
    assert clopper_pearson_lower(20, 20, confidence=0.95) == pytest.approx(0.05 ** (1 / 20))
    assert clopper_pearson_lower(0, 20, confidence=0.95) == 0.0
    # 1 against 5: 2 (1 + 6) / 2^6.
    assert mcnemar_exact(1, 5) == pytest.approx(14 / 64)
    assert mcnemar_exact(3, 3) == mcnemar_exact(0, 0) == 1.0


def test_paired_comparison_by_hand() -> None:
    a = np.array([1, 1, 1, 1, 1, 1, 0, 0, 1, 0], dtype=bool)
    b = np.array([1, 0, 0, 0, 0, 0, 1, 0, 1, 0], dtype=bool)
    found = compare_paired(a, b)
    assert (found.only_a, found.only_b, found.n) == (5, 1, 10)
    assert found.difference == pytest.approx(0.4)
    assert found.p_value == pytest.approx(14 / 64)
    with pytest.raises(InvalidInputError, match="correct_b: expected the shape of correct_a"):
        compare_paired(a, b[:5])


def test_the_preset_of_the_benchmark() -> None:
    assert EVALUATION_PRESETS["robbench"] == ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8")


def test_images_lie_as_the_kernels_of_the_network_do(caplog: pytest.LogCaptureFixture) -> None:
    gpu, here = torch.device("cuda"), torch.device("cpu")
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3), nn.AvgPool2d(2))
    assert layout_for(network, gpu) == torch.contiguous_format
    network.to(memory_format=torch.channels_last)
    assert layout_for(network, gpu) == torch.channels_last
    assert layout_for(network, here) == torch.contiguous_format
    assert layout_for(Brightness(), gpu) == torch.contiguous_format  # no kernels
    assert not caplog.text


@pytest.mark.parametrize("padding", [1, (0, 1)])
def test_pools_whose_gradients_a_gpu_gets_wrong_are_told(
    padding: int | tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.AvgPool2d(3, 1, padding)))
    layout_for(network, torch.device("cuda"))
    assert not caplog.text  # with contiguous kernels they are right
    network.to(memory_format=torch.channels_last)
    layout_for(lambda x: network(x), torch.device("cuda"))
    assert "expected a network with contiguous kernels" in caplog.text
