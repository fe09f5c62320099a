"""Distances that benchmarks taught."""

import numpy as np
import pytest

from surrobust.encodings.joined import Features
from surrobust.errors import InvalidInputError
from surrobust.processes.groups import KernelGroups
from surrobust.processes.metric import METRICS, Metric, join, load_metric, metric_without


def squared(metric, a, b):
    """The definition."""
    s = np.sqrt(metric.relevances)
    return ((s * (a - b)) ** 2).sum() + ((metric.directions.T @ (s * a - s * b)) ** 2).sum()


def test_what_is_joined_is_the_mean_of_two(rng):
    one, other = (
        Metric(rng.uniform(0.1, 2, size=5), rng.normal(size=(5, n)) * 0.3) for n in (2, 3)
    )
    both = join([one, other])
    np.testing.assert_allclose(both.relevances**2, one.relevances * other.relevances)
    a, b = rng.normal(size=5), rng.normal(size=5)
    without = (Metric(m.relevances, m.directions[:, :0]) for m in (one, other, both))
    turned = [
        squared(m, a, b) - squared(bare, a, b)
        for m, bare in zip((one, other, both), without, strict=True)
    ]
    assert turned[2] == pytest.approx((turned[0] + turned[1]) / 2)


@pytest.mark.parametrize("name", METRICS[:-1])
def test_groups_measure_the_distances_of_a_metric(name, toy_cells):
    metric, plain = load_metric(name), KernelGroups(Features("one_hot+features"))
    learnt = KernelGroups(Features("one_hot+features"), metric=metric)
    assert learnt.names == (*plain.names, "learnt")
    rows, bare = learnt.encode(toy_cells[:2]), plain.encode(toy_cells[:2])
    assert rows.shape == (2, learnt.size)
    one_hot = plain.slices[0]
    np.testing.assert_array_equal(rows[:, one_hot], bare[:, one_hot])
    found = ((rows[0] - rows[1])[one_hot.stop :] ** 2).sum()
    a, b = bare[:, one_hot.stop :]
    assert found == pytest.approx(squared(metric, a, b))
    again = KernelGroups(Features("one_hot+features"), learnt.scales)
    np.testing.assert_array_equal(again.encode(toy_cells[:2]), rows)


def test_without_features_a_metric_changes_nothing(toy_cells):
    plain = KernelGroups(Features("one_hot"))
    learnt = KernelGroups(Features("one_hot"), metric=load_metric("all"))
    assert learnt.names == plain.names
    np.testing.assert_array_equal(learnt.encode(toy_cells), plain.encode(toy_cells))


def test_a_benchmark_is_judged_by_what_the_other_taught():
    assert metric_without("jung2023") == "nas-robbench-201"
    assert metric_without("nas-robbench-201") == "jung2023"
    assert metric_without("records") == "all"
    assert load_metric("none") is None
    with pytest.raises(InvalidInputError, match="metric: expected one of all"):
        load_metric("jung")
