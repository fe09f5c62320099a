"""``surrobust verify``."""

import errno
import json
import os

import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Evaluation, SearchResult
from surrobust.spaces import DARTS_SPACES, Architecture, Genotype
from surrobust.tables import read_records

SMALL = ["--recipe", "smoke", "--images", "digits", "--device", "cpu", "--epochs", "1"]
SMALL += ["--channels", "2", "--n-images", "150"]
SMALL += ["--n-test", "50", "--attack", "fgsm-8"]


def test_text_and_records(run_cli, tmp_path):
    out = tmp_path / "records.jsonl"
    code, shown, told = run_cli(["verify", "2581", "1000", *SMALL, "--out", out])
    assert code == 0, told
    header, *rows = shown.splitlines()
    assert header.split()[:3] == ["index", "clean", "fgsm-8"]
    assert "p (fgsm-8)" in header
    assert sum("best" in row for row in rows) == 1
    assert [row.split()[0] for row in rows] == ["2581", "1000"]
    assert [record["index"] for record in read_records(out)] == [2581, 1000]
    assert "cell 2581: epoch 1 of 1, loss" in told


def test_json_and_what_is_there_already(run_cli, tmp_path):
    out = tmp_path / "records.jsonl"
    arguments = ["verify", "323133", *SMALL, "--out", out, "--json"]
    code, shown, _ = run_cli(arguments)
    assert code == 0
    (record,) = json.loads(shown)["records"]
    assert record == read_records(out)[0]
    code, again, told = run_cli(arguments)
    assert (code, again) == (0, shown)
    assert "epoch 1 of 1" not in told


def test_finalists_of_a_search(run_cli, tmp_path):
    cells = [Architecture.parse(text) for text in ("000000", "323133", "111111")]
    evaluations = tuple(Evaluation(c, 0.1 * i, i, "table") for i, c in enumerate(cells))
    target = "nas-robbench-201/cifar10/pgd-8"
    SearchResult(target, "table", "random", 3, 0, evaluations).write(tmp_path)
    for given in (tmp_path, tmp_path / "search.json"):
        code, shown, told = run_cli(["verify", given, "--top", "2", *SMALL])
        assert code == 0, told
        assert [row.split()[0] for row in shown.splitlines()[1:]] == [
            str(cells[2].index),
            str(cells[1].index),
        ]


def test_the_recipe_of_the_benchmark_that_was_searched(run_cli, tmp_path, monkeypatch):
    from surrobust import verification

    made = []

    def stop(*, recipe: str, **_: object) -> None:
        made.append(recipe)
        raise InvalidInputError("recipe: seen")

    monkeypatch.setattr(verification, "make_plan", stop)
    evaluations = (Evaluation(Architecture.parse(2581), 0.1, 0, "table"),)
    targets = {"a": "nas-robbench-201/cifar10/pgd-8", "b": "jung2023/cifar10/pgd-1"}
    for name, target in targets.items():
        SearchResult(target, "table", "random", 1, 0, evaluations).write(tmp_path / name)
    for given, expected in (
        (["2581"], "robbench201"),
        ([tmp_path / "a"], "robbench201"),
        ([tmp_path / "b"], "nasbench201"),
        ([tmp_path / "b" / "search.json", "2581"], "nasbench201"),
        ([tmp_path / "b", "--recipe", "fast"], "fast"),
    ):
        code, _, told = run_cli(["verify", *given])
        assert (code, made.pop()) == (2, expected)
        assert ("by which the networks of jung2023" in told) == (expected == "nasbench201")
    code, _, told = run_cli(["verify", tmp_path / "a", tmp_path / "b"])
    assert (code, made) == (2, [])
    assert "--recipe: expected one for searches of jung2023, nas-robbench-201, got none" in told


@pytest.mark.parametrize("at_once", [1, 2])
def test_one_that_diverges_is_told_and_the_others_go_on(run_cli, tmp_path, monkeypatch, at_once):
    from surrobust.training import Training

    real = Training.steps

    def sometimes(training: Training) -> object:
        if training.architecture.index == 2581:
            msg = "training: expected a finite loss, got nan in epoch 1 of cell 2581"
            raise FloatingPointError(msg)
        yield from real(training)

    monkeypatch.setattr(Training, "steps", sometimes)
    out = tmp_path / "records.jsonl"
    code, shown, told = run_cli(
        ["verify", "2581", "1000", *SMALL, "--out", out, "--at-once", at_once]
    )
    assert code == 1
    assert "expected a finite loss, got nan" in told
    assert [record["index"] for record in read_records(out)] == [1000]
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--recipe", "slow"], "recipe: expected one of robbench201"),
        (["--attack", "magic-8"], "attack: expected clean, corruptions, one of robbench"),
        (["--images", "nothing"], "images: expected one of random"),
        (["--keep"], "--keep: expected --out FILE"),
        (["--out", "."], "--out: expected a file that can be written"),
        (["--epochs", "0"], "--epochs"),
        (["--precision", "fp16"], "--precision"),
        (["--time-limit", "0"], "--time-limit"),
    ],
)
def test_mistakes(run_cli, arguments, told):
    code, out, err = run_cli(["verify", "2581", *SMALL, *arguments])
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_full_disk_is_told_and_records_stay(run_cli, tmp_path, monkeypatch):
    out = tmp_path / "records.jsonl"
    assert run_cli(["verify", "1000", *SMALL, "--out", out])[0] == 0
    before = out.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    code, shown, told = run_cli(["verify", "2581", *SMALL, "--out", out])
    assert (code, shown) == (1, "")
    assert "No space left on device" in told
    assert out.read_bytes() == before


def test_a_genotype_is_trained_attacked_and_recorded(run_cli, tmp_path):
    (genotype,) = DARTS_SPACES["darts"].sample(1, seed=0)
    out = tmp_path / "records.jsonl"
    options = ["--recipe", "smoke", "--images", "digits", "--epochs", "1", "--channels", "2"]
    options += ["--cells", "3", "--n-images", "64", "--n-test", "32", "--attack", "pgd-8"]
    code, text, err = run_cli(["verify", genotype.text, *options, "--out", out, "--json"])
    assert code == 0, err
    (record,) = json.loads(text)["records"]
    assert Genotype.parse(record["architecture"]) == genotype
    assert record["index"] == genotype.index
    assert {"clean", "pgd-8"} <= set(record["accuracy"])
    # What is there is not run again, also where it is named by the folder of its search.
    folder = tmp_path / "found" / "gradient"
    folder.mkdir(parents=True)
    (folder / "gradient.json").write_text(json.dumps(genotype.to_document()))
    code, text, _ = run_cli(["verify", tmp_path / "found", *options, "--out", out, "--json"])
    assert json.loads(text)["records"] == [record]
    code, _, err = run_cli(["report", tmp_path])
    assert code == 0, err
    assert genotype.code in (tmp_path / "report.html").read_text()
    line = out.read_text().replace(str(genotype.index), str(genotype.index + 1))
    out.write_text(line)
    code, _, err = run_cli(["report", tmp_path])
    assert code == 2
    assert "of this genotype, got" in err


def test_a_projection_after_fifty_steps_and_a_limit_that_cannot_be_kept(run_cli, tmp_path):
    out = tmp_path / "records.jsonl"
    arguments = ["verify", "2581", *SMALL, "--epochs", "30", "--n-images", "128", "--out", out]
    code, _, told = run_cli([*arguments, "--time-limit", "0.001"])
    assert code == 2
    lines = told.splitlines()
    assert "time_limit: expected at least" in lines[-1]
    assert lines[-1].endswith("got 0.001; it stopped after 50 steps")
    assert not out.exists()
    # What was done until then is kept, and gone on with.
    code, _, told = run_cli([*arguments, "--time-limit", "3600"])
    assert code == 0, told
    assert told.splitlines()[1].startswith("cell 2581: epoch 25 of 30")
    (tmp_path / "records.jsonl").unlink()
    code, _, told = run_cli(arguments)
    assert code == 0, told
    assert told.count("cell 2581: training takes about") == 1
    assert len(read_records(out)) == 1


@pytest.mark.parametrize("captured", ["--captured", "--no-captured"])
def test_precision_and_graphs_are_for_gpus(run_cli, tmp_path, captured):
    out = tmp_path / "records.jsonl"
    arguments = ["verify", "2581", *SMALL, "--out", out, "--precision", "bf16", captured, "--keep"]
    code, _, told = run_cli(arguments)
    assert code == 0, told
    assert "bf16 is for GPUs, computed and recorded is fp32" in told
    (record,) = read_records(out)
    assert record["train"]["precision"] == "fp32"
    assert len(list((tmp_path / "records.jsonl.checkpoints").glob("*.safetensors"))) == 1
