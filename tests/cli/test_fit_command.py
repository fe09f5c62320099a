"""``surrobust fit``."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from surrobust import predictors
from surrobust.metrics import kendall_tau, rmse
from surrobust.predictors.shipped import load_predictor, read_card
from surrobust.spaces import Architecture, NASBench201

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
    counts = {"n_train": 60, "n_test": 0, "n_train_cells": 60, "n_test_cells": 0}
    assert set(document) == {"predictor", "targets", "out", "metrics", *counts}
    assert document["targets"] == ["value"]
    assert document.items() >= counts.items()
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


def write_rows(path: Path, rows: list[tuple[Architecture, float]]) -> Path:
    lines = [f"{cell.index},{value}" for cell, value in rows]
    path.write_text("\n".join(["architecture,value", *lines]))
    return path


@pytest.fixture
def repeated_csv(tmp_path: Path, toy_cells: list[Architecture]) -> Path:
    """Thirty cells whose values tell nothing, measured five times each."""
    rng = np.random.default_rng(0)
    level = rng.normal(size=30)
    rows = [(toy_cells[i], level[i] + rng.normal(0, 0.3)) for _ in range(5) for i in range(30)]
    return write_rows(tmp_path / "repeated.csv", rows)


def test_a_cell_stands_on_one_side_and_is_judged_once(
    run_cli: Run, repeated_csv: Path, tmp_path: Path
) -> None:
    arguments = ["--data", repeated_csv, "--n-train", "98", "--out", tmp_path / "model"]
    code, out, err = run_cli(["fit", "--predictor", "xgboost", *arguments, "--json"])
    assert code == 0, err
    document = json.loads(out)
    counts = {"n_train": 100, "n_test": 50, "n_train_cells": 20, "n_test_cells": 10}
    assert document.items() >= counts.items()
    figures = document["metrics"]["value"]
    assert figures["n"] == 10
    card = read_card(tmp_path / "model")
    assert card["split"] == {"seed": 0, **counts}
    assert card["trained_on"]["n"] == 100
    assert card["trained_on"]["n_cells"] == 20
    assert err.strip().splitlines()[-1] == (
        "fitting xgboost to 100 rows of 20 cells, 50 of 10 held out; rows of one cell (isomorphic "
        "ones are one) count as measurements of it: 5 on average, at most 5; held-out figures "
        "are of means over the rows of each architecture"
    )
    code, out, err = run_cli(["fit", "--predictor", "xgboost", *arguments[:2], *arguments[4:]])
    assert "fitting xgboost to 150 rows of 30 cells; rows of one cell" in err
    assert "held out" not in err
    assert "trained on 150 rows of 30 cells" in out
    fit(run_cli, *arguments)
    model = load_predictor(tmp_path / "model")
    rows = [line.split(",") for line in repeated_csv.read_text().splitlines()[1:]]
    held_out = [cell for cell in {row[0] for row in rows} if not model.trained_on(int(cell))]
    assert len(held_out) == 10
    means = [np.mean([float(v) for c, v in rows if c == cell]) for cell in held_out]
    predicted = model.predict([int(cell) for cell in held_out])[:, 0]
    assert figures["kendall_tau"] == pytest.approx(kendall_tau(np.array(means), predicted))
    assert figures["rmse"] == pytest.approx(rmse(np.array(means), predicted))
    ends = [end[:, 0] for end in model.predict_interval([int(c) for c, _ in rows], coverage=0.9)]
    inside = [
        low <= float(v) <= up for (c, v), low, up in zip(rows, *ends, strict=True) if c in held_out
    ]
    assert figures["coverage_90"] == pytest.approx(np.mean(inside))  # five rows of each


def test_isomorphic_cells_stand_on_one_side(
    run_cli: Run, space: NASBench201, tmp_path: Path
) -> None:
    twins: dict[Architecture, list[Architecture]] = {}
    for cell in space:
        twins.setdefault(cell.representative, []).append(cell)
    pairs = [group[:2] for group in twins.values() if len(group) > 1][:20]
    rows = [(cell, i + 0.1 * j) for i, pair in enumerate(pairs) for j, cell in enumerate(pair)]
    data = write_rows(tmp_path / "twins.csv", rows)
    arguments = ["--data", data, "--n-train", "31", "--out", tmp_path / "model"]
    code, out, err = run_cli(["fit", "--predictor", "xgboost", *arguments])
    assert code == 0, err
    card = read_card(tmp_path / "model")
    counts = {"n_train": 32, "n_test": 8, "n_train_cells": 16, "n_test_cells": 4}
    assert card["split"] == {"seed": 0, **counts}
    assert card["metrics"]["value"]["n"] == 8  # architectures, each with a value of its own
    model = load_predictor(tmp_path / "model")
    assert sum(model.trained_on(pair[0]) for pair in pairs) == 16
    assert "means" not in err
    assert "trained on 32 rows of 16 cells" in out


@pytest.mark.parametrize(
    ("numbers", "n_train", "told"),
    [
        (
            [0] * 25,
            None,
            "--data: expected at least 2 distinct cells to train on, got 25 rows of 1",
        ),
        ([0] * 9 + [1] * 9, 2, "--n-train: expected at least 2 distinct cells to train on, got 9"),
        ([0] * 9 + [1] * 9, 10, "--n-train: expected to leave a cell to judge by, got 10"),
        ([0, 1, 2], 4, "--n-train: expected at most 3"),
    ],
)
def test_too_few_cells_are_refused_however_many_the_rows(
    numbers: list[int],
    n_train: int | None,
    told: str,
    run_cli: Run,
    toy_cells: list[Architecture],
    tmp_path: Path,
) -> None:
    rows = [(toy_cells[i], float(k)) for k, i in enumerate(numbers)]
    data = write_rows(tmp_path / "few.csv", rows)
    size = [] if n_train is None else ["--n-train", str(n_train)]
    code, out, err = run_cli(["fit", "--data", data, *size, "--out", tmp_path / "model"])
    assert (code, out) == (2, "")
    assert told in err
    assert err.strip().count("\n") == 0
    assert not (tmp_path / "model").exists()


@pytest.fixture
def columns_csv(tmp_path: Path, toy_cells: list[Architecture]) -> Path:
    path = tmp_path / "columns.csv"
    rows = [f"{cell.code},{i},{'' if i % 7 else i * i}" for i, cell in enumerate(toy_cells)]
    path.write_text("\n".join(["architecture,a,b", *rows]))
    return path


def test_columns_of_a_file_stand_beside_the_features(
    run_cli: Run, values_csv: Path, columns_csv: Path, tmp_path: Path
) -> None:
    given = ("--data", values_csv, "--columns", columns_csv)
    fit(run_cli, *given, "--out", tmp_path / "model")
    model, card = load_predictor(tmp_path / "model"), read_card(tmp_path / "model")
    assert model.columns.names == ("a", "b")
    assert card["options"]["columns"]["names"] == ["a", "b"]
    assert card["trained_on"]["columns"][0]["file"] == "columns.csv"
    code, _, err = run_cli(["predict", "2581", "323133", "--predictor", tmp_path / "model"])
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("architecture,a\n1,x\n", "line 2"),
        ("architecture,a\n1,0.5\n99999,1\n", "line 3"),
        ("architecture,a\n1,0.5\n2\n", "line 3"),
        ("a,b\n1,2\n", "line 1"),
        ("architecture,a\n1,0.5\n2,0.5\n", "vary"),
        ("architecture,a\n1,\n2,\n", "vary"),
        ("", "header"),
    ],
)
def test_malformed_columns_are_refused_in_one_line(
    content: str, told: str, run_cli: Run, values_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "columns.csv").write_text(content)
    arguments = ["--data", values_csv, "--columns", tmp_path / "columns.csv"]
    code, out, err = run_cli(["fit", *arguments, "--out", tmp_path / "model"])
    assert (code, out) == (2, "")
    assert told in err
    assert err.strip().count("\n") == 0
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "values.csv", "--columns", "clean"], "got --data"),
        (["--data", "values.csv", "--columns", "nowhere.csv"], "no such file"),
        (["--data", "values.csv", "--predictor", "gnn", "--columns", "columns.csv"], "option"),
        (["--data", "values.csv", "--columns", "columns.csv", "--columns", "b.csv"], "once"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    arguments: list[str],
    told: str,
    run_cli: Run,
    values_csv: Path,
    columns_csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "b.csv").write_bytes(columns_csv.read_bytes())
    monkeypatch.chdir(tmp_path)
    code, out, err = run_cli(["fit", *arguments, "--out", "model"])
    assert (code, out) == (2, "")
    assert told in err
    assert err.strip().splitlines()[-1].count(told) == 1


@pytest.mark.tables
def test_clean_accuracy_and_proxies_of_the_tables(
    run_cli: Run, data_dir: Path, tmp_path: Path
) -> None:
    common = ("--data-dir", data_dir, "--n-train", "60", "--columns", "clean")
    target = "nas-robbench-201/cifar100/pgd-8"
    out = ("--columns", "proxies", "--out", tmp_path / "model")
    with_columns = fit(run_cli, "--target", target, *common, *out)
    without = fit(run_cli, "--target", target, *common[:4], "--out", tmp_path / "other")
    taus = [d["metrics"][target]["kendall_tau"] for d in (with_columns, without)]
    assert taus[0] > taus[1]
    model = load_predictor(tmp_path / "model")
    assert model.columns.widths == (1, 13)
    assert model.columns.names[0] == "nas-robbench-201/cifar100/clean"
    for targets in (
        (target, "nas-robbench-201/cifar10/pgd-8"),
        (target.replace("pgd-8", "clean"),),
    ):
        given = [word for one in targets for word in ("--target", one)]
        code, _, err = run_cli(["fit", *given, *common, "--out", tmp_path / "third"])
        assert code == 2
        assert "--columns clean" in err
