"""Ceilings: from repetitions of one network, not from networks that only look alike."""

from collections import Counter
from pathlib import Path

import pytest

from surrobust import benchmark
from surrobust.benchmark.noise import noise_ceiling
from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture, NASBench201
from surrobust.tables import load_table

TARGET = "nas-robbench-201/cifar100/pgd-8"


def test_a_convolution_used_twice_is_not_two_convolutions():
    # conv3x3(x) + pool(conv3x3(x)), of one convolution and of two.
    one, two = Architecture.parse("301041"), Architecture.parse("302340")
    assert one.function_class == two.function_class
    classes = benchmark.training_classes([one, two, Architecture.parse("300340")])
    assert classes[0] != classes[1]
    assert classes[1] == classes[2]


def test_classes_are_finer_than_function_classes(space: NASBench201):
    cells = space.representatives()
    classes = benchmark.training_classes(cells)
    several = [n for n in Counter(classes).values() if n > 1]
    assert (len(set(classes)), len(several), sum(several)) == (4999, 624, 2091)
    functions = {name: cell.function_class for name, cell in zip(classes, cells, strict=True)}
    assert all(
        functions[name] == cell.function_class for name, cell in zip(classes, cells, strict=True)
    )


def test_refusals():
    with pytest.raises(InvalidInputError, match="measure: expected one of kendall_tau"):
        benchmark.ceiling(TARGET, measure="tau")
    with pytest.raises(InvalidInputError, match="target: expected an accuracy"):
        benchmark.ceiling("hw-nas-bench/cifar10/fpga-latency")


@pytest.mark.tables
def test_where_most_cells_are_at_zero_there_is_no_ceiling(data_dir: Path):
    target = "jung2023/cifar10/apgd-ce-8"
    assert not benchmark.has_ceiling(target, data_dir=data_dir)
    assert benchmark.has_ceiling(TARGET, data_dir=data_dir)
    with pytest.raises(InvalidInputError, match="expected an accuracy that ranks the cells"):
        benchmark.ceiling(target, data_dir=data_dir)


@pytest.mark.tables
def test_ceilings_of_a_target(data_dir: Path):
    tau = benchmark.ceiling(TARGET, data_dir=data_dir, n_bootstrap=10)
    assert tau is benchmark.ceiling(TARGET, data_dir=data_dir, n_bootstrap=10)
    assert tau.lower <= tau.value <= tau.upper
    assert tau.value == pytest.approx(0.971, abs=0.005)
    head = benchmark.ceiling(TARGET, measure="precision_at_100", data_dir=data_dir, n_bootstrap=10)
    assert 0.6 < head.value < 1.0
    table = load_table("nas-robbench-201", data_dir=data_dir)
    functions = [cell.function_class for cell in table.architectures]
    coarse = noise_ceiling(table.values(TARGET), functions, n_bootstrap=1)
    assert coarse.noise_sd > 1.3 * tau.noise_sd
