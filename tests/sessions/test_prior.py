"""Searches that know other targets: which prior they take, what it leaves out, how they go on."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.objectives import Objective
from surrobust.predictors import make_predictor
from surrobust.processes.prior import PriorScores
from surrobust.processes.trend import KnownTargets
from surrobust.searches import read_result
from surrobust.sessions import make_search, prior, run_search, search, start
from surrobust.sessions.plan import DEFAULTS
from surrobust.sessions.prior import find_prior, settle_word, word_for
from surrobust.spaces import NASBench201

HOME = "nas-robbench-201/cifar10"
TARGET = f"{HOME}/pgd-8"


def threes(cell):
    return float(cell.ops.count(3)) + 0.01 * cell.ops.count(2)


def columns(**values):
    cells = NASBench201().representatives()
    made = {name: np.array([float(f(cell)) for cell in cells]) for name, f in values.items()}
    return PriorScores.of_columns(made, name="made")


@pytest.fixture(scope="module")
def predictor(space):
    """It knows the target itself and one that is alike."""
    cells = space.sample(40, seed=0)
    values = np.array([[threes(c), -threes(c) - c.ops.count(1)] for c in cells])
    model = make_predictor("gp", calibration_folds=0)
    return model.fit(cells, values, targets=[f"{HOME}/fgsm-8", TARGET])


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.setattr(start, "make_objective", lambda *_, **__: Objective("table", threes))


def plan_of(**changes):
    return replace(DEFAULTS, **{"target": TARGET, "objective": "table", **changes})


def test_what_is_alike_by_name_is_expected_and_the_direction_counts(space):
    cells = space.sample(30, seed=1)
    scores = columns(**{f"{HOME}/clean": lambda c: c.index % 97, f"{HOME}/pgd-3": threes})
    known = KnownTargets.of(scores, [TARGET])
    assert np.corrcoef(known.predict(cells), [threes(c) for c in cells])[0, 1] > 0.7
    np.testing.assert_array_equal(
        KnownTargets.of(scores, [TARGET], maximise=False).predict(cells), -known.predict(cells)
    )
    assert known.related(cells).shape == (30, 2)
    assert not known.is_foreign
    assert not KnownTargets.of(scores, [""]).is_foreign  # the searched one has no name
    foreign = KnownTargets.of(scores, ["jung2023/cifar10/pgd-1"])
    assert foreign.is_foreign
    assert make_search("default", prior=foreign).n_trusted == 1
    assert make_search("default", prior=known).n_trusted == 5
    trust = [make_search("default", prior=one).model.trust_ for one in (foreign, known)]
    assert trust == pytest.approx([0.1 / 1.1, 0.5])
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(known)).related(cells), known.related(cells)
    )


def test_auto_takes_the_shipped_predictor_of_the_benchmark_where_values_are_measured():
    assert settle_word(plan_of()) == "nas-robbench-201-v1"
    assert settle_word(plan_of(target="jung2023/cifar100/pgd-1")) == "jung2023-v1"
    assert settle_word(plan_of(target="hw-nas-bench/cifar10/fpga-latency")) == "hw-nas-bench-v1"
    assert settle_word(plan_of(target="records/digits/pgd-8")) == "nas-robbench-201-v1"
    assert settle_word(plan_of(objective="surrogate")) == "none"
    assert settle_word(plan_of(strategy="evolution")) == "none"
    assert settle_word(plan_of(prior="none")) == "none"
    several = plan_of(targets=(TARGET, "params"), directions=("maximize", "minimize"))
    assert settle_word(several) == "none"
    # A predictor of the target alone knows no other.
    edgetpu = plan_of(target="hw-nas-bench/cifar10/edgetpu-latency")
    assert settle_word(edgetpu) == "hw-nas-bench-v1"


def test_the_column_of_the_target_itself_is_left_out(predictor):
    known = find_prior(plan_of(prior="given"), predictor)
    assert known.scores.targets == (f"{HOME}/fgsm-8",)
    with pytest.raises(InvalidInputError, match="prior: expected a predictor of other targets"):
        prior._without(known.scores, f"{HOME}/fgsm-8")


def test_words():
    assert word_for(None) is None
    assert word_for("none") == "none"
    assert word_for(KnownTargets) == "given"
    with pytest.raises(InvalidInputError, match="prior: predictor: expected one of nas-robbench"):
        find_prior(plan_of(prior="nonsense"), None)
    with pytest.raises(InvalidInputError, match="prior: expected the predictor that the search"):
        find_prior(plan_of(prior="given"), None)


def test_a_search_records_its_prior_and_goes_on_with_it(measured, predictor, tmp_path):
    predictor.save(tmp_path / "model")
    folder = str(tmp_path / "model")
    whole = search(TARGET, budget=9, prior=folder, out=tmp_path / "whole")
    assert json.loads((tmp_path / "whole" / "search.json").read_text())["prior"] == folder
    assert read_result(tmp_path / "whole").prior == folder
    part = tmp_path / "part"
    search(TARGET, budget=7, prior=folder, out=part)
    assert search(budget=9, out=part, resume=True).evaluations == whole.evaluations
    given = search(TARGET, budget=9, prior=predictor)
    assert given.prior == "given"
    assert given.evaluations == whole.evaluations
    cold = search(TARGET, budget=9, prior="none", out=tmp_path / "cold")
    assert "prior" not in json.loads((tmp_path / "cold" / "search.json").read_text())
    assert cold.evaluations != whole.evaluations
    plain = run_search(threes, budget=9)
    asked = [[e.architecture for e in result.evaluations] for result in (cold, plain)]
    assert asked[0] == asked[1]
    with pytest.raises(InvalidInputError, match="prior: expected 'none' as in the search"):
        search(TARGET, budget=9, prior=folder, out=tmp_path / "cold", resume=True)


def test_a_shared_search_has_the_prior_too(predictor, tmp_path):
    alone = run_search(threes, budget=8, prior=predictor)
    shared = run_search(
        threes, budget=8, prior=predictor, storage=tmp_path / "journal.log", study="s"
    )
    asked = [e.architecture for e in alone.evaluations]
    assert [e.architecture for e in shared.evaluations] == asked
    with pytest.raises(InvalidInputError, match="prior: expected 'given' as in study 's'"):
        run_search(threes, budget=8, storage=tmp_path / "journal.log", study="s")


def test_a_prior_of_several_values_counts_them_the_same(predictor):
    known = find_prior(plan_of(target=None, objective="callable", prior="given"), predictor)
    assert known.scores.targets == (f"{HOME}/fgsm-8", TARGET)
    assert run_search(threes, budget=2, prior=predictor).prior == "given"


def test_what_is_no_predictor_is_refused():
    with pytest.raises(InvalidInputError, match="prior: expected a fitted predictor, got"):
        run_search(threes, budget=2, prior=object())
    with pytest.raises(InvalidInputError, match="prior: expected none with strategy random"):
        run_search(threes, budget=2, prior=object(), strategy="random")
