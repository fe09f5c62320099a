"""``surrobust predict``."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from surrobust.predictors.shipped import load_predictor
from surrobust.spaces import Architecture

TARGETS = ("nas-robbench-201/cifar10/pgd-8", "nas-robbench-201/cifar10/clean")
"""Of the fixture ``model_folder``."""

Run = Callable[..., tuple[int, str, str]]

CELL = Architecture.parse(2581)
FORMS = [
    CELL.genotype,
    "2581",
    CELL.code,
    json.dumps({"op_indices": list(CELL.op_indices)}),
    json.dumps({"edges": CELL.edges}),
    json.dumps({"arch": 2581}),
]


def predict(run_cli: Run, folder: Path, *arguments: str, stdin: bytes = b"") -> dict:
    code, out, err = run_cli(["predict", "--predictor", folder, "--json", *arguments], stdin)
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    return json.loads(out)


def test_the_document_is_the_contracts(
    run_cli: Run, model_folder: Path, toy_cells: list[Architecture]
) -> None:
    document = predict(run_cli, model_folder, "2581", toy_cells[0].code)
    assert set(document) == {"predictor", "coverage", "predictions"}
    assert isinstance(document["predictor"], str)
    assert document["coverage"] == 0.9
    first, second = document["predictions"]
    for entry in (first, second):
        assert set(entry) == {"architecture", "index", "in_training_set", "values"}
        assert tuple(entry["values"]) == TARGETS
        for value in entry["values"].values():
            assert set(value) == {"mean", "lower", "upper"}
            assert value["lower"] <= value["mean"] <= value["upper"]
    assert (first["architecture"], first["index"]) == (CELL.genotype, 2581)
    assert first["in_training_set"] is (CELL in toy_cells)
    assert second["in_training_set"] is True


def test_the_numbers_are_the_librarys(run_cli: Run, model_folder: Path) -> None:
    document = predict(run_cli, model_folder, "2581", "1000", "--coverage", "0.8")
    model = load_predictor(model_folder)
    expected = [model.predict([2581, 1000]), *model.predict_interval([2581, 1000], coverage=0.8)]
    for name, array in zip(("mean", "lower", "upper"), expected, strict=True):
        got = [[v[name] for v in e["values"].values()] for e in document["predictions"]]
        np.testing.assert_array_equal(got, array)


def test_every_written_form_gives_the_same_numbers(
    run_cli: Run, model_folder: Path, tmp_path: Path
) -> None:
    one = predict(run_cli, model_folder, "2581")["predictions"]
    assert predict(run_cli, model_folder, *FORMS)["predictions"] == one * len(FORMS)
    document = json.dumps([json.loads(f) if f.startswith("{") else f for f in FORMS])
    (tmp_path / "cells.json").write_text(document)
    (tmp_path / "cells.csv").write_text("n,architecture\n1,323133\n2,2581\n")
    (tmp_path / "cells.jsonl").write_text(f'{{"arch": 2581}}\n"{CELL.genotype}"\n')
    for name, n in (("cells.json", len(FORMS)), ("cells.csv", 2), ("cells.jsonl", 2)):
        assert predict(run_cli, model_folder, str(tmp_path / name))["predictions"] == one * n
    assert predict(run_cli, model_folder, "-", stdin=document.encode())["predictions"] == one * len(
        FORMS
    )


def test_target_selects_and_orders_the_columns(run_cli: Run, model_folder: Path) -> None:
    both = predict(run_cli, model_folder, "2581")["predictions"][0]["values"]
    options = [word for target in TARGETS[::-1] for word in ("--target", target)]
    entry = predict(run_cli, model_folder, "2581", *options, *options)["predictions"][0]
    assert tuple(entry["values"]) == TARGETS[::-1]
    assert entry["values"] == both


def test_what_predict_prints_can_be_read_again(
    run_cli: Run, model_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.json").write_text(json.dumps(predict(run_cli, model_folder, "2581", "1000")))
    again = predict(run_cli, model_folder, str(tmp_path / "out.json"))
    assert [entry["index"] for entry in again["predictions"]] == [2581, 1000]


def test_text_of_one_target_is_one_table(run_cli: Run, model_folder: Path) -> None:
    code, out, err = run_cli(
        ["predict", "2581", "1000", "--predictor", model_folder, "--target", TARGETS[0]]
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "0.9" in lines[0]
    assert lines[1] == TARGETS[0]
    assert lines[2].split() == ["value", "lower", "upper", "index", "genotype"]
    assert [line.split()[3] for line in lines[3:]] == ["2581", "1000"]


def test_text_of_several_targets_is_one_table_per_cell(run_cli: Run, model_folder: Path) -> None:
    _, out, _ = run_cli(["predict", "2581", "1000", "--predictor", model_folder])
    assert [out.count(target) for target in TARGETS] == [2, 2]
    assert CELL.genotype in out


def test_a_target_that_the_predictor_does_not_know(run_cli: Run, model_folder: Path) -> None:
    code, out, err = run_cli(
        ["predict", "2581", "--predictor", model_folder, "--target", "nas-robbench-201/cifar10/pgd"]
    )
    assert (code, out) == (2, "")
    assert TARGETS[0] in err


def test_a_wider_coverage_gives_a_wider_interval(run_cli: Run, model_folder: Path) -> None:
    def width(coverage: str) -> float:
        document = predict(run_cli, model_folder, "2581", "--coverage", coverage)
        value = document["predictions"][0]["values"][TARGETS[0]]
        return value["upper"] - value["lower"]

    assert width("0.5") < width("0.8") < width("0.95")


def test_an_interval_that_too_few_cells_vouch_for_is_all_that_can_be(
    run_cli: Run, model_folder: Path
) -> None:
    document = predict(run_cli, model_folder, "2581", "--coverage", "0.999")
    value = document["predictions"][0]["values"][TARGETS[0]]
    assert (value["lower"], value["upper"]) == (0, 1)
