"""The shape of an answer: of one architecture, of many, as a DataFrame."""

import numpy as np
import pandas as pd
import pytest

from surrobust.encodings import Columns
from surrobust.predictors import PREDICTORS
from surrobust.spaces import Architecture
from surrobust.testing.predictors import every

NEW = every(1201)
CELL = Architecture.parse("323133")
FORMS = [
    CELL,
    CELL.index,
    np.int64(CELL.index),
    np.array(CELL.index),
    CELL.code,
    np.str_(CELL.code),
    CELL.genotype,
    {"op_indices": list(CELL.op_indices)},
    '{"code": "323133"}',
]


@pytest.mark.parametrize("kind", PREDICTORS)
def test_one_architecture_has_no_axis(kind, fitted):
    for m in (1, 3):
        model = fitted(kind, m)
        asked = (model.predict, model.predict_std)
        for answer, of_list in ((ask(CELL), ask([CELL])[0]) for ask in asked):
            np.testing.assert_array_equal(answer, of_list)
            assert type(answer) is float if m == 1 else answer.shape == (3,)
        for end, of_list in zip(
            model.predict_interval(CELL, 0.8), model.predict_interval([CELL], 0.8), strict=True
        ):
            np.testing.assert_array_equal(end, of_list[0])
            assert type(end) is float if m == 1 else end.shape == (3,)
        target = model.targets[-1]
        assert model.predict_target(CELL, target) == model.predict_target([CELL], target)[0]
        assert type(model.predict_target(CELL, target)) is float


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_it_may_be_in_any_form(form, fitted):
    model = fitted("random_forest")
    assert model.predict(form) == model.predict(CELL)
    assert list(model.predict(form, as_frame=True).index) == [CELL.genotype]


@pytest.mark.parametrize("m", [1, 3])
def test_a_frame_has_targets_as_columns_and_architectures_as_rows(m, fitted):
    model = fitted("random_forest", m)
    for ask in (model.predict, model.predict_std):
        frame = ask(NEW, as_frame=True)
        assert tuple(frame.columns) == model.targets
        assert list(map(Architecture.parse, frame.index)) == NEW
        assert frame.index.name == "architecture"
        np.testing.assert_array_equal(frame, ask(NEW).reshape(len(NEW), m))
        assert ask([], as_frame=True).shape == (0, m)
        assert ask(CELL, as_frame=True).shape == (1, m)
    assert Columns.from_frame(frame.iloc[:, :1]).names == model.targets[:1]


@pytest.mark.parametrize("m", [1, 3])
def test_an_interval_has_both_ends_of_each_target(m, fitted):
    model = fitted("random_forest", m)
    frame = model.predict_interval(NEW, 0.8, as_frame=True)
    lower, upper = (end.reshape(-1, m) for end in model.predict_interval(NEW, 0.8))
    assert frame.columns.names == ["target", "end"]
    assert frame.shape == (len(NEW), 2 * m)
    assert model.predict_interval([], as_frame=True).shape == (0, 2 * m)
    for column, target in enumerate(model.targets):
        np.testing.assert_array_equal(frame[target]["lower"], lower[:, column])
        np.testing.assert_array_equal(frame[target, "upper"], upper[:, column])


def test_the_index_that_came_goes_back(fitted):
    model = fitted("random_forest")
    index = pd.MultiIndex.from_tuples([(n % 2, n) for n in range(len(NEW))], names=["a", "b"])
    series = pd.Series([cell.code for cell in NEW], index=index)
    for given in (series, series.to_frame("code")):
        for frame in (
            model.predict(given, as_frame=True),
            model.predict_std(given, as_frame=True),
            model.predict_interval(given, as_frame=True),
        ):
            pd.testing.assert_index_equal(frame.index, index)
    table = pd.DataFrame({"code": series, "value": 1.0})
    table["predicted"] = model.predict(table, as_frame=True)["value"]
    np.testing.assert_array_equal(table["predicted"], model.predict(NEW))
