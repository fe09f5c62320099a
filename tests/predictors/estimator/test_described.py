"""What a predictor says of itself."""

import copy
import re

import numpy as np
import pytest

from surrobust.encodings import Columns
from surrobust.predictors import PREDICTORS, make_predictor
from surrobust.predictors.shipped import list_predictors, load_predictor
from surrobust.processes.prior import PriorScores
from surrobust.testing.predictors import N, every, training_cells, training_values

TARGET = "nas-robbench-201/cifar10/pgd-8"


@pytest.mark.parametrize("kind", PREDICTORS)
def test_only_what_differs_from_the_default_is_said(kind):
    name = PREDICTORS[kind].__name__
    assert repr(make_predictor(kind)) == f"{name}()"
    assert repr(make_predictor(kind, seed=3)) == f"{name}(seed=3)"


def test_the_fit_is_said(toy_cells, toy_values):
    predictor = make_predictor("gp", calibration_folds=0)
    call, n = "GaussianProcess(calibration_folds=0), fitted to", len(toy_cells)
    y = np.asarray(toy_values)
    assert repr(predictor.fit(toy_cells, y)) == f"{call} {n} cells"
    assert repr(predictor.fit(toy_cells, y, targets=[TARGET])) == f"{call} {n} cells of {TARGET}"
    many = np.stack([y, y + 1], axis=1)
    names = [TARGET, "nas-robbench-201/cifar100/pgd-8"]
    predictor.fit(toy_cells, many, targets=names)
    assert repr(predictor) == f"{call} {n} cells, 2 targets of nas-robbench-201"
    assert repr(predictor.fit(toy_cells, many)) == f"{call} {n} cells, 2 targets"
    predictor.fit([*toy_cells, *toy_cells], np.concatenate([y, y]))
    assert repr(predictor) == f"{call} {2 * n} rows of {n} cells"


def test_tables_are_said_by_their_names(fitted):
    columns = Columns.of("length", [sum(cell.ops) for cell in every(1)])
    prior = PriorScores.of(fitted("gp"), name="known")
    said = repr(make_predictor("default", columns=columns, prior=prior))
    assert "columns=['length']" in said
    assert "prior='known'" in said
    assert "array" not in said


@pytest.mark.parametrize("name", list_predictors())
def test_a_loaded_one_says_its_name(name):
    said = repr(load_predictor(name))
    assert re.fullmatch(rf"{name}: \w+\(.*\), fitted to \d+ .*cells.*", said)
    assert len(said) < 200


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("kind", PREDICTORS)
def test_the_table_says_it_all_and_runs_nothing(kind, m, fitted):
    html = fitted(kind, m)._repr_html_()
    assert type(fitted(kind, m)).__name__ in html
    assert f"{N} cells" in html
    assert html.count("<table>") == 2
    assert "kendall_tau" in html
    assert "coverage_90" in html
    assert html.count("value") >= m
    assert not re.search(r"<script|javascript|href|src=|\son\w+=", html)
    assert "nothing yet" in make_predictor(kind)._repr_html_()


def test_figures_are_those_of_the_card(tmp_path):
    model = load_predictor("jung2023-v1")
    html = model._repr_html_()
    target = model.targets[0]
    assert f"<td>{target}</td>" in html
    assert f"{model.card['metrics'][target]['kendall_tau']:.4g}" in html
    assert f"and {len(model.targets) - 8} more" in html
    assert model.targets[8] not in html


def test_figures_of_many_targets_wait_for_the_card(tmp_path):
    y = np.stack([training_values()] * 9, axis=1)
    model = make_predictor("random_forest", trees=2).fit(training_cells(), y)
    assert "on the card that save writes" in model._repr_html_()
    assert "kendall_tau" not in model._repr_html_()
    model.save(tmp_path / "model")
    html = load_predictor(tmp_path / "model")._repr_html_()
    assert "kendall_tau" in html
    assert "and 1 more" in html


def test_text_is_escaped():
    evil = "<img src=x onerror=alert(1)>\nsecond line"
    model = make_predictor("gp", calibration_folds=3)
    model.fit(training_cells(), training_values(), targets=[evil])
    assert "\n" not in repr(model)
    model = copy.deepcopy(model)
    for card in (None, {"name": evil, "metrics": {evil: {"kendall_tau": None, "r2": 0.5}}}):
        model.card = card
        html = model._repr_html_()
        assert "<img" not in html
        assert "&lt;img" in html
