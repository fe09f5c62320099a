"""``surrobust fit``."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from surrobust import predictors
from surrobust.shipped import load_predictor, read_card
from surrobust.spaces import Architecture

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grow few trees."""
    monkeypatch.setattr(predictors, "make_predictor", partial(predictors.make_predictor, trees=10))


@pytest.fixture
def values_csv(tmp_path: Path, toy_cells: list[Architecture], toy_values: np.ndarray) -> Path:
    path = tmp_path / "values.csv"
    rows = [f"{c.genotype},{v}" for c, v in zip(toy_cells, toy_values, strict=True)]
    path.write_text("\n".join(["architecture,value", *rows]))
    return path


def fit(run_cli: Run, *arguments: object) -> dict:
    code, out, err = run_cli(["fit", "--predictor", "xgboost", "--json", *arguments])
    assert code == 0, err
    return json.loads(out)


def test_a_csv_becomes_a_predictor(run_cli: Run, values_csv: Path, tmp_path: Path) -> None:
    document = fit(run_cli, "--data", values_csv, "--out", tmp_path / "model")
    assert set(document) == {"predictor", "targets", "out", "n_train", "n_test", "metrics"}
    assert (document["targets"], document["n_train"], document["n_test"]) == (["value"], 60, 0)
    model = load_predictor(tmp_path / "model")
    assert model.predict([2581]).shape == (1, 1)
    card = read_card(tmp_path / "model")
    assert card["trained_on"]["file"] == "values.csv"
    assert card["metrics"] == document["metrics"]


def test_held_out_cells_judge_the_predictor(run_cli: Run, values_csv: Path, tmp_path: Path) -> None:
    document = fit(
        run_cli, "--data", values_csv, "--n-train", "40", "--seed", "3", "--out", tmp_path / "model"
    )
    assert (document["n_train"], document["n_test"]) == (40, 20)
    figures = document["metrics"]["value"]
    assert figures["n"] == 20
    assert figures["kendall_tau"] > 0.3
    assert 0.5 <= figures["coverage_90"] <= 1.0
    card = read_card(tmp_path / "model")
    assert card["split"] == {"seed": 3, "n_train": 40, "n_test": 20}
    assert card["metrics"]["value"] == figures


def test_the_same_seed_gives_the_same_predictor(
    run_cli: Run, values_csv: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        fit(run_cli, "--data", values_csv, "--n-train", "40", "--out", tmp_path / name)
    cards = [read_card(tmp_path / name) for name in ("a", "b")]
    assert cards[0]["files"] == cards[1]["files"]


def test_a_predictor_is_replaced_and_nothing_else(
    run_cli: Run, values_csv: Path, tmp_path: Path
) -> None:
    for seed in ("0", "1"):
        fit(run_cli, "--data", values_csv, "--seed", seed, "--out", tmp_path / "model")
    assert read_card(tmp_path / "model")["options"]["seed"] == 1
    (tmp_path / "model" / "notes.txt").write_text("mine")
    code, out, err = run_cli(
        ["fit", "--predictor", "xgboost", "--data", values_csv, "--out", tmp_path / "model"]
    )
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_what_is_fitted_predicts(run_cli: Run, values_csv: Path, tmp_path: Path) -> None:
    code, out, _ = run_cli(
        ["fit", "--predictor", "xgboost", "--data", values_csv, "--out", tmp_path / "model"]
    )
    assert code == 0
    assert str(tmp_path / "model") in out
    code, out, err = run_cli(["predict", "2581", "--predictor", tmp_path / "model", "--json"])
    assert (code, err) == (0, "")
    assert set(json.loads(out)["predictions"][0]["values"]) == {"value"}


@pytest.mark.tables
def test_targets_of_a_table_become_a_predictor(
    run_cli: Run, data_dir: Path, tmp_path: Path
) -> None:
    targets = ["nas-robbench-201/cifar10/pgd-8", "nas-robbench-201/cifar10/clean"]
    options = [word for target in targets for word in ("--target", target)]
    document = fit(
        run_cli, *options, "--data-dir", data_dir, "--n-train", "50", "--out", tmp_path / "model"
    )
    assert document["targets"] == targets
    assert document["n_test"] == 6416
    assert all(figures["kendall_tau"] > 0.6 for figures in document["metrics"].values())
    card = read_card(tmp_path / "model")
    assert card["trained_on"]["table"] == "nas-robbench-201"
    assert set(card["trained_on"]["sha256"]) == {"NAS-RobBench-201_html.json"}
    assert "arXiv:2403.13134" in card["citation"]


@pytest.mark.tables
def test_cells_that_were_not_measured_are_left_out(
    run_cli: Run, data_dir: Path, tmp_path: Path
) -> None:
    document = fit(
        run_cli,
        *("--target", "hw-nas-bench/cifar10/edgetpu-latency", "--data-dir", data_dir),
        *("--n-train", "30", "--out", tmp_path / "model"),
    )
    assert document["n_train"] + document["n_test"] == 15625 - 4699
