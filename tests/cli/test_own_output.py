"""What the package writes, the package reads: every output by every command that takes files."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from surrobust import predictors
from surrobust.predictors.shipped import read_card
from surrobust.proxies import score_proxies
from surrobust.searches import Evaluation, SearchResult
from surrobust.spaces import DARTS_SPACES, Architecture
from surrobust.tables import MeasurementTable, append_record
from surrobust.targets import DEFAULT_TARGET, targets_of

Run = Callable[..., tuple[int, str, str]]

CELLS = [Architecture.parse(n) for n in ("2581", "001234", "012340", "13714", "7", "323140")]
"""Among them two codes that look like padded indices, or that lose zeros as numbers."""

CODES = [cell.code for cell in CELLS]
SMALL = ["--proxy", "params", "--proxy", "flops", "--batch-size", "2", "--channels", "2"]
FORMS = ("genotype", "index", "code", "op_indices", "edges")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predictors, "make_predictor", partial(predictors.make_predictor, trees=10))


@pytest.fixture
def done(run_cli: Run) -> Callable[..., str]:
    def run(*arguments: object, stdin: bytes = b"") -> str:
        code, out, err = run_cli(arguments, stdin)
        assert code == 0, err
        return out

    return run


def result() -> SearchResult:
    evaluations = tuple(Evaluation(c, 0.1 * n, n, "table") for n, c in enumerate(CELLS))
    return SearchResult(DEFAULT_TARGET, "table", "random", 6, 0, evaluations)


def record(cell: Architecture) -> dict:
    said = {"images": "digits", "recipe": "smoke", "seed": 0, "device": "cpu", "versions": {}}
    train = {"epochs": 1, "channels": 2, "cells": 1, "n_images": 9, "seconds": 1.0}
    figures = {"accuracy": {"clean": 0.5}, "n_test": 9, "started": "2026", "train": train}
    return {"architecture": cell.genotype, "index": cell.index, **said, **figures}


def write_json_outputs(done: Callable[..., str]) -> None:
    for form in FORMS:
        for ending, option in (("txt", ()), ("json", ("--json",))):
            text = done("convert", *CODES, "--to", form, *option)
            Path(f"convert-{form}.{ending}").write_text(text)
    Path("convert.json").write_text(done("convert", *CODES, "--json"))
    Path("proxies.json").write_text(done("proxies", *CODES, *SMALL, "--json"))
    for cell in CELLS:
        append_record("records.jsonl", record(cell))
    Path("records.json").write_text(json.dumps({"records": [record(cell) for cell in CELLS]}))


def write_csv_outputs(done: Callable[..., str]) -> None:
    Path("proxies.csv").write_text(done("proxies", *CODES, *SMALL, "--csv"))
    scores = score_proxies(CODES, ["params", "flops"], batch_size=2, channels=2)
    scores.to_csv("scores.csv")
    scores.reset_index().to_csv("scores-reset.csv")
    pd.read_csv("scores-reset.csv").to_csv("scores-read-again.csv")
    scores.set_axis([cell.genotype for cell in CELLS]).to_csv("scores-nameless.csv")
    result().to_frame().to_csv("result.csv")
    result().to_frame().to_csv("result-plain.csv", index=False)


def write_converted(done: Callable[..., str]) -> None:
    frame = pd.DataFrame(json.loads(done("convert", *CODES, "--json"))["architectures"])
    frame.to_csv("converted.csv", index=False)
    pd.read_csv("converted.csv").to_csv("converted-again.csv")  # codes are numbers now
    for column in ("code", "op_indices", "edges", "index"):
        frame[[column]].assign(value=range(6)).to_csv(f"only-{column}.csv")
    pd.read_csv("only-code.csv").to_csv("only-code-again.csv")


def files() -> list[str]:
    return sorted(path.name for path in Path().iterdir() if path.is_file())


def test_architectures_are_read_from_every_output(done: Callable[..., str]) -> None:
    write_json_outputs(done)
    write_csv_outputs(done)
    write_converted(done)
    for name in files():
        assert done("convert", name, "--to", "code").split() == CODES, name
        from_stdin = done("convert", "-", "--to", "code", stdin=Path(name).read_bytes())
        assert from_stdin.split() == CODES, name
    result().write("run")
    best = [e.architecture.code for e in result().finalists]
    assert done("convert", "run/search.json", "--to", "code").split() == best


@pytest.mark.usefixtures("toy_shipped")
def test_commands_read_what_others_wrote(done: Callable[..., str]) -> None:
    Path("proxies.csv").write_text(done("proxies", *CODES, *SMALL, "--csv"))
    Path("predict.json").write_text(done("predict", "proxies.csv", "--json"))
    assert done("proxies", "predict.json", *SMALL, "--csv") == Path("proxies.csv").read_text()
    assert done("predict", "predict.json", "--json") == Path("predict.json").read_text()
    assert done("convert", "predict.json", "--to", "code").split() == CODES


def test_values_are_read_from_every_csv(done: Callable[..., str]) -> None:
    write_csv_outputs(done)
    write_converted(done)
    rows = "".join(f"{cell.genotype},{n / 10}\n" for n, cell in enumerate(CELLS))
    Path("own.txt").write_text("architecture,value\n" + rows)
    named = [name for name in files() if name.endswith(".csv") and "converted" not in name]
    options = ["--predictor", "xgboost", "--json"]
    for number, name in enumerate(named):
        expected = ["value"] if name.startswith(("result", "only")) else ["params", "flops"]
        fitted = json.loads(done("fit", "--data", name, *options, "--out", f"fitted-{number}"))
        assert fitted["targets"] == expected, name
        assert fitted["n_train_cells"] == 6
        out = Path(f"columns-{number}")
        done("fit", "--data", "own.txt", "--columns", name, *options, "--out", out)
        assert read_card(out)["options"]["columns"]["names"] == expected


def test_values_come_through_standard_input(done: Callable[..., str], run_cli: Run) -> None:
    result().to_frame().to_csv("result.csv")
    content = Path("result.csv").read_bytes()
    fit = ["fit", "--predictor", "xgboost", "--json", "--out"]
    named = json.loads(done(*fit, "a", "--data", "result.csv"))
    piped = json.loads(done(*fit, "b", "--data", "-", stdin=content))
    assert {**piped, "out": ""} == {**named, "out": ""}
    of_file, of_pipe = (read_card(folder)["trained_on"] for folder in ("a", "b"))
    assert (of_pipe["file"], of_pipe["sha256"]) == ("-", of_file["sha256"])
    code, _, err = run_cli([*fit, "c", "--data", "-", "--columns", "-"], content)
    assert (code, "once" in err) == (2, True)


def test_failed_evaluations_are_left_out(run_cli: Run) -> None:
    failed = [Evaluation(cell, math.nan, 6 + n, "table", error="x") for n, cell in enumerate(CELLS)]
    whole = result()
    replace(whole, evaluations=(*whole.evaluations, *failed)).to_frame().to_csv("result.csv")
    fit = ["fit", "--data", "result.csv", "--predictor", "xgboost"]
    code, out, err = run_cli([*fit, "--json", "--out", "a"])
    assert (code, json.loads(out)["n_train"]) == (0, 6)
    assert "left out as notes: trial, source, failed" in err
    assert "line 8: left out as failed, one of 6 rows" in err
    assert run_cli(["convert", "result.csv", "--to", "code"])[1].split() == CODES * 2
    replace(whole, evaluations=tuple(failed)).to_frame().to_csv("result.csv")
    code, out, err = run_cli([*fit, "--out", "b"])
    assert (code, out, err) == (
        *(2, ""),
        "surrobust: result.csv: expected at least one row that did not fail, got none\n",
    )


def test_a_table_is_read_as_its_frame_is_written(done: Callable[..., str]) -> None:
    name = "nas-robbench-201"
    rng = np.random.default_rng(0)
    table = MeasurementTable(name, rng.uniform(size=(6466, len(targets_of(name)))))
    table.to_frame().iloc[:30, :2].to_csv("table.csv")
    fit = ["fit", "--data", "table.csv", "--predictor", "xgboost", "--json", "--out", "a"]
    assert json.loads(done(*fit))["targets"] == list(table.targets[:2])
    indices = done("convert", "table.csv", "--to", "index").split()
    assert indices == [str(cell.index) for cell in table.architectures[:30]]


def test_scores_without_their_index_are_refused(run_cli: Run) -> None:
    scores = score_proxies(CODES, ["params"], batch_size=2, channels=2)
    scores.to_csv("scores.csv", index=False)
    for arguments in (["convert", "scores.csv"], ["fit", "--data", "scores.csv", "--out", "a"]):
        code, out, err = run_cli(arguments)
        assert (code, out) == (2, "")
        assert "a header with a column architecture" in err
        assert err.count("\n") == 1


def test_records_of_genotypes_are_verified_again(done: Callable[..., str]) -> None:
    (genotype,) = DARTS_SPACES["darts"].sample(1, seed=0)
    options = ["--recipe", "smoke", "--images", "digits", "--device", "cpu", "--epochs", "1"]
    options += ["--channels", "2", "--cells", "3", "--n-images", "64", "--n-test", "20"]
    options += ["--attack", "fgsm-8", "--json", "--out", "records.jsonl"]
    first = done("verify", genotype.text, "2581", *options)
    assert done("verify", "records.jsonl", *options) == first
    Path("document.json").write_text(first)
    assert done("verify", "document.json", *options) == first
    assert len(Path("records.jsonl").read_text().splitlines()) == 2
