"""Folders: what is in them, what replaces what, what is refused."""

import hashlib
import json
import pickle
import shutil

import numpy as np
import pytest

from surrobust import __version__
from surrobust._tensors import pack_tensors, unpack_tensors
from surrobust.errors import InvalidInputError, InvalidModelError
from surrobust.predictors import load_folder, make_predictor
from surrobust.predictors.saving.state import unpack_columns
from surrobust.processes.prior import PriorScores


@pytest.fixture
def folder(tmp_path, fitted):
    fitted("xgboost", 3).save(tmp_path / "model", name="toy", citation="Nobody (2026)")
    return tmp_path / "model"


def card_of(folder):
    return json.loads((folder / "card.json").read_text())


def forge(folder, name, content):
    """Replace a file and write its new checksum into the card."""
    (folder / name).write_bytes(content)
    card = card_of(folder)
    card["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))


def forget_fingerprint(folder):
    """Make the card one of an earlier version."""
    card = card_of(folder)
    del card["fingerprint"]
    (folder / "card.json").write_text(json.dumps(card))


def test_the_folder_holds_the_card_and_the_files_it_lists(folder):
    card = card_of(folder)
    assert {path.name for path in folder.iterdir()} == {"card.json", *card["files"]}
    for name, digest in card["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert card["name"] == "toy"
    assert card["kind"] == "xgboost"
    assert card["encoder"] == "features"
    assert card["targets"] == ["value-0", "value-1", "value-2"]
    assert card["trained_on"] == {"n": 60}
    assert card["code_version"] == __version__
    assert card["citation"] == "Nobody (2026)"
    assert set(card["metrics"]) == set(card["targets"])
    assert card["metrics"]["value-2"]["kendall_tau"] is None  # constant
    assert not list(folder.parent.glob(".model*"))


def test_saving_replaces_a_predictor_but_nothing_else(folder, fitted, tmp_path):
    fitted("gp", 1).save(folder)
    assert load_folder(folder).kind == "gp"
    (tmp_path / "empty").mkdir()
    fitted("gp", 1).save(tmp_path / "empty")
    foreign = tmp_path / "photographs"
    foreign.mkdir()
    (foreign / "cat.jpg").write_text("cat")
    for place in (foreign, foreign / "cat.jpg"):
        with pytest.raises(InvalidInputError, match="folder"):
            fitted("gp", 1).save(place)
    assert (foreign / "cat.jpg").read_text() == "cat"


def test_unknown_or_unfit_card_fields_are_refused(fitted, tmp_path):
    for fields in ({"nmae": "x"}, {"name": 5}, {"metrics": {"a": "b"}}, {"split": object()}):
        with pytest.raises(InvalidInputError, match="card"):
            fitted("gp", 1).save(tmp_path / "model", **fields)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("format", "1"),
        ("kind", "gp"),
        ("kind", "no such kind"),
        ("targets", ["value-0", "value-1", "other"]),
        ("targets", ["value-0", "value-1"]),
        ("encoder", "one_hot"),
        ("options", {}),
        ("options", {"trees": "many"}),
        ("files", {}),
        ("files", {"../card.json": "0" * 64}),
        ("version", None),
    ],
)
def test_a_card_that_does_not_match_is_refused(folder, field, value):
    card = card_of(folder)
    card[field] = value
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(InvalidModelError) as caught:
        load_folder(folder)
    assert "\n" not in str(caught.value)


def test_another_seed_on_the_card_is_refused(folder):
    card = card_of(folder)
    card["options"]["seed"] = 1
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(InvalidModelError, match="identity"):
        load_folder(folder)


def test_missing_and_additional_files_are_refused(folder):
    (folder / "booster-9.ubj").write_bytes(b"")
    with pytest.raises(InvalidModelError, match="booster-9"):
        load_folder(folder)
    (folder / "booster-9.ubj").unlink()
    (folder / "booster-0.ubj").unlink()
    with pytest.raises(InvalidModelError, match="booster-0"):
        load_folder(folder)


def test_a_link_is_refused(folder, tmp_path):
    shutil.move(folder / "booster-0.ubj", tmp_path / "elsewhere.ubj")
    (folder / "booster-0.ubj").symlink_to(tmp_path / "elsewhere.ubj")
    with pytest.raises(InvalidModelError, match="booster-0"):
        load_folder(folder)


@pytest.mark.parametrize("kind", ["xgboost", "gp", "random_forest", "ensemble", "default"])
def test_garbage_with_a_forged_checksum_is_refused(kind, fitted, tmp_path):
    fitted(kind, 1).save(tmp_path / "model")
    names = list(card_of(tmp_path / "model")["files"])
    for name in names:
        good = (tmp_path / "model" / name).read_bytes()
        for bad in (b"", good[: len(good) // 2], good + b"x", pickle.dumps([1]), b"{L" + good[:50]):
            shutil.copytree(tmp_path / "model", tmp_path / "bad")
            forge(tmp_path / "bad", name, bad)
            with pytest.raises(InvalidModelError) as caught:
                load_folder(tmp_path / "bad")
            assert "\n" not in str(caught.value)
            shutil.rmtree(tmp_path / "bad")


def test_a_state_of_before_there_were_levels_loads(fitted, tmp_path, toy_cells):
    model = fitted("gp", 1)
    model.save(tmp_path / "model")
    forget_fingerprint(tmp_path / "model")
    path = tmp_path / "model" / "state.safetensors"
    tensors = unpack_tensors(path.read_bytes(), name="x")
    bad = ("levels", tensors["levels"][::-1]), ("factors", -tensors["factors"])
    for name, wrong in (*bad, ("bends", -tensors["bends"])):
        forge(tmp_path / "model", path.name, pack_tensors({**tensors, name: wrong}))
        with pytest.raises(InvalidModelError, match="ascending levels and positive factors"):
            load_folder(tmp_path / "model")
    del tensors["bends"]
    forge(tmp_path / "model", path.name, pack_tensors(tensors))
    straight = load_folder(tmp_path / "model")
    assert (straight._state.calibration.factors == tensors["factors"]).all()
    assert straight._state.calibration.bends.size == 0
    del tensors["shifts"]
    forge(tmp_path / "model", path.name, pack_tensors(tensors))
    assert (load_folder(tmp_path / "model")._state.calibration.shifts == 0).all()
    del tensors["levels"], tensors["factors"]
    forge(tmp_path / "model", path.name, pack_tensors(tensors))
    lower, upper = load_folder(tmp_path / "model").predict_interval(toy_cells)
    std = model._moments(toy_cells, of_measurements=True)[1]
    half = tensors["scores"][54] * np.maximum(std[:, 0], tensors["floors"])
    np.testing.assert_allclose((upper - lower) / 2, half, rtol=1e-6)


def test_a_process_of_before_nearest_rows_counted_loads(tmp_path, toy_cells, toy_values):
    made = make_predictor("gp", rows_for_std=10, calibration_folds=0).fit(toy_cells, toy_values)
    made.save(tmp_path / "model")
    forget_fingerprint(tmp_path / "model")
    path = tmp_path / "model" / "process.safetensors"
    tensors = unpack_tensors(path.read_bytes(), name="x")
    for wrong in ({"nearest": np.array([-1])}, {"row_noise": 0 * tensors["row_noise"]}):
        forge(tmp_path / "model", path.name, pack_tensors({**tensors, **wrong}))
        with pytest.raises(InvalidModelError, match="rows that exist and their noise"):
            load_folder(tmp_path / "model")
    del tensors["nearest"], tensors["row_noise"], tensors["measured_noise"]
    forge(tmp_path / "model", path.name, pack_tensors(tensors))
    old = load_folder(tmp_path / "model")
    np.testing.assert_array_equal(old.predict(toy_cells), made.predict(toy_cells))
    assert (old.predict_std(toy_cells) >= made.predict_std(toy_cells) - 1e-9).all()
    np.testing.assert_array_equal(  # intervals as they were calibrated
        old.predict_std(toy_cells), old._moments(toy_cells, of_measurements=True)[1][:, 0]
    )
    assert (old.predict_std(toy_cells) > made.predict_std(toy_cells) + 1e-6).any()


@pytest.mark.parametrize("kind", ["gp", "random_forest", "ensemble", "default"])
def test_weights_that_are_not_finite_or_of_other_shape_are_refused(kind, fitted, tmp_path):
    fitted(kind, 1).save(tmp_path / "model")
    for path in (tmp_path / "model").glob("*.safetensors"):
        tensors = unpack_tensors(path.read_bytes(), name="x")
        for key, array in tensors.items():
            spoilt = [{**tensors, key: np.zeros((*array.shape, 2))}]
            if key not in {"bends", "shifts"}:  # which older versions did not write
                spoilt.append({name: other for name, other in tensors.items() if name != key})
            if array.dtype.kind == "f":
                spoilt.append({**tensors, key: np.full_like(array, np.nan)})
            for change in spoilt:
                shutil.copytree(tmp_path / "model", tmp_path / "bad")
                forge(tmp_path / "bad", path.name, pack_tensors(change))
                with pytest.raises(InvalidModelError):
                    load_folder(tmp_path / "bad")
                shutil.rmtree(tmp_path / "bad")


@pytest.mark.parametrize(("name", "module"), [("card.json", "card"), ("booster-0.ubj", "folder")])
def test_files_of_any_size_are_not_read(name, module, folder, monkeypatch):
    monkeypatch.setattr(f"surrobust.predictors.saving.{module}._LARGEST", 2**20)
    with (folder / name).open("r+b") as file:
        file.truncate(2**20 + 1)
    with pytest.raises(InvalidModelError, match=f"{name}: expected at most 1 MiB"):
        load_folder(folder)


def test_what_would_not_be_read_back_is_not_written(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr("surrobust.predictors.saving.folder._LARGEST", 1000)
    with pytest.raises(InvalidInputError, match="expected at most 1000 bytes to be read back"):
        fitted("gp", 1).save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[" * 100_000, '["a", NaN]', '{"a": 1, "a": 2}', "\udcff", "3"])
def test_names_inside_weights_are_json_as_strict_as_any(text):
    names = np.frombuffer(text.encode("utf-8", "surrogateescape"), dtype=np.uint8)
    numbers = np.arange(6466.0)[:, None]
    scores = pack_tensors({"targets": names, "scores": numbers.astype(np.float32)})
    reference = {"name": "x", "sha256": hashlib.sha256(scores).hexdigest()}
    with pytest.raises(InvalidModelError, match="expected a list of targets"):
        PriorScores.unpack(scores, reference)
    known = np.ones(numbers.shape, dtype=bool)
    columns = {"names": names, "widths": np.array([1]), "numbers": numbers, "known": known}
    with pytest.raises(InvalidModelError, match="expected columns"):
        unpack_columns(pack_tensors(columns), {})
