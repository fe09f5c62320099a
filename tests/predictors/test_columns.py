"""Predictors with columns known beforehand: used, saved, missing, refused."""

import hashlib
import json

import numpy as np
import pytest

from surrobust._tensors import pack_tensors, unpack_tensors
from surrobust.encodings import Columns
from surrobust.errors import InvalidInputError, InvalidModelError
from surrobust.predictors import load_folder, make_predictor
from surrobust.predictors.saving.weights import WEIGHTS
from surrobust.spaces import NASBench201

from .conftest import make_small

KINDS = ("gp", "xgboost", "random_forest", "default", "ensemble")
CELLS = NASBench201().representatives()


@pytest.fixture(scope="module")
def hidden():
    """Numbers that no encoder knows, by which the values below are made."""
    return np.random.default_rng(3).normal(size=len(CELLS))


@pytest.fixture(scope="module")
def columns(hidden):
    """The hidden numbers with a wild tail, a tenth of them unknown, beside two of noise."""
    rng = np.random.default_rng(4)
    known = np.where(rng.random(len(CELLS)) < 0.1, np.nan, np.exp(3 * hidden))
    noise = Columns.of(["u", "v"], rng.normal(size=(len(CELLS), 2)), CELLS)
    return Columns.of(["hidden"], known, CELLS).beside(noise)


@pytest.fixture(scope="module")
def with_columns(hidden, columns):
    made = {}

    def get(kind):
        if kind not in made:
            train = np.arange(0, len(CELLS), 60)
            model = make_small(kind, columns=columns)
            made[kind] = model.fit([CELLS[i] for i in train], 0.5 + 0.1 * hidden[train])
        return made[kind]

    return get


@pytest.mark.parametrize("kind", KINDS)
def test_columns_tell_what_encoders_cannot(kind, with_columns, hidden, columns):
    test = np.arange(7, len(CELLS), 30)
    predicted = with_columns(kind).predict([CELLS[i] for i in test])
    is_known = ~np.isnan(columns.numbers[test, 0])
    assert np.corrcoef(predicted[is_known], hidden[test][is_known])[0, 1] > 0.75
    assert np.isfinite(predicted).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_predictor_has_its_columns_with_it(kind, with_columns, columns, tmp_path):
    model = with_columns(kind)
    model.save(tmp_path / "model")
    loaded = load_folder(tmp_path / "model")
    cells = list(NASBench201())[::59]
    np.testing.assert_array_equal(loaded.predict(cells), model.predict(cells))
    np.testing.assert_array_equal(loaded.predict_std(cells), model.predict_std(cells))
    assert loaded.options == model.options
    assert loaded.options["columns"] == columns.reference
    assert loaded.columns.sha256 == columns.sha256
    assert json.loads(json.dumps(model.options)) == model.options


@pytest.mark.parametrize("kind", KINDS)
def test_without_columns_options_and_folder_are_as_ever(kind, toy_cells, toy_values, tmp_path):
    model = make_small(kind, calibration_folds=0).fit(toy_cells, toy_values)
    assert "columns" not in model.options
    model.save(tmp_path / "model")
    tensors = unpack_tensors((tmp_path / "model" / WEIGHTS).read_bytes(), name="x")
    assert not [name for name in tensors if name.startswith("columns")]


def test_a_prior_and_columns_go_together(fitted, columns, toy_cells, toy_values, tmp_path):
    model = make_small("default", prior=fitted("xgboost"), columns=columns, calibration_folds=0)
    model.fit(toy_cells[:20], toy_values[:20])
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(
        load_folder(tmp_path / "model").predict(CELLS[:50]), model.predict(CELLS[:50])
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_are_no_columns_is_refused(kind):
    for wrong in (0.5, "proxies", {"names": [], "sha256": ""}, np.zeros(3)):
        with pytest.raises(InvalidInputError, match="columns: expected Columns"):
            make_predictor(kind, columns=wrong)


def test_a_card_of_other_columns_is_refused(with_columns, tmp_path):
    with_columns("xgboost").save(tmp_path / "model")
    path = tmp_path / "model" / "card.json"
    card = json.loads(path.read_text())
    for change in ({"names": ["a"]}, {"sha256": "0"}):
        changed = {**card, "options": {**card["options"]}}
        changed["options"]["columns"] = {**card["options"]["columns"], **change}
        path.write_text(json.dumps(changed))
        with pytest.raises(InvalidModelError, match="columns"):
            load_folder(tmp_path / "model")
    weights = tmp_path / "model" / WEIGHTS
    tensors = unpack_tensors(weights.read_bytes(), name="x")
    content = pack_tensors({k: v for k, v in tensors.items() if not k.startswith("columns.")})
    weights.write_bytes(content)
    files = {**card["files"], WEIGHTS: hashlib.sha256(content).hexdigest()}
    path.write_text(json.dumps({**card, "files": files}))
    with pytest.raises(InvalidModelError, match="columns"):
        load_folder(tmp_path / "model")
