"""Fingerprints: a folder whose weights are not those that were saved is refused."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from surrobust._tensors import pack_tensors, unpack_tensors
from surrobust.encodings import ENCODINGS
from surrobust.encodings.joined import Features
from surrobust.errors import InvalidModelError
from surrobust.predictors import PREDICTORS, load_folder, shipped
from surrobust.predictors.saving.fingerprint import CELLS, Fingerprint, moments_of
from surrobust.spaces import NASBench201

KINDS = list(PREDICTORS)
SPACE = NASBench201()

DECIDING = {
    "default": "values",
    "xgboost": "map.values",
    "random_forest": "forest.value",
    "gp": "alpha",
    "gnn": "network.head",
    "ensemble": "network.head",
}
"""How the names of arrays end that means follow."""


@pytest.fixture
def saved(fitted, tmp_path):
    """``saved(kind, m)``: the folder of a small predictor, to be changed."""

    def get(kind, m=1):
        fitted(kind, m).save(tmp_path / "model")
        return tmp_path / "model"

    return get


def card_of(folder):
    return json.loads((folder / "card.json").read_text())


def write_card(folder, card):
    (folder / "card.json").write_text(json.dumps(card))


def change(folder, key, make):
    """Replace the arrays whose names end so, and write the new checksums into the card."""
    changed = 0
    for path in folder.glob("*.safetensors"):
        tensors = unpack_tensors(path.read_bytes(), name="x")
        mine = [name for name in tensors if f".{name}".endswith(f".{key}")]
        content = pack_tensors({**tensors, **{name: make(tensors[name]) for name in mine}})
        path.write_bytes(content)
        card = card_of(folder)
        card["files"][path.name] = hashlib.sha256(content).hexdigest()
        write_card(folder, card)
        changed += len(mine)
    assert changed


@pytest.fixture
def made_to_fit(monkeypatch):
    """Let every fingerprint fit, as that of a forged card does."""
    monkeypatch.setattr(Fingerprint, "check", lambda _, predictor: moments_of(predictor))


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_has_what_its_predictor_says_of_three_cells(kind, saved, fitted):
    written = card_of(saved(kind, 3))["fingerprint"]
    model = fitted(kind, 3)
    assert written["cells"] == list(CELLS)
    np.testing.assert_allclose(written["mean"], model.predict(CELLS), rtol=1e-6, atol=1e-9)
    above = model.predict_interval(CELLS, coverage=0.9)[1] - model.predict(CELLS)
    np.testing.assert_allclose(written["spread"], above, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_other_weights_with_a_checksum_made_to_fit_are_refused(kind, saved):
    folder = saved(kind)
    change(folder, DECIDING[kind], lambda array: (array * 1.3).astype(array.dtype))
    with pytest.raises(InvalidModelError, match=r"fingerprint, got") as caught:
        load_folder(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_what_tells_other_weights(kind, saved, made_to_fit):
    folder = saved(kind)
    change(folder, DECIDING[kind], lambda array: (array * 1.3).astype(array.dtype))
    load_folder(folder)


@pytest.mark.parametrize("key", ["scores", "factors", "bends"])
def test_other_intervals_are_refused(key, saved):
    folder = saved("gp")
    change(folder, f"calibration.{key}", lambda array: np.clip(array * 1.9, None, 2.0))
    with pytest.raises(InvalidModelError, match="a spread of"):
        load_folder(folder)


def test_intervals_that_are_elsewhere_are_refused(saved):
    folder = saved("gp")
    change(folder, "calibration.shifts", lambda array: array - 0.5)
    with pytest.raises(InvalidModelError, match="a spread of"):
        load_folder(folder)


def test_predictions_may_differ_by_less_than_what_they_are_sure_of(saved):
    card = card_of(folder := saved("gp"))
    exact = card["fingerprint"]
    for share, is_same in ((0.05, True), (-0.05, True), (0.2, False), (-0.2, False)):
        moved = np.array(exact["mean"]) + share * np.array(exact["spread"])
        write_card(folder, {**card, "fingerprint": {**exact, "mean": moved.tolist()}})
        if is_same:
            load_folder(folder)
        else:
            with pytest.raises(InvalidModelError, match="a mean of"):
                load_folder(folder)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": [2581, 7000]},
        {"cells": []},
        {"cells": [2581] * 17},
        {"cells": [2581, 7000, 15625]},
        {"cells": [2581, 7000, -1]},
        {"cells": [2581, 7000, 10**30]},
        {"mean": []},
        {"mean": [[0.1], [0.1], []]},
        {"mean": [[0.1, 0.1]] * 3},
        {"mean": [["a"], ["b"], ["c"]]},
        {"mean": [[1e300]] * 3},
        {"spread": [[0.0]] * 3},
        {"spread": [[-1.0]] * 3},
        {"spread": None},
        {"other": 1},
    ],
)
def test_a_fingerprint_that_is_none_or_of_another_is_refused(wrong, saved):
    card = card_of(folder := saved("gp"))
    write_card(folder, {**card, "fingerprint": {**card["fingerprint"], **wrong}})
    with pytest.raises(InvalidModelError) as caught:
        load_folder(folder)
    assert "\n" not in str(caught.value)


def test_intervals_may_be_infinite_or_none(fitted, tmp_path, toy_cells, toy_values):
    gp = PREDICTORS["gp"]
    for i, options in enumerate(({"calibration_folds": 0}, {"calibration_folds": 3})):
        model = gp(**options).fit(toy_cells[:5], toy_values[:5])
        model.save(tmp_path / str(i))
        written = card_of(tmp_path / str(i))["fingerprint"]["spread"]
        std = model._moments(CELLS).measured
        np.testing.assert_allclose(written, std, rtol=1e-6)
        load_folder(tmp_path / str(i))


ABSURD = [
    ("gp", "calibration.bends", 3e38),
    ("gp", "calibration.bends", 2.5),
    ("gp", "calibration.factors", 1e308),
    ("gp", "calibration.shifts", 1e308),
    ("gp", "calibration.floors", 1e300),
    ("gp", "calibration.scores", 1e38),
    ("gp", "calibration.levels", 1e300),
    ("gp", "ranges.smallest", 1e300),
    ("gp", "alpha", 1e300),
    ("gp", "rows", 1e38),
    ("gp", "whiten", -1e38),
    ("gp", "weights", 1e300),
    ("gp", "found.amplitude", 1e300),
    ("gp", "found.amplitude", 0.0),
    ("gp", "posterior.noise", -1.0),
    ("gp", "measured_noise", 1e300),
    ("gp", "nearest", 10**9),
    ("gp", "values", 1e300),
    ("gp", "spread", 1.0),
    ("random_forest", "forest.value", 1e38),
    ("random_forest", "forest.feature", 10_000),
    ("random_forest", "units.values", 1e300),
    ("random_forest", "units.spread", 1e300),
    ("xgboost", "params.trees", -1),
    ("gnn", "network.head", 1e38),
]


@pytest.mark.parametrize(("kind", "key", "value"), ABSURD)
def test_absurd_weights_are_refused_whatever_the_fingerprint(kind, key, value, saved, made_to_fit):
    folder = saved(kind)
    change(folder, key, lambda array: np.full_like(array, value))
    with pytest.raises(InvalidModelError) as caught:
        load_folder(folder)
    assert "\n" not in str(caught.value)


def test_a_card_without_one_is_refused(saved):
    card = card_of(folder := saved("gp"))
    del card["fingerprint"]
    write_card(folder, card)
    with pytest.raises(InvalidModelError, match=r"card\.json: .*fingerprint"):
        load_folder(folder)


def test_what_is_clipped_afterwards_does_not_change_it(saved, fitted, monkeypatch):
    folder = saved("gp")
    monkeypatch.setattr(PREDICTORS["gp"], "predict", lambda *_: np.zeros(3))
    assert load_folder(folder).card["fingerprint"] == Fingerprint.of(fitted("gp")).model_dump()


def test_no_rounding_of_features_moves_the_cells_over_a_threshold():
    """In single precision, in which trees compare, they are the same on every processor.

    Logarithms are rounded otherwise elsewhere: what is zero here may be 1e-16 there, and another
    number is the next one.
    """
    features = Features("+".join(ENCODINGS))
    names = [name for encoder in features.encoders for name in encoder.names]
    # That of a whole number is zero everywhere.
    is_log = np.array([name.startswith("log ") and name != "log weights" for name in names])
    cells = features.encode([SPACE[i] for i in CELLS])
    assert is_log.sum() > 5
    assert (np.abs(cells[:, is_log]) > 1e-6).all()
    low, high = ((cells * (1 + sign * 1e-12)).astype(np.float32) for sign in (-1, 1))
    np.testing.assert_array_equal(low, high)


@pytest.mark.parametrize("name", shipped.list_predictors())
def test_shipped_predictors_have_one(name, tmp_path):
    folder = shipped.shipped_folder("models") / name
    card = card_of(folder)
    assert np.shape(card["fingerprint"]["mean"]) == (3, len(card["targets"]))
    load_folder(folder)
    shutil.copytree(folder, tmp_path / name)
    moved = np.array(card["fingerprint"]["mean"]) + np.array(card["fingerprint"]["spread"])
    card["fingerprint"]["mean"] = moved.tolist()
    write_card(tmp_path / name, card)
    with pytest.raises(InvalidModelError, match="fingerprint"):
        load_folder(tmp_path / name)
