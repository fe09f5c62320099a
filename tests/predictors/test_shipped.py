"""Where shipped predictors are found, and what a name may be."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError, InvalidModelError, MissingMeasurementError
from surrobust.objectives.sources import known_values, make_objective
from surrobust.predictors import make_predictor, shipped
from surrobust.predictors.saving import card
from surrobust.predictors.shipped import (
    list_predictors,
    load_predictor,
    predictor_for,
    read_card,
    select,
)
from surrobust.spaces import NASBench201
from surrobust.targets import DEFAULT_TARGET, Target

OTHER_TARGET = "jung2023/cifar10/clean"


@pytest.fixture
def models(tmp_path, monkeypatch, toy_cells, toy_values):
    """A folder of two predictors instead of the shipped ones."""
    monkeypatch.setattr(shipped, "shipped_folder", lambda _: tmp_path)
    for name, target in (("a-v1", OTHER_TARGET), ("nas-robbench-201-v1", DEFAULT_TARGET)):
        model = make_predictor("gp", calibration_folds=0)
        model.fit(toy_cells, toy_values, targets=[target]).save(tmp_path / name, name=name)
    (tmp_path / "README.md").write_text("not a predictor")
    return tmp_path


def test_the_one_of_the_default_target_is_first_and_loaded_without_a_name(models):
    assert list_predictors() == ["nas-robbench-201-v1", "a-v1"]
    assert load_predictor().targets == (DEFAULT_TARGET,)
    assert read_card()["name"] == "nas-robbench-201-v1"


def test_names_and_folders_are_taken(models):
    assert load_predictor("a-v1").card["name"] == "a-v1"
    assert load_predictor(models / "a-v1").card["name"] == "a-v1"
    assert load_predictor(str(models / "a-v1")).targets == (OTHER_TARGET,)
    assert predictor_for(OTHER_TARGET).card["name"] == "a-v1"


@pytest.fixture
def reads(monkeypatch):
    """What is read from disk: names of folders, by how much of them."""
    found = {"cards": [], "models": []}
    load_card, load_folder = card.load_card, shipped.load_folder
    monkeypatch.setattr(
        card, "load_card", lambda path: found["cards"].append(path.name) or load_card(path)
    )
    monkeypatch.setattr(
        shipped, "load_folder", lambda path: found["models"].append(path.name) or load_folder(path)
    )
    return found


def test_one_is_found_by_the_cards_each_read_once(models, reads):
    first = predictor_for(OTHER_TARGET)
    assert reads == {"cards": ["nas-robbench-201-v1", "a-v1"], "models": ["a-v1"]}
    assert predictor_for(OTHER_TARGET) is first
    assert read_card("a-v1")["targets"] == [OTHER_TARGET]
    select(None, [DEFAULT_TARGET, OTHER_TARGET])
    assert reads["cards"] == ["nas-robbench-201-v1", "a-v1"]
    assert reads["models"].count("a-v1") == 2  # what is handed to a caller is the caller's own
    assert load_predictor("a-v1") is not load_predictor("a-v1")


def test_what_was_replaced_is_read_again(models, reads, toy_cells, toy_values):
    old, other = predictor_for(OTHER_TARGET), "jung2023/cifar10/pgd-1"
    model = make_predictor("gp", calibration_folds=0)
    model.fit(toy_cells, toy_values, targets=[other]).save(models / "a-v1", name="a-v1")
    assert predictor_for(other) is not old
    assert read_card("a-v1")["targets"] == [other]
    with pytest.raises(MissingMeasurementError):
        predictor_for(OTHER_TARGET)


def test_a_card_that_was_read_is_the_callers_own(models):
    read_card("a-v1")["targets"].clear()
    assert read_card("a-v1")["targets"] == [OTHER_TARGET]


def test_objectives_of_one_predictor_share_it(models, reads):
    once = [make_objective("surrogate", DEFAULT_TARGET) for _ in range(3)]
    known = [known_values(OTHER_TARGET, "surrogate") for _ in range(2)]
    assert reads["models"] == ["nas-robbench-201-v1", "a-v1"]
    assert len({objective.measure(NASBench201()[7]) for objective in once}) == 1
    assert known[0] == known[1]


def test_what_is_neither_is_refused(models, tmp_path):
    with pytest.raises(InvalidInputError, match="a-v1"):
        load_predictor("b-v1")
    with pytest.raises(InvalidModelError, match="no folder"):
        load_predictor(tmp_path / "gone")
    with pytest.raises(MissingMeasurementError, match="target"):
        predictor_for("jung2023/cifar10/square-8")


def test_nothing_shipped_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "shipped_folder", lambda _: tmp_path / "nothing")
    assert list_predictors() == []
    with pytest.raises(MissingMeasurementError, match="nothing"):
        load_predictor()


def test_the_folder_is_in_the_package_or_beside_it():
    assert shipped.shipped_folder("models").name in ("_models", "models")


@pytest.mark.parametrize("name", list_predictors())
def test_of_no_cell_something_impossible_is_predicted(name):
    predictor = load_predictor(name)
    cells = NASBench201().representatives()
    lowest, highest = np.array([Target.parse(target).range for target in predictor.targets]).T
    mean = predictor.predict(cells).reshape(len(cells), -1)
    assert ((mean > lowest) & (mean < highest)).all()
    for coverage in (0.5, 0.99):
        lower, upper = (
            end.reshape(mean.shape) for end in predictor.predict_interval(cells, coverage)
        )
        assert ((lowest <= lower) & (lower <= mean)).all()
        assert ((mean <= upper) & (upper <= highest)).all()


@pytest.mark.parametrize("name", list_predictors())
def test_saved_once_more_a_predictor_is_the_same(name, tmp_path):
    predictor = load_predictor(name)
    predictor.save(tmp_path / "again", name=name)
    again = load_predictor(tmp_path / "again")
    cells = [2581, 0, 15624, "323133"]
    np.testing.assert_array_equal(again.predict(cells), predictor.predict(cells))
    for ends in zip(again.predict_interval(cells), predictor.predict_interval(cells), strict=True):
        np.testing.assert_array_equal(*ends)


def test_one_target_is_asked_for_by_its_name():
    predictor = load_predictor("jung2023-v1")
    target = predictor.targets[7]
    cells = [2581, "323133"]
    np.testing.assert_array_equal(
        predictor.predict_target(cells, target), predictor.predict(cells)[:, 7]
    )
    assert predictor.predict_target([], target).shape == (0,)
    with pytest.raises(InvalidInputError, match="target: expected one of jung2023"):
        predictor.predict_target(cells, "jung2023/cifar10/pgd-9")
