"""The curves are resumable, their file is checked, and nothing runs that cannot be scored."""

import os
from pathlib import Path

import numpy as np
import pytest

from surrobust import benchmark
from surrobust._locks import hold
from surrobust.errors import InvalidInputError


def _score(seed: int) -> benchmark.Score:
    return benchmark.Score("gp", "a/b/c", 20, seed, 0.5, 0.6, 0.7, 0.01, 0.3, 1.25, 0.5)


def test_scores_are_read_as_written(tmp_path: Path):
    path = tmp_path / "scores.csv"
    benchmark.write_scores(path, [_score(1), _score(0)])
    assert benchmark.read_scores(path) == [_score(0), _score(1)]


ROW = "gp,t,20,0,1,1,1,1,1,1,1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected the columns predictor, target"),
        ("a,b\n1,2\n", "got 'a, b'"),
        ("{header}\n1,2\n", "line 2: expected one score, got 2 fields instead of 11"),
        (f"{{header}}\n{ROW},1\n", "line 2: expected one score, got 12 fields"),
        (f"{{header}}\n{ROW}\n{ROW[:-2]}\n", "line 3: expected one score, got 10 fields"),
        (f"{{header}}\n{ROW.replace('20', 'x')}\n", "got 'x' as n_train"),
        (f"{{header}}\n{ROW[:-1]}much\n", "got 'much' as predict_seconds"),
        (f"{{header}}\n{ROW}\n\n", "got 0 fields"),
        (f'{{header}}\n"{ROW}', "line 2"),
    ],
)
def test_damaged_scores_are_refused(tmp_path: Path, text: str, told: str):
    path = tmp_path / "scores.csv"
    benchmark.write_scores(path, [])
    header = path.read_text().strip()
    path.write_text(text.format(header=header))
    with pytest.raises(InvalidInputError) as caught:
        benchmark.read_scores(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("predictor", "target", "told"),
    [
        ("best", benchmark.TARGETS[0], "predictor: expected one of default, .*, parameters"),
        ("gp", "nas-robbench-201/cifar10/pgd-9", "expected one of nas-robbench-201/cifar10/pgd-"),
        ("gp", "a/b/c", "benchmark: expected one of"),
        ("gp", "pgd-8", "target: expected <benchmark>"),
    ],
)
def test_what_cannot_be_scored_is_refused(tmp_path: Path, predictor: str, target: str, told: str):
    with pytest.raises(InvalidInputError, match=told):
        benchmark.learning_curves([predictor], targets=[target], out=tmp_path / "scores.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.tables
@pytest.mark.parametrize("n_train", [1, 6465])
def test_sizes_that_leave_too_few_are_refused_first(data_dir: Path, tmp_path: Path, n_train: int):
    with pytest.raises(InvalidInputError, match=r"n_train: expected 2\.\.6464"):
        benchmark.learning_curves(
            ["gp"], training_sizes=[20, n_train], out=tmp_path / "s.csv", data_dir=data_dir
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.tables
def test_a_target_in_the_file_that_does_not_exist(data_dir: Path, tmp_path: Path):
    path = tmp_path / "scores.csv"
    benchmark.write_scores(path, [_score(0)])
    with pytest.raises(InvalidInputError, match=r"scores\.csv: benchmark: expected one of"):
        benchmark.learning_curves(["parameters"], out=path, data_dir=data_dir)


@pytest.mark.tables
def test_processes_give_the_same_scores(data_dir: Path, tmp_path: Path):
    arguments = {"targets": benchmark.TARGETS[:2], "training_sizes": [20], "seeds": [3]}
    scores = [
        benchmark.learning_curves(
            ["parameters"], **arguments, jobs=jobs, out=tmp_path / f"{jobs}.csv", data_dir=data_dir
        )
        for jobs in (1, 2)
    ]
    taus = [[(score.key, score.kendall_tau, score.r2) for score in each] for each in scores]
    assert taus[0] == taus[1]


def test_two_processes_do_not_write_the_same_file(tmp_path: Path):
    out = tmp_path / "scores.csv"
    held = pytest.raises(InvalidInputError, match=f"got process {os.getpid()} on ")
    with hold(f"{out}.lock"), held:
        benchmark.learning_curves([], targets=[], training_sizes=[20], out=out)


@pytest.mark.tables
def test_learning_curves_resume(data_dir: Path, tmp_path: Path):
    told = []
    arguments = {
        "targets": benchmark.TARGETS[:1],
        "training_sizes": [20],
        "out": tmp_path / "scores.csv",
        "data_dir": data_dir,
        "progress": lambda done, total, score: told.append((done, total, score.seed)),
    }
    first = benchmark.learning_curves(["random_forest"], seeds=[0], **arguments)
    both = benchmark.learning_curves(["random_forest"], seeds=[0, 1], **arguments)
    assert told == [(1, 1, 0), (2, 2, 1)]
    assert [score.key for score in both] == [
        ("random_forest", benchmark.TARGETS[0], 20, s) for s in (0, 1)
    ]
    assert both[0].kendall_tau == pytest.approx(first[0].kendall_tau, rel=1e-5)
    assert all(0.4 < score.kendall_tau < 0.9 for score in both)
    assert np.isfinite([score.rmse for score in both]).all()
