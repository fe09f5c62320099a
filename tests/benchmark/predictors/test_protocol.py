"""The protocol's split is the peers'; the baseline is a count and a straight line."""

from pathlib import Path

import numpy as np
import pytest

from surrobust import benchmark, metrics
from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture, count_parameters
from surrobust.tables import load_table


def test_split_by_hand():
    train, test = benchmark.split(6466, n_train=3, seed=0)
    order = np.random.default_rng(0).permutation(6466)
    assert train.tolist() == order[:3].tolist()
    assert sorted([*train, *test]) == list(range(6466))


def test_cells_of_training_are_not_tested_on():
    groups = np.arange(60) % 20
    train, test = benchmark.split(60, n_train=7, seed=0, groups=groups)
    order = np.random.default_rng(0).permutation(60)
    assert train.tolist() == order[:7].tolist()
    seen = set(groups[train].tolist())
    assert test.tolist() == [i for i in order[7:] if groups[i] not in seen]
    alone = benchmark.split(60, n_train=7, seed=0, groups=np.arange(60))
    np.testing.assert_array_equal(alone[1], order[7:])
    with pytest.raises(InvalidInputError, match="leave 2 cells"):
        benchmark.split(60, n_train=57, seed=0, groups=groups)


@pytest.mark.parametrize("n_train", [0, 1, 9, 10])
def test_split_refuses(n_train: int):
    with pytest.raises(InvalidInputError, match=r"n_train: expected 2\.\.8"):
        benchmark.split(10, n_train=n_train, seed=0)


def test_the_baseline_is_a_line_through_the_training_cells(toy_cells: list[Architecture]):
    count = np.array([count_parameters(cell) for cell in toy_cells])
    model = benchmark.ParameterCount().fit(toy_cells, 0.3 - 2e-7 * count)
    np.testing.assert_allclose(model.predict(toy_cells), 0.3 - 2e-7 * count)
    np.testing.assert_array_equal(np.argsort(model.rank(toy_cells)), np.argsort(count))


def test_the_baseline_of_cells_of_one_size_is_their_mean(toy_cells: list[Architecture]):
    model = benchmark.ParameterCount().fit(toy_cells[:1] * 2, np.array([0.1, 0.3]))
    np.testing.assert_allclose(model.predict(toy_cells), 0.2)


@pytest.mark.tables
def test_the_baseline_by_hand(data_dir: Path):
    target = "nas-robbench-201/cifar10/pgd-8"
    score = benchmark.score_predictor("parameters", target, n_train=50, seed=1, data_dir=data_dir)
    table = load_table("nas-robbench-201", data_dir=data_dir)
    y = table.values(target)
    count = np.array([count_parameters(cell) for cell in table.architectures]) / 1e6
    order = np.random.default_rng(1).permutation(6466)
    train, test = order[:50], order[50:]
    line = np.polynomial.Polynomial.fit(count[train], y[train], 1)
    assert score.kendall_tau == metrics.kendall_tau(y[test], count[test])
    assert score.r2 == pytest.approx(metrics.r2_score(y[test], line(count[test])))


@pytest.mark.tables
def test_of_latencies_the_smallest_are_the_head(data_dir: Path):
    target = "hw-nas-bench/cifar10/edgetpu-latency"
    score = benchmark.score_predictor("parameters", target, n_train=20, seed=0, data_dir=data_dir)
    table = load_table("hw-nas-bench", data_dir=data_dir)
    there = np.flatnonzero(np.isfinite(table.values(target)))
    cells = [table.architectures[i].representative for i in there]
    order = np.random.default_rng(0).permutation(len(there))
    trained = {cells[i] for i in order[:20]}
    test = there[[i for i in order[20:] if cells[i] not in trained]]
    count = [count_parameters(table.architectures[i]) for i in test]
    by_hand = metrics.precision_at(-table.values(target)[test], -np.array(count), k=100)
    assert score.precision_at_100 == by_hand > 0
