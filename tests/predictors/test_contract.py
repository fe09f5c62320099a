"""What every predictor promises, driven through all of ``PREDICTORS``."""

import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from surrobust.encodings import FunctionFeatureEncoder
from surrobust.errors import InvalidInputError, NotFittedError
from surrobust.predictors import PREDICTORS, AbstractPredictor, load_folder, make_predictor
from surrobust.spaces import NASBench201

from .conftest import make_small

KINDS = list(PREDICTORS)
NEW = [NASBench201()[i] for i in range(0, 15625, 601)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_registry_gives_classes_of_that_kind(kind):
    assert issubclass(PREDICTORS[kind], AbstractPredictor)
    assert PREDICTORS[kind].kind == kind


def test_the_registry_imports_no_heavy_library():
    code = (
        "import sys, surrobust.predictors as p; len(p.PREDICTORS); 'gp' in p.PREDICTORS;"
        "found = {'torch', 'xgboost', 'sklearn', 'pandas', 'pydantic'} & set(sys.modules);"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_of_one_and_of_many_targets(kind, fitted):
    for m, shape in ((1, (len(NEW),)), (3, (len(NEW), 3))):
        model = fitted(kind, m)
        lower, upper = model.predict_interval(NEW, coverage=0.8)
        for array in (model.predict(NEW), model.predict_std(NEW), lower, upper):
            assert array.shape == shape
            assert array.dtype == np.float64
            assert np.isfinite(array).all()
        assert (lower <= model.predict(NEW)).all()
        assert (model.predict(NEW) <= upper).all()
        assert (model.predict_std(NEW) >= 0).all()
        assert model.predict([]).shape == (0, *shape[1:])
    assert fitted(kind, 1).targets == ("value",)
    assert fitted(kind, 3).targets == ("value-0", "value-1", "value-2")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_and_the_order_of_rows_changes_nothing(
    kind, fitted, toy_cells, toy_values
):
    order = np.random.default_rng(1).permutation(len(toy_cells))
    again = make_small(kind).fit([toy_cells[i] for i in order], toy_values[order])
    model = fitted(kind, 1)
    np.testing.assert_array_equal(again.predict(NEW), model.predict(NEW))
    np.testing.assert_array_equal(again.predict_std(NEW), model.predict_std(NEW))
    for a, b in zip(again.predict_interval(NEW), model.predict_interval(NEW), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_every_written_form_of_an_architecture_is_taken(kind, fitted):
    cell = NEW[3]
    forms = [
        cell,
        cell.index,
        cell.code,
        cell.genotype,
        {"op_indices": list(cell.op_indices)},
        np.int64(cell.index),
    ]
    predicted = fitted(kind, 1).predict(forms)
    np.testing.assert_array_equal(predicted, predicted[0])
    np.testing.assert_allclose(fitted(kind, 1).predict(iter(NEW))[3], predicted[0], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("m", [1, 3])
def test_a_saved_predictor_predicts_the_same_to_the_last_bit(kind, m, fitted, tmp_path):
    model = fitted(kind, m)
    model.save(tmp_path / "model", name="mine", trained_on={"file": "values.csv"})
    loaded = load_folder(tmp_path / "model")
    assert type(loaded) is type(model)
    assert loaded.targets == model.targets
    assert loaded.options == model.options
    cells = list(NASBench201())[::37]
    np.testing.assert_array_equal(loaded.predict(cells), model.predict(cells))
    np.testing.assert_array_equal(loaded.predict_std(cells), model.predict_std(cells))
    for coverage in (0.5, 0.9):
        ours, theirs = (p.predict_interval(cells, coverage) for p in (loaded, model))
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.card["name"] == "mine"
    assert loaded.card["trained_on"] == {"file": "values.csv", "n": 60}
    loaded.save(tmp_path / "again", name="mine", date=loaded.card["date"], metrics={})
    assert (tmp_path / "again" / "state.safetensors").read_bytes() == (
        tmp_path / "model" / "state.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_wider_coverage_gives_wider_intervals(kind, fitted):
    model = fitted(kind, 3)
    bounds = [model.predict_interval(NEW, coverage=c) for c in (0.1, 0.5, 0.8, 0.95)]
    for (inner_low, inner_up), (outer_low, outer_up) in pairwise(bounds):
        assert (outer_low <= inner_low).all()
        assert (inner_up <= outer_up).all()
    lower, upper = model.predict_interval(NEW, coverage=0.999)  # 60 cells cannot vouch for that
    assert np.isneginf(lower).all()
    assert np.isposinf(upper).all()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_one_cell_vouch_for_no_more_than_one(kind, toy_cells):
    """Four cells cannot vouch for 90 %, however often each was measured; they can for 75 %."""
    y = np.random.default_rng(2).normal(size=40)
    model = make_small(kind).fit(toy_cells[:4] * 10, y)
    lower, upper = model.predict_interval(NEW, coverage=0.9)
    assert np.isneginf(lower).all()
    assert np.isposinf(upper).all()
    assert np.isfinite(model.predict_interval(NEW, coverage=0.75)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_twins_get_one_prediction(kind, fitted, space):
    cells = list(space)[::11]
    encoder, model = FunctionFeatureEncoder(), fitted(kind, 1)
    predicted = model.predict(cells)
    first: dict[object, int] = {}
    places = [first.setdefault(encoder.key(cell), i) for i, cell in enumerate(cells)]
    assert len(first) < len(cells)
    np.testing.assert_array_equal(predicted, predicted[places])
    np.testing.assert_array_equal(model.predict([c.representative for c in cells]), predicted)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_trained_on_is_remembered(kind, fitted, toy_cells, space):
    model = fitted(kind, 1)
    assert all(model.trained_on(cell) for cell in toy_cells)
    known = {cell.representative for cell in toy_cells}
    for cell in list(space)[::40]:
        assert model.trained_on(cell.index) == (cell.representative in known)


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_target_is_predicted_as_that_constant(kind, fitted):
    np.testing.assert_allclose(fitted(kind, 3).predict(NEW)[:, 2], 0.1, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_something_was_learnt(kind, fitted, toy_cells, toy_values):
    predicted = fitted(kind, 1).predict(toy_cells)
    assert np.corrcoef(predicted, toy_values)[0, 1] > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_bad_training_data_are_refused(kind, toy_cells, toy_values):
    model = make_small(kind)
    spoilt = toy_values.copy()
    spoilt[3] = np.nan
    refused = [
        (toy_cells, spoilt),
        (toy_cells, toy_values[:-1]),
        (toy_cells, toy_values[:, None, None]),
        (toy_cells, np.empty((len(toy_cells), 0))),
        (toy_cells, ["a"] * len(toy_cells)),
        (toy_cells[:1], toy_values[:1]),
        ([], []),
        ([*toy_cells[:-1], "no cell"], toy_values),
        ("323133", [0.1]),
        (toy_cells[0], [0.1]),
        (5, [0.1]),
    ]
    for cells, y in refused:
        with pytest.raises(InvalidInputError):
            model.fit(cells, y)
    for targets in (["a", "b"], [], [1]):
        with pytest.raises(InvalidInputError, match="targets"):
            model.fit(toy_cells, toy_values, targets=targets)
    with pytest.raises(NotFittedError):
        model.predict(toy_cells)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_answered_before_fit(kind, tmp_path):
    model = make_small(kind)
    for call in (
        lambda: model.predict(NEW),
        lambda: model.predict_std(NEW),
        lambda: model.predict_interval(NEW),
        lambda: model.trained_on(NEW[0]),
        lambda: model.save(tmp_path / "model"),
        lambda: model.targets,
    ):
        with pytest.raises(NotFittedError):
            call()
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_need_calibration_and_a_sound_coverage(kind, fitted, toy_cells, toy_values):
    model = make_small(kind, calibration_folds=0).fit(toy_cells, toy_values)
    np.testing.assert_array_equal(model.predict(NEW), fitted(kind, 1).predict(NEW))
    with pytest.raises(NotFittedError, match="calibration_folds"):
        model.predict_interval(NEW)
    for coverage in (0, 1, -0.5, 1.5, float("nan"), "0.9", None, True):
        with pytest.raises(InvalidInputError, match="coverage"):
            fitted(kind, 1).predict_interval(NEW, coverage)


@pytest.mark.parametrize("kind", KINDS)
def test_two_cells_are_enough_to_fit(kind, toy_cells):
    model = make_small(kind).fit(toy_cells[:2], [0.1, 0.2])
    assert np.isfinite(model.predict(NEW)).all()
    lower, upper = model.predict_interval(NEW, coverage=0.5)
    assert np.isinf(lower).all()
    assert np.isinf(upper).all()


@pytest.mark.parametrize("kind", KINDS)
def test_options_are_checked(kind):
    for wrong in ({"calibration_folds": 1}, {"calibration_folds": -1}, {"seed": -1}, {"seed": "a"}):
        with pytest.raises(InvalidInputError):
            make_predictor(kind, **wrong)
    with pytest.raises(InvalidInputError, match="option"):
        make_predictor(kind, no_such_option=1)
    options = make_predictor(kind, seed=5, calibration_folds=4).options
    assert options["seed"] == 5
    assert json.loads(json.dumps(options)) == options


@pytest.mark.parametrize("kind", KINDS)
def test_no_encoder_is_taken_twice(kind):
    option = "features" if kind == "gnn" else "encoder"
    with pytest.raises(InvalidInputError, match="expected each name once"):
        make_predictor(kind, **{option: "one_hot+features+one_hot"})


def test_an_unknown_name_is_refused():
    with pytest.raises(InvalidInputError, match="xgboost"):
        make_predictor("no such predictor")
