from collections.abc import Callable

import numpy as np
import pytest

from surrobust.errors import InvalidArchitectureError, InvalidInputError, MissingMeasurementError
from surrobust.spaces import Architecture, representative_indices, representatives_by_index
from surrobust.tables import MeasurementTable
from surrobust.targets import Target, targets_of

PGD = "nas-robbench-201/cifar10/pgd-8"
EDGETPU = "hw-nas-bench/cifar10/edgetpu-latency"


@pytest.fixture(scope="module")
def values(made_up_values: Callable[[str], np.ndarray]) -> np.ndarray:
    return made_up_values("nas-robbench-201")


@pytest.fixture(scope="module")
def table(values: np.ndarray) -> MeasurementTable:
    return MeasurementTable("nas-robbench-201", values, citation="us", checksums={"a": "b"})


@pytest.fixture(scope="module")
def devices(made_up_values: Callable[[str], np.ndarray]) -> MeasurementTable:
    values = made_up_values("hw-nas-bench")
    values[5, targets_of("hw-nas-bench").index(EDGETPU)] = np.nan
    return MeasurementTable("hw-nas-bench", values, per_cell=True)


def test_rows_are_representatives_and_columns_targets(table, values):
    assert table.targets == targets_of("nas-robbench-201")
    assert [cell.index for cell in table.architectures] == list(representative_indices())
    np.testing.assert_array_equal(table.values(PGD), values[:, table.targets.index(PGD)])
    assert len(table) == 6466
    assert repr(table) == "<MeasurementTable nas-robbench-201: 6466 cells, 18 targets>"


def test_every_written_form_of_a_cell_is_looked_up_through_its_representative(table):
    index = next(i for i, r in enumerate(representatives_by_index()) if i != r)
    cell = Architecture.parse(index)
    row = representative_indices().index(cell.representative.index)
    forms = [cell, index, str(index), cell.code, cell.genotype, {"op_indices": cell.op_indices}]
    for form in forms:
        assert table.query(form, PGD) == table.values(PGD)[row]
    assert table.query(cell, Target.parse(PGD)) == table.query(cell, PGD)


def test_a_per_cell_table_is_looked_up_by_the_cell_itself(devices):
    index = next(i for i, r in enumerate(representatives_by_index()) if i != r)
    target = "hw-nas-bench/cifar10/fpga-latency"
    assert len(devices) == 15625
    assert devices.query(index, target) == devices.values(target)[index]
    representative = representatives_by_index()[index]
    assert devices.query(index, target) != devices.query(representative, target)


def test_best_is_the_largest_accuracy_and_the_smallest_latency(table, devices):
    cell, value = table.best(PGD)
    assert value == table.values(PGD).max() == table.query(cell, PGD)
    cell, value = devices.best(EDGETPU)
    assert value == np.nanmin(devices.values(EDGETPU)) == devices.query(cell, EDGETPU)


def test_the_frame_is_indexed_by_representative(table):
    frame = table.to_frame()
    assert frame.index.name == "index"
    assert tuple(frame.index) == representative_indices()
    assert tuple(frame.columns) == table.targets
    assert frame.loc[13, PGD] == table.query(13, PGD)
    frame.loc[13, PGD] = 0.0
    assert table.query(13, PGD) > 0


def test_what_is_returned_can_be_changed_without_harm(table):
    before = table.query(0, PGD)
    table.values(PGD)[:] = 0
    assert table.query(0, PGD) == before
    with pytest.raises(TypeError):
        table.checksums["a"] = "c"


def test_an_unknown_target_is_told_with_near_ones(table):
    assert PGD in table
    assert Target.parse(PGD) in table
    assert "pgd-8" not in table
    assert None not in table
    with pytest.raises(MissingMeasurementError, match=r"expected one of nas-robbench-201, "):
        table.query(0, "nas-robbench-201/cifar10/pgd8")
    for target in ("jung2023/cifar10/clean", "", "x" * 10_000, None):
        with pytest.raises(MissingMeasurementError) as caught:
            table.values(target)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300


def test_what_is_not_a_cell_is_refused(table):
    with pytest.raises(InvalidArchitectureError):
        table.query("hello", PGD)


def test_a_value_that_was_not_measured_is_missing(devices):
    with pytest.raises(MissingMeasurementError, match="architecture 5, got none"):
        devices.query(5, EDGETPU)
    assert np.isnan(devices.values(EDGETPU)[5])


@pytest.mark.parametrize("wrong", [-0.001, 1.001, np.nan, np.inf, -np.inf])
def test_an_accuracy_outside_its_range_is_refused(values, wrong):
    bad = values.copy()
    bad[7, 3] = wrong
    with pytest.raises(InvalidInputError, match=r"fgsm-8: expected a fraction in \[0, 1\]"):
        MeasurementTable("nas-robbench-201", bad)


@pytest.mark.parametrize("wrong", [-1.0, 0.0, np.inf])
def test_a_latency_outside_its_range_is_refused(made_up_values, wrong):
    bad = made_up_values("hw-nas-bench")
    bad[7, 0] = wrong
    with pytest.raises(InvalidInputError, match="expected a positive number for architecture 7"):
        MeasurementTable("hw-nas-bench", bad, per_cell=True)


def test_another_shape_is_refused(values):
    with pytest.raises(InvalidInputError, match=r"expected values of shape \(6466, 18\)"):
        MeasurementTable("nas-robbench-201", values[:-1])
    with pytest.raises(InvalidInputError, match="benchmark: expected one of"):
        MeasurementTable("nas-bench-301", values)
