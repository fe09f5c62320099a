"""The frame: what is known is not measured again, and a wrong flag changes nothing."""

from dataclasses import replace
from functools import wraps
from itertools import product
from pathlib import Path

import pytest
import small_experiment as small

from experiments.frame import Experiment, Key
from experiments.markdown import between, put

PAGE = "x\n<!-- tables: begin -->\n<!-- tables: end -->\ny\n"
measured: list[Key] = []


@wraps(small.measure)
def broken_once(*key: object, **options: object) -> small.Row:
    measured.append(key)
    if len(measured) == 3:
        raise KeyboardInterrupt
    return small.measure(*key, **options)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    measured.clear()
    (tmp_path / "README.md").write_text(PAGE)
    return replace(small.experiment, out=tmp_path / "results.csv", measure=broken_once)


def test_a_broken_run_goes_on(experiment: Experiment):
    with pytest.raises(KeyboardInterrupt):
        experiment.main([])
    rows = ["b,0,0.333333,0.50,", "b,1,0.333333,0.50,7"]
    assert experiment.out.read_text().splitlines()[1:] == rows
    assert experiment.readme.read_text() == PAGE
    experiment.main([])
    assert measured == [("b", 0), ("b", 1), ("a", 0), ("a", 0), ("a", 1)]
    assert [(row.way, row.seed) for row in experiment.rows()] == [*product("ab", (0, 1))]
    assert experiment.readme.read_text() == PAGE.replace(
        " -->\n<",
        " -->\n### Seconds\n|  | mean |\n|---|---|\n| a | 0.500 ± 0.000 (n = 2) |\n"
        "| b | 0.500 ± 0.000 (n = 2) |\n<",
    )


def test_what_is_whole_stays_as_it_is(experiment: Experiment):
    with pytest.raises(KeyboardInterrupt):
        experiment.main([])
    experiment.main([])
    before = experiment.out.read_bytes(), experiment.readme.read_bytes()
    figure = experiment.out.with_name("figure.png")
    figure.unlink()
    experiment.main([])
    assert len(measured) == 5
    experiment.readme.write_text(PAGE)
    experiment.main(["--report"])
    assert (experiment.out.read_bytes(), experiment.readme.read_bytes()) == before
    assert figure.read_text() == "4 rows"


def test_processes_measure_the_same(experiment: Experiment, tmp_path: Path):
    alone = replace(small.experiment, out=tmp_path / "alone.csv")
    replace(experiment, measure=small.measure).main(["--jobs", "2"])
    alone.main([])
    assert experiment.out.read_bytes() == alone.out.read_bytes()


def test_selected_keys_and_options(experiment: Experiment, capsys: pytest.CaptureFixture[str]):
    out = experiment.out.with_name("other.csv")
    experiment.main(["--ways", "a", "--seeds", "5", "--scale", "2", "--out", str(out)])
    assert out.read_text().splitlines()[1:] == ["a,5,0.666667,0.50,7"]
    assert "### Seconds" in capsys.readouterr().out
    assert {path.name for path in out.parent.iterdir()} == {"README.md", "other.csv"}
    assert experiment.readme.read_text() == PAGE


def test_smoke_leaves_nothing(experiment: Experiment, capsys: pytest.CaptureFixture[str]):
    experiment.main(["--smoke", "--seeds", "4"])
    assert measured == [("a", 4)]
    assert "### Seconds" in capsys.readouterr().out
    assert [path.name for path in experiment.out.parent.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    "arguments",
    [["--wasy", "a"], ["--ways", "c"], ["--seeds", "x"], ["--seeds"], ["--scale", "1", "2"]],
)
def test_a_wrong_flag_ends_with_2(experiment: Experiment, arguments: list[str]):
    with pytest.raises(SystemExit) as stopped:
        experiment.main(arguments)
    assert stopped.value.code == 2
    assert not measured


def test_a_damaged_file_ends_with_2(experiment: Experiment, capsys: pytest.CaptureFixture[str]):
    experiment.out.write_text("way,seed\n")
    with pytest.raises(SystemExit) as stopped:
        experiment.main([])
    assert stopped.value.code == 2
    assert "expected the columns way, seed, tau" in capsys.readouterr().err
    assert not measured


def test_markers_are_there_once():
    page = "<!-- a: begin -->\n1\n<!-- a: end --><!-- b: begin -->\n<!-- b: end -->"
    assert between(put(page, "a", "2\n3\n"), "a") == "2\n3\n"
    assert put(page, "b", "4\n") == page.replace("-->\n<", "-->\n4\n<")
    with pytest.raises(ValueError, match=r"expected the markers of c once, got 0 and 0"):
        between(page, "c")
