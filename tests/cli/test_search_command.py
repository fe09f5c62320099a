"""``surrobust search``."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surrobust import verification
from surrobust._locks import hold
from surrobust.cli.progress import SearchPace, duration
from surrobust.searches import Evaluation, SearchResult
from surrobust.spaces import Architecture, Genotype

Run = Callable[..., tuple[int, str, str]]

KEYS = {
    "target",
    "objective",
    "strategy",
    "budget",
    "seed",
    "version",
    "evaluations",
    "finalists",
    "checksum",
}
QUICK = ["search", "--strategy", "random", "--objective", "surrogate"]

pytestmark = pytest.mark.usefixtures("toy_shipped")


def test_the_document_is_the_contracts(run_cli: Run, tmp_path: Path) -> None:
    code, out, err = run_cli([*QUICK, "--budget", "7", "--out", tmp_path / "run", "--json"])
    assert code == 0
    assert out.count("\n") == 1
    document = json.loads(out)
    assert set(document) == KEYS
    assert document == json.loads((tmp_path / "run" / "search.json").read_text())
    assert len(document["evaluations"]) == 7
    for trial, row in enumerate(document["evaluations"]):
        assert set(row) == {"architecture", "index", "value", "trial", "source"}
        assert row["trial"] == trial
    for finalist in document["finalists"]:
        assert set(finalist) == {"architecture", "index", "value"}
    values = [finalist["value"] for finalist in document["finalists"]]
    assert values == sorted((row["value"] for row in document["evaluations"]), reverse=True)[:5]
    assert "objective: surrogate" in err


def test_text_lists_the_finalists(run_cli: Run) -> None:
    code, out, err = run_cli([*QUICK, "--budget", "6"])
    assert code == 0
    lines = out.splitlines()
    assert "6 evaluations" in lines[0]
    assert lines[1].split() == ["rank", "value", "index", "genotype"]
    assert [line.split()[0] for line in lines[2:]] == list("12345")
    assert "evaluation 6 of 6" in err


def test_the_seed_decides(run_cli: Run) -> None:
    runs = [run_cli([*QUICK, "--budget", "5", "--seed", seed, "--json"])[1] for seed in "001"]
    assert runs[0] == runs[1] != runs[2]


def test_resume_continues_as_if_never_interrupted(run_cli: Run, tmp_path: Path) -> None:
    arguments = [*QUICK, "--out", tmp_path / "run", "--json"]
    run_cli([*arguments, "--budget", "4"])
    _, resumed, _ = run_cli([*arguments, "--budget", "9", "--resume"])
    _, whole, _ = run_cli([*QUICK, "--budget", "9", "--json"])
    assert json.loads(resumed) == json.loads(whole)


def test_resume_takes_its_options_from_the_file(run_cli: Run, tmp_path: Path) -> None:
    whole = run_cli([*QUICK, "--seed", "3", "--budget", "9", "--json"])[1]
    run_cli([*QUICK, "--seed", "3", "--budget", "4", "--out", tmp_path])
    code, out, _ = run_cli(["search", "--out", tmp_path, "--resume", "--budget", "9", "--json"])
    assert code == 0
    assert json.loads(out) == json.loads(whole)
    code, out, err = run_cli(["search", "--out", tmp_path, "--resume", "--seed", "0"])
    assert (code, out) == (2, "")
    assert "seed: expected 3" in err


def test_a_search_is_not_written_over(run_cli: Run, tmp_path: Path) -> None:
    arguments = [*QUICK, "--budget", "3", "--out", tmp_path]
    run_cli(arguments)
    before = (tmp_path / "search.json").read_text()
    code, out, err = run_cli([*arguments, "--seed", "1"])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--resume" in err
    assert (tmp_path / "search.json").read_text() == before


def test_a_folder_in_which_another_searches(run_cli: Run, tmp_path: Path) -> None:
    for more in ([], ["--workers", "2"], ["--resume"]):
        with hold(tmp_path / "search.json.lock"):
            code, out, err = run_cli([*QUICK, "--budget", "3", "--out", tmp_path, *more])
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"{tmp_path}: expected nobody else to write here, got process {os.getpid()} " in err
    assert not (tmp_path / "search.json").exists()


def test_a_damaged_search_is_not_believed_by_any_command(run_cli: Run, tmp_path: Path) -> None:
    run_cli([*QUICK, "--budget", "3", "--out", tmp_path])
    path = tmp_path / "search.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 8'))
    for command in (
        ["search", "--resume", "--out", tmp_path],
        ["report", tmp_path],
        ["predict", path],
        ["verify", path, "--recipe", "smoke", "--images", "digits"],
        ["explore", "--search", tmp_path, "--out", tmp_path / "page.html"],
    ):
        code, out, err = run_cli(command)
        assert (code, out, err.count("\n")) == (2, "", 1), command
        assert "search.json: checksum: expected" in err


def test_a_journal_in_the_storage(run_cli: Run, tmp_path: Path) -> None:
    arguments = [*QUICK, "--budget", "5", "--storage", tmp_path / "journal", "--json"]
    runs = [run_cli(arguments) for _ in range(2)]
    assert [code for code, _, _ in runs] == [0, 0]
    assert json.loads(runs[0][1]) == json.loads(runs[1][1])
    plain = run_cli([*QUICK, "--budget", "5", "--json"])[1]
    assert json.loads(runs[0][1]) == json.loads(plain)


@pytest.mark.tables
def test_workers_are_processes(run_cli: Run, data_dir: Path, tmp_path: Path) -> None:
    arguments = ["search", "--strategy", "random", "--budget", "9", "--objective", "table"]
    where = ["--data-dir", data_dir, "--out", tmp_path, "--workers", "2", "--json"]
    code, out, err = run_cli([*arguments, *where])
    assert code == 0, err
    document = json.loads(out)
    assert len({row["index"] for row in document["evaluations"]}) == 9
    assert document == json.loads((tmp_path / "search.json").read_text())
    assert "evaluation 9 of 9: best" in err
    assert "regret" in (tmp_path / "search.svg").read_text()


def test_the_pace_is_told() -> None:
    now = [0.0]
    pace = SearchPace(clock=lambda: now[0])
    cells = [Architecture.parse(code) for code in ("333333", "222222", "233333")]
    rows = tuple(Evaluation(cells[i], value, i, "t") for i, value in enumerate((3, 1, 2)))
    told = []
    for done in (1, 2, 3):
        result = SearchResult("hw-nas-bench/cifar10/fpga-latency", "t", "random", 5, 0, rows[:done])
        told.append(pace.describe(result))
        now[0] += 100
    assert told == [
        "evaluation 1 of 5: best 3.0000",
        "evaluation 2 of 5: best 1.0000, 5 min 0 s left",
        "evaluation 3 of 5: best 1.0000, 3 min 20 s left",
    ]
    assert [duration(s) for s in (3.4, 61, 7325)] == ["3 s", "1 min 1 s", "2 h 2 min"]


def test_several_targets_and_bounds(run_cli: Run, tmp_path: Path) -> None:
    arguments = [*QUICK, "--budget", "8", "--target", "nas-robbench-201/cifar10/pgd-8"]
    arguments += ["--target", "params", "--max", "flops=80e6", "--min", "clean=0.2"]
    code, out, err = run_cli([*arguments, "--json", "--out", tmp_path])
    assert code == 0, err
    document = json.loads(out)
    assert set(document) == KEYS | {"targets", "directions", "bounds"}
    assert document["targets"] == ["nas-robbench-201/cifar10/pgd-8", "params"]
    assert [bound.get("max", bound.get("min")) for bound in document["bounds"]] == [80e6, 0.2]
    assert all(row["bounded"][0] <= 80e6 for row in document["evaluations"])
    assert "front of" in err
    code, out, _ = run_cli(["search", "--out", tmp_path, "--resume"])
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "nas-robbench-201/cifar10/pgd-8 x params, 8 evaluations (surrogate)"
    assert lines[1:3] == ["with flops <= 8e+07", "with nas-robbench-201/cifar10/clean >= 0.2"]
    assert lines[3].split() == ["rank", "pgd-8", "params", "flops", "clean", "index", "genotype"]
    assert len(lines) == 4 + len(document["finalists"])


def test_bounds_that_nothing_keeps(run_cli: Run) -> None:
    code, out, err = run_cli([*QUICK, "--budget", "3", "--min", "clean=1"])
    assert code == 0
    assert out.splitlines()[-1] == "none of them keeps the bounds"
    assert "none keeps the bounds yet" in err


def test_finalists_can_be_predicted(run_cli: Run, tmp_path: Path) -> None:
    run_cli([*QUICK, "--budget", "6", "--out", tmp_path / "run"])
    code, out, _ = run_cli(["predict", tmp_path / "run" / "search.json", "--json"])
    assert code == 0
    finalists = json.loads((tmp_path / "run" / "search.json").read_text())["finalists"]
    predictions = json.loads(out)["predictions"]
    assert [p["index"] for p in predictions] == [f["index"] for f in finalists]


def test_auto_falls_back_to_the_surrogate_and_says_so(
    run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SURROBUST_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    arguments = ["search", "--strategy", "random", "--budget", "2", "--json"]
    code, out, err = run_cli([*arguments, "--data-dir", tmp_path])
    assert code == 0
    assert json.loads(out)["objective"] == "surrogate"
    assert "not here" in err.splitlines()[0]


@pytest.mark.tables
def test_auto_takes_the_table_where_it_is(run_cli: Run, data_dir: Path) -> None:
    arguments = ["search", "--strategy", "random", "--budget", "3", "--json"]
    code, out, err = run_cli([*arguments, "--data-dir", data_dir])
    assert code == 0
    assert json.loads(out)["objective"] == "table"
    assert err.splitlines()[-1] == "objective: table"


def test_a_gradient_search_by_images(run_cli: Run, tmp_path: Path, toy_shipped: Path) -> None:
    arguments = ["search", "--strategy", "darts", "--objective", "surrogate", "--out", tmp_path]
    arguments += ["--images", "random", "--preset", "smoke", "--order", "2", "--budget", "1"]
    code, out, err = run_cli([*arguments, "--json"])
    assert code == 0
    assert "gradient step 2 of 2: fit" in err
    gradient = json.loads((tmp_path / "gradient" / "gradient.json").read_text())
    assert gradient["settings"]["order"] == 2
    (evaluation,) = json.loads(out)["evaluations"]
    cell = Architecture.parse(gradient["cells"]["cell"]).representative
    assert evaluation["index"] == cell.index
    resumed = ["search", "--out", tmp_path, "--resume", "--budget", "3", "--json"]
    code, out, err = run_cli(resumed)
    assert code == 0
    assert "gradient step" not in err
    assert json.loads(out)["evaluations"][0] == evaluation


def test_options_of_gradient_searches_belong_to_them(run_cli: Run) -> None:
    code, out, err = run_cli([*QUICK, "--images", "random"])
    assert (code, out) == (2, "")
    assert "--images: expected only with strategy darts, dsrna, arnas, got strategy random" in err
    code, _, err = run_cli(["search", "--strategy", "dsrna", "--images", "random", "--preset", "x"])
    assert code == 2
    assert "preset: expected one of cpu, smoke, darts-smoke, gpu" in err
    code, _, err = run_cli(["search", "--strategy", "arnas", "--relaxation", "linear"])
    assert code == 2
    assert "--relaxation: expected only with strategy dsrna, got strategy arnas" in err


def test_the_ranges_behind_the_certified_bound(run_cli: Run, tmp_path: Path) -> None:
    search = ["search", "--strategy", "dsrna", "--preset", "smoke", "--images", "digits"]
    search += ["--objective", "surrogate", "--budget", "1", "--relaxation", "linear"]
    search += ["--robustness", "certified", "--epsilon", "0.0005"]
    code, _, err = run_cli([*search, "--out", tmp_path, "--device", "cpu"])
    assert code == 0, err
    gradient = json.loads((tmp_path / "gradient" / "gradient.json").read_text())
    assert gradient["options"]["relaxation"] == "linear"
    assert gradient["options"]["robustness"] == "certified"
    assert gradient["options"]["epsilon"] == 0.0005
    code, _, err = run_cli(
        ["search", "--strategy", "dsrna", "--images", "digits", "--epsilon", "2"]
    )
    assert code == 2
    assert "epsilon: expected" in err
    assert err.count("\n") == 1


def test_the_objective_train(run_cli, tmp_path):
    out = tmp_path / "runs"
    small = ["--recipe", "smoke", "--images", "digits", "--epochs", "1", "--channels", "2"]
    small += ["--n-images", "120", "--n-test", "40", "--device", "cpu", "--strategy", "random"]
    arguments = ["search", "--objective", "train", *small, "--budget", "1", "--out", out, "--json"]
    code, shown, told = run_cli(arguments)
    assert code == 0, told
    document = json.loads(shown)
    assert document["target"] == "records/digits/pgd-8"
    assert [e["source"] for e in document["evaluations"]] == ["train"]
    code, shown, told = run_cli(["search", "--out", out, "--resume", "--budget", "2", "--json"])
    assert code == 0, told
    assert json.loads(shown)["evaluations"][:1] == document["evaluations"]
    assert len((out / "records.jsonl").read_text().splitlines()) == 2


def test_training_options_need_training(run_cli):
    code, _, told = run_cli(["search", "--objective", "surrogate", "--recipe", "smoke"])
    assert code == 2
    assert "--recipe: expected only with --objective train" in told


def test_a_strategys_own_cells(run_cli: Run, tmp_path: Path) -> None:
    arguments = ["search", "--strategy", "darts", "--preset", "darts-smoke", "--images", "random"]
    code, out, _ = run_cli([*arguments, "--out", tmp_path])
    assert code == 0
    genotype = Genotype.parse(out.strip())
    code, out, _ = run_cli([*arguments, "--out", tmp_path, "--json"])
    assert code == 0
    assert Genotype.parse(json.loads(out)) == genotype
    assert (tmp_path / "gradient" / "genotype.svg").is_file()
    code, _, err = run_cli(arguments[:-2])
    assert code == 2
    assert "--images: expected a name or folder with preset darts-smoke, got none" in err


def test_a_prior_by_name_and_none(run_cli: Run, tmp_path: Path) -> None:
    name = json.loads(run_cli(["models", "list", "--json"])[1])["models"][0]["name"]
    common = ["search", "--objective", "surrogate", "--budget", "3", "--json"]
    code, out, err = run_cli([*common, "--prior", name, "--out", tmp_path / "run"])
    assert code == 0, err
    assert json.loads(out)["prior"] == name
    assert f"prior: other targets of {name}" in err
    assert "prior" not in json.loads(run_cli([*common, "--prior", "none"])[1])
    # What a predictor plays is not searched with what it says itself.
    assert "prior" not in json.loads(run_cli(common)[1])
    code, out, err = run_cli([*common, "--prior", "nonsense"])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "prior" in err


TRAIN = [
    "search",
    "--objective",
    "train",
    "--recipe",
    "smoke",
    "--images",
    "digits",
    "--epochs",
    "1",
]
TRAIN += ["--channels", "2", "--n-images", "60", "--n-test", "20", "--device", "cpu"]
TRAIN += ["--strategy", "random", "--target", "nas-robbench-201/cifar10/fgsm-8"]


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], None]:
    """Let some trainings diverge, by their number."""

    def set_up(which: set[int]) -> None:
        run_plan, seen = verification.run_plan, []

        def run(*args: Any, **kwargs: Any) -> Any:
            seen.append(args)
            if len(seen) - 1 in which:
                raise FloatingPointError("epoch 1: the loss is nan")
            return run_plan(*args, **kwargs)

        monkeypatch.setattr(verification, "run_plan", run)

    return set_up


def test_a_training_that_diverges_is_counted_and_named(
    run_cli: Run, tmp_path: Path, diverging: Callable[[set[int]], None]
) -> None:
    diverging({1})
    code, out, err = run_cli([*TRAIN, "--budget", "3", "--out", tmp_path])
    assert code == 0
    assert len(out.splitlines()) == 4  # two finalists
    assert "failed: 1 of 3 evaluations: " in err
    assert "FloatingPointError: epoch 1: the loss is nan" in err
    rows = json.loads((tmp_path / "search.json").read_text())["evaluations"]
    assert [row.get("failed") for row in rows] == [None, True, None]
    assert rows[1]["value"] is None


def test_where_all_diverge_the_search_fails(
    run_cli: Run, diverging: Callable[[set[int]], None]
) -> None:
    diverging({0, 1})
    code, out, err = run_cli([*TRAIN, "--budget", "2"])
    assert code == 1
    assert out.splitlines()[1:] == ["all of them failed"]
    assert "failed: 2 of 2 evaluations: " in err


def test_a_search_that_may_not_fail_ends_by_name_and_is_resumed(
    run_cli: Run, tmp_path: Path, diverging: Callable[[set[int]], None]
) -> None:
    diverging({1})
    given = ["--budget", "2", "--out", tmp_path, "--on-failure", "raise"]
    code, out, err = run_cli([*TRAIN, *given])
    assert (code, out) == (1, "")
    assert re.search(r"epoch 1: the loss is nan, while [0-4]{6} was measured \(trial 1\)", err)
    code, out, _ = run_cli([*TRAIN, *given, "--resume"])
    assert code == 0
