"""Folders: what is in them, what replaces what, what is refused."""

import hashlib
import json
import pickle
import shutil

import pytest

from surrobust import __version__
from surrobust.errors import InvalidInputError, InvalidModelError
from surrobust.predictors import load_folder


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
        ("format", 1),
        ("format", 3),
        ("format", "2"),
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


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (1, "expected format 2, got 1: saved by an older surrobust; fit it anew"),
        (3, "expected format 2, got 3: saved by a newer surrobust"),
    ],
)
def test_another_format_is_refused_before_its_fields_are_looked_at(folder, written, told):
    (folder / "card.json").write_text(json.dumps({"format": written, "else": 1}))
    with pytest.raises(InvalidModelError, match=told):
        load_folder(folder)


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
