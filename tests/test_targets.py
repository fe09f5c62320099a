"""Target keys: the contract's lists, and parsing."""

import math

import pytest

from surrobust.errors import InvalidInputError
from surrobust.targets import (
    BENCHMARKS,
    DEFAULT_TARGET,
    Target,
    is_known_beforehand,
    is_maximised,
    parse_quantity,
    range_of,
    targets_of,
)


def test_counts_per_benchmark():
    assert [len(targets_of(name)) for name in BENCHMARKS] == [18, 45, 10]
    everything = [key for name in BENCHMARKS for key in targets_of(name)]
    assert len(set(everything)) == len(everything)
    assert DEFAULT_TARGET in everything


@pytest.mark.parametrize("key", [key for name in BENCHMARKS for key in targets_of(name)])
def test_parse_is_the_inverse_of_str(key: str):
    assert str(Target.parse(key)) == key


@pytest.mark.parametrize(
    ("key", "epsilon"),
    [
        ("nas-robbench-201/cifar10/pgd-8", 8 / 255),
        ("jung2023/cifar10/fgsm-0.5", 0.5 / 255),
        ("jung2023/cifar10/apgd-ce-1", 1 / 255),
        ("jung2023/cifar10/clean", None),
        ("jung2023/cifar10/corruptions", None),
        ("hw-nas-bench/cifar10/raspi4-latency", None),
    ],
)
def test_epsilon(key: str, epsilon: float | None):
    assert Target.parse(key).epsilon == epsilon


def test_direction():
    assert Target.parse(DEFAULT_TARGET).higher_is_better
    assert Target.parse("hw-nas-bench/cifar10/eyeriss-arithmetic-intensity").higher_is_better
    assert not Target.parse("hw-nas-bench/cifar10/raspi4-latency").higher_is_better
    assert not Target.parse("hw-nas-bench/cifar10/fpga-energy").higher_is_better


@pytest.mark.parametrize("text", ["", "a/b", "a/b/c/d", "a//c", " a/b/c", None, 3])
def test_refusals(text: object):
    with pytest.raises(InvalidInputError, match="expected <benchmark>/<images>/<metric>"):
        Target.parse(text)


def test_unknown_benchmark():
    with pytest.raises(InvalidInputError, match="expected one of nas-robbench-201"):
        targets_of("nas-bench-101")


def test_quantities_have_full_names_and_short_ones():
    beside = Target.parse("nas-robbench-201/cifar100/pgd-8")
    for text, full in {
        "params": "params",
        "pgd-8": "nas-robbench-201/cifar100/pgd-8",
        "raspi4-latency": "hw-nas-bench/cifar10/raspi4-latency",
        "clean": "nas-robbench-201/cifar100/clean",
        "jung2023/cifar10/clean": "jung2023/cifar10/clean",
    }.items():
        assert parse_quantity("max", text, beside=beside) == full


@pytest.mark.parametrize("text", ["", "speed", "a/b/c", "corruptions", "hw-nas-bench", None, 3])
def test_an_unknown_quantity_is_refused(text):
    beside = Target.parse("nas-robbench-201/cifar10/pgd-8")
    with pytest.raises(InvalidInputError, match="expected"):
        parse_quantity("max", text, beside=beside)


def test_costs_are_minimised_and_known_beforehand():
    clean, energy = "jung2023/cifar10/clean", "hw-nas-bench/cifar10/fpga-energy"
    assert [is_maximised(q) for q in (clean, energy, "params", "flops")] == [True] + [False] * 3
    assert [is_known_beforehand(q) for q in (clean, energy, "flops")] == [False, True, True]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (DEFAULT_TARGET, (0, 1)),
        ("records/digits/pgd-8", (0, 1)),
        ("hw-nas-bench/cifar10/eyeriss-arithmetic-intensity", (0, float("inf"))),
        ("mine/cifar10/watch-latency", (0, float("inf"))),
    ],
)
def test_ranges_of_targets(key: str, found: tuple[float, float]):
    assert Target.parse(key).range == found
    assert Target.parse(key).is_accuracy is (found[1] == 1)


@pytest.mark.parametrize(
    ("names", "lowest", "highest"),
    [
        (["clean", "pgd-8", "fgsm-0.5", "apgd-ce-1", "robust_accuracy", "Clean-Accuracy"], 0, 1),
        ([DEFAULT_TARGET, "mine/cifar10/robust"], 0, 1),
        (["params", "flops", "raspi4-latency", "watch_energy", "a/b/x-energy"], 0, math.inf),
        (
            ["value", "value-0", "loss", "pgd", "square-root", "accurate", "a//b"],
            -math.inf,
            math.inf,
        ),
    ],
)
def test_what_names_say_of_values(names: list[str], lowest: float, highest: float):
    assert {range_of(name) for name in names} == {(lowest, highest)}
