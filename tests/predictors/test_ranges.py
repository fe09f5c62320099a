"""Ranges of quantities: what is predicted can be measured."""

from itertools import product

import numpy as np
import pytest

from surrobust.predictors import PREDICTORS, load_folder
from surrobust.predictors.ranges import TargetRanges
from surrobust.spaces import NASBench201

from .conftest import make_small

ACCURACY, LATENCY = "jung2023/cifar10/pgd-8", "hw-nas-bench/cifar10/raspi4-latency"
OWN = ("mine/cifar10/robust", "mine/cifar10/watch-latency", "value")
WIDE = np.array([-1e9, -3.0, -0.2, -1e-9, 0.0, 1e-7, 0.3, 1.0, 1.2, 5.0, 1e9])


def ranges(*targets: str, least: float = 0.5, largest: float = 0.9) -> TargetRanges:
    return TargetRanges.of(targets, np.full((2, len(targets)), [[least], [largest]]))


def test_names_say_what_values_can_be():
    found = ranges(ACCURACY, LATENCY, *OWN)
    np.testing.assert_array_equal(found.lower, [0, 0, 0, 0, -np.inf])
    np.testing.assert_array_equal(found.upper, [1, np.inf, 1, np.inf, np.inf])


@pytest.mark.parametrize(
    ("target", "least", "largest", "kept"),
    [
        (ACCURACY, 0.0, 1.0, True),
        (ACCURACY, 0.0, 79.4, False),  # in percent: then nothing is known
        (ACCURACY, -0.1, 0.5, False),
        (LATENCY, 0.1, 1e6, True),
        (LATENCY, 0.0, 1.0, False),
        ("value", -5.0, 5.0, True),
    ],
)
def test_a_measured_value_outside_of_the_range_denies_it(target, least, largest, kept):
    found = ranges(target, least=least, largest=largest)
    assert found.kept.tolist() == [kept]
    if not kept or target == "value":
        np.testing.assert_array_equal(found.bend(WIDE[:, None])[:, 0], WIDE)
        ends = found.interval(WIDE[:, None], np.full((len(WIDE), 1), 2.0))
        np.testing.assert_array_equal(np.hstack(ends), np.stack([WIDE - 2, WIDE + 2], axis=1))


def test_accuracies_by_hand():
    bent = ranges(ACCURACY).bend(np.array([[-1e-6], [0.0], [1e-6], [0.3], [1.0], [1 + 1e-6]]))
    expected = [1e-6 / 3, 5e-7, 1e-6, 0.3, 1 - 5e-7, 1 - 1e-6 / 3]
    np.testing.assert_allclose(bent[:, 0], expected, rtol=0, atol=1e-15)


def test_latencies_by_hand():
    """Half of the least that was measured is 2: below it, 2 / (2 - x / 2)."""
    bent = ranges(LATENCY, least=4.0, largest=9.0).bend(np.array([[-4.0], [0.0], [2.0], [3.0]]))
    np.testing.assert_allclose(bent[:, 0], [0.5, 1.0, 2.0, 3.0], rtol=1e-12)


@pytest.mark.parametrize("target", [ACCURACY, LATENCY])
@pytest.mark.parametrize("n", [0, 2])
def test_what_is_expected_keeps_its_order_and_is_inside_its_interval(target, n):
    found = TargetRanges.of([target], np.full((n, 1), 0.5))
    x = np.sort(np.concatenate([WIDE, np.random.default_rng(0).normal(0, 2, 2000)]))[:, None]
    bent = found.bend(x)
    assert (bent > found.lower).all()
    assert (bent <= found.upper).all()
    assert (np.diff(bent[:, 0]) >= 0).all()
    assert (np.diff(bent[x[:, 0] < 0.9, 0]) > 0).all()
    for half, shift in product((0.0, 0.1, 3.0, np.inf), (0.0, 0.5, -2.0)):
        lower, upper = found.interval(x, np.full_like(x, half), x + shift)
        assert (found.lower <= lower).all()
        assert (lower <= bent).all()
        assert (bent <= upper).all()
        assert (upper <= found.upper).all()


def test_an_interval_holds_every_possible_value_that_it_held():
    rng = np.random.default_rng(1)
    mean, half = rng.normal(0.5, 1, (5000, 1)), rng.exponential(0.5, (5000, 1))
    true = np.clip(rng.normal(0.5, 1, (5000, 1)), 0, 1)  # 0 and 1 themselves are frequent
    middle = mean + rng.normal(0, 0.1, (5000, 1))
    lower, upper = ranges(ACCURACY).interval(mean, half, middle)
    before = np.abs(true - middle) <= half
    now = (lower <= true) & (true <= upper)
    assert before.sum() > 1000
    assert now[before].all()


@pytest.mark.parametrize("kind", PREDICTORS)
def test_every_kind_predicts_what_can_be_measured(kind, toy_cells, tmp_path):
    """Of cells near both ends, as robust accuracies under strong attacks and small networks are."""
    rng = np.random.default_rng(3)
    accuracy = np.clip(rng.normal(0.5, 0.8, len(toy_cells)), 0, 1)
    values = np.stack(
        [accuracy, rng.exponential(1.0, len(toy_cells)) ** 3 + 1e-3, accuracy], axis=1
    )
    names = [ACCURACY, LATENCY, "value"]
    model = make_small(kind).fit(toy_cells, values, targets=names)
    model.save(tmp_path / "model")
    cells = list(NASBench201())[::97]
    free = make_small(kind).fit(toy_cells, values)
    for one in (model, load_folder(tmp_path / "model")):
        mean = one.predict(cells)
        for coverage in (0.5, 0.9, 0.999):
            lower, upper = one.predict_interval(cells, coverage)
            assert (lower[:, :2] >= 0).all()
            assert (upper[:, 0] <= 1).all()
            assert (mean[:, :2] > 0).all()
            assert (mean[:, 0] < 1).all()
            assert ((lower <= mean) & (mean <= upper)).all()
        # Without names nothing is bent, and the order is the same.
        np.testing.assert_array_equal(mean[:, 2], free.predict(cells)[:, 2])
        for column in range(2):
            order = np.argsort(free.predict(cells)[:, column], kind="stable")
            assert (np.diff(mean[order, column]) >= 0).all()
