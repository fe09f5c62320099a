"""The protocol's split is the peers', and the curves are resumable."""

from pathlib import Path

import numpy as np
import pytest

from surrobust import benchmark
from surrobust.errors import InvalidInputError


def test_split_by_hand():
    train, test = benchmark.split(6466, n_train=3, seed=0)
    order = np.random.default_rng(0).permutation(6466)
    assert train.tolist() == order[:3].tolist()
    assert sorted([*train, *test]) == list(range(6466))


@pytest.mark.parametrize("n_train", [0, 1, 9, 10])
def test_split_refuses(n_train: int):
    with pytest.raises(InvalidInputError, match=r"n_train: expected 2\.\.8"):
        benchmark.split(10, n_train=n_train, seed=0)


def _score(seed: int) -> benchmark.Score:
    return benchmark.Score("gp", "a/b/c", 20, seed, 0.5, 0.6, 0.7, 0.01, 0.3, 1.25, 0.5)


def test_scores_are_read_as_written(tmp_path: Path):
    path = tmp_path / "scores.csv"
    benchmark.write_scores(path, [_score(1), _score(0)])
    assert benchmark.read_scores(path) == [_score(0), _score(1)]


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "{header}\n1,2\n", "{header}\ngp,t,x,0,1,1,1,1,1,1,1\n"]
)
def test_damaged_scores_are_refused(tmp_path: Path, text: str):
    path = tmp_path / "scores.csv"
    benchmark.write_scores(path, [])
    header = path.read_text().strip()
    path.write_text(text.format(header=header))
    with pytest.raises(InvalidInputError, match="expected"):
        benchmark.read_scores(path)


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
