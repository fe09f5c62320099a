"""The predictor that knows other targets beforehand."""

import json

import numpy as np
import pytest

from surrobust.encodings import FunctionFeatureEncoder
from surrobust.encodings.joined import Features
from surrobust.errors import InvalidInputError, InvalidModelError, NotFittedError
from surrobust.metrics import kendall_tau
from surrobust.predictors import load_folder, make_predictor
from surrobust.predictors.saving.weights import pack_model, restore_model
from surrobust.predictors.with_prior import View
from surrobust.processes.groups import KernelGroups
from surrobust.processes.kernel import Rows
from surrobust.processes.prior import PriorScores, is_alike, weights_of_alike
from surrobust.processes.process import Process
from surrobust.processes.trend import KnownTargets
from surrobust.spaces import NASBench201

CELLS = NASBench201().representatives()
TEST = CELLS[1::13]
KEY = FunctionFeatureEncoder().key
LEADS = {KEY(cell): cell for cell in CELLS}


def truth(cells, *weights):
    """Return a made-up accuracy: operations count, and which comes last; twins have the same."""
    weights = weights or (-0.01, 0.01, 0.03, 0.06, 0.0)
    ops = np.array([LEADS[KEY(cell)].ops for cell in cells])
    counts = np.stack([(ops == k).sum(axis=1) for k in range(5)], axis=1)
    return 0.2 + counts @ np.array(weights) + ops @ np.array([1, 2, 3, 5, 7, 11]) / 1000


@pytest.fixture(scope="module")
def exact():
    return PriorScores.of_columns({"other": truth(CELLS)}, name="exact")


@pytest.fixture(scope="module")
def noise():
    values = np.random.default_rng(3).normal(size=(len(CELLS), 3))
    return PriorScores.of_columns(dict(zip("abc", values.T, strict=True)), name="noise")


def draw(n, seed=0):
    chosen = np.random.default_rng(seed).choice(len(CELLS), size=n, replace=False)
    return [CELLS[i] for i in chosen]


def make(prior, **options):
    return make_predictor("default", prior=prior, **{"calibration_folds": 0, **options})


def tau(model):
    return kendall_tau(truth(TEST), model.predict(TEST))


def test_an_exact_prior_needs_five_cells(exact):
    draws = [draw(5, seed) for seed in range(5)]
    # .98 +- .01 over draws, .56 +- .09 without a prior.
    assert np.mean([tau(make(exact).fit(cells, truth(cells))) for cells in draws]) > 0.95
    cells = draws[0]
    assert tau(make(exact).fit(cells, 1 - truth(cells))) < tau(make(exact).fit([], []))


def test_a_prior_upside_down_is_unlearnt():
    upside_down = PriorScores.of_columns({"other": -truth(CELLS)}, name="upside down")
    cells = draw(20)
    assert tau(make(upside_down).fit([], [])) < -0.9
    assert tau(make(upside_down).fit(cells, truth(cells))) > 0.9


def test_a_prior_that_knows_nothing_does_no_lasting_harm(noise):
    cells = draw(200)
    values = truth(cells) + np.random.default_rng(1).normal(0, 0.01, 200)
    cold = make_predictor("default", process_weight=1.0, calibration_folds=0).fit(cells, values)
    assert tau(make(noise).fit(cells, values)) > tau(cold) - 0.01


def test_without_a_cell_the_order_is_the_priors(exact):
    model = make(exact, calibration_folds=3).fit([], [], targets=["new"])
    assert model.targets == ("new",)
    assert tau(model) > 0.97
    assert not model.trained_on(CELLS[0])
    assert (model.predict_std(TEST) > 0).all()
    lower, upper = model.predict_interval(TEST)
    assert np.isneginf(lower).all()
    assert np.isposinf(upper).all()
    two = make(exact).fit([], np.empty((0, 2)))
    assert two.predict(TEST).shape == (len(TEST), 2)


def test_one_cell_gives_the_level(exact):
    model = make(exact).fit(CELLS[:1], [7.0])
    assert 6 < np.mean(model.predict(TEST)) < 8
    assert tau(model) > 0.97


def test_without_a_prior_no_cell_is_too_few():
    with pytest.raises(InvalidInputError, match="at least 2"):
        make_predictor("default").fit([], [])


def test_values_without_cells_are_refused(exact):
    for y in ([0.1], np.empty((0, 0)), np.empty((0, 1, 1)), 0.5, None):
        with pytest.raises(InvalidInputError, match="y: expected"):
            make(exact).fit([], y)


@pytest.mark.parametrize("n", [0, 1, 30])
@pytest.mark.parametrize("m", [1, 2])
def test_a_saved_model_carries_its_prior(n, m, exact, tmp_path):
    cells = draw(n)
    values = np.stack([truth(cells), 1 - truth(cells)], axis=1) if n else np.empty((0, 2))
    model = make(exact, calibration_folds=3).fit(cells, values[:, 0] if m == 1 else values)
    model.save(tmp_path / "model", name="new")
    loaded = load_folder(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(TEST), model.predict(TEST))
    np.testing.assert_array_equal(loaded.predict_std(TEST), model.predict_std(TEST))
    np.testing.assert_array_equal(
        loaded.predict_interval(TEST, 0.5), model.predict_interval(TEST, 0.5)
    )
    assert loaded.options == model.options
    assert loaded.card["options"]["prior"] == {"name": "exact", "sha256": exact.checksum}
    assert loaded.prior.targets == ("other",)
    np.testing.assert_array_equal(loaded.prior.scores, exact.scores)


def test_a_loaded_model_can_learn_again(exact, tmp_path):
    cells = draw(30)
    make(exact, calibration_folds=3).fit(cells[:10], truth(cells[:10])).save(tmp_path / "model")
    loaded = load_folder(tmp_path / "model").fit(cells, truth(cells))
    again = make(exact, calibration_folds=3).fit(cells, truth(cells))
    np.testing.assert_array_equal(loaded.predict(TEST), again.predict(TEST))
    np.testing.assert_array_equal(loaded.predict_interval(TEST), again.predict_interval(TEST))


def test_another_prior_is_not_taken_for_the_models_own(exact, noise, tmp_path):
    model = make(exact).fit([], [])
    with pytest.raises(InvalidModelError, match="sha256"):
        restore_model(make(noise.reference), *pack_model(model), 1)
    model.save(tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    card["options"]["prior"] = noise.reference
    (tmp_path / "model" / "card.json").write_text(json.dumps(card))
    with pytest.raises(InvalidModelError, match="identity"):
        load_folder(tmp_path / "model")


def test_a_reference_alone_predicts_nothing(exact):
    with pytest.raises(InvalidInputError, match="expected a fitted predictor"):
        make(exact.reference).fit([], [])


def test_the_order_of_rows_changes_nothing_and_twins_get_one_prediction(exact):
    cells = draw(40)
    model = make(exact).fit(cells, truth(cells))
    again = make(exact).fit(cells[::-1], truth(cells)[::-1])
    np.testing.assert_array_equal(again.predict(TEST), model.predict(TEST))
    all_cells = list(NASBench201())[::29]
    leads = [cell.representative for cell in all_cells]
    np.testing.assert_array_equal(model.predict(all_cells), model.predict(leads))


def test_many_targets_each_follow_their_own_column():
    columns = {"up": truth(CELLS), "down": truth(CELLS, 0.03, 0.0, -0.02, -0.01, 0.01)}
    prior = PriorScores.of_columns(columns, name="both")
    cells = draw(25)
    Y = np.stack([truth(cells), truth(cells, 0.03, 0.0, -0.02, -0.01, 0.01)], axis=1)
    predicted = make(prior).fit(cells, Y).predict(TEST)
    for true, guess in zip((truth(TEST), columns["down"][1::13]), predicted.T, strict=True):
        assert kendall_tau(true, guess) > 0.9


def test_a_fitted_predictor_is_a_prior(toy_cells, toy_values, tmp_path):
    known = make_predictor("gp", calibration_folds=0).fit(toy_cells, toy_values)
    cells = draw(10)
    model = make(known).fit(cells, truth(cells))
    assert tau(model) > 0.7
    assert model.options["prior"]["name"] == "gp"
    known.save(tmp_path / "known", name="my-known")
    assert make(load_folder(tmp_path / "known")).options["prior"]["name"] == "my-known"
    with pytest.raises(NotFittedError):
        make(make_predictor("gp"))


def test_what_is_no_prior_is_refused():
    for wrong in (5, "jung2023-v1", {"name": "a"}, {"name": 1, "sha256": "b"}, [1.0]):
        with pytest.raises(InvalidInputError, match="prior: expected"):
            make(wrong)
    n = len(CELLS)
    for columns in ({}, {"a": np.zeros(n)}, {"a": np.ones((n, 2))}, {"a": np.arange(n - 1)}):
        with pytest.raises(InvalidInputError, match="expected"):
            PriorScores.of_columns(columns, name="wrong")


def test_a_prior_that_misleads_costs_little_from_the_start():
    """Its targets are ranked against the new one, and it is the right kind by name."""
    inverted = {"nas-robbench-201/cifar10/fgsm-8": -truth(CELLS)}
    prior = PriorScores.of_columns(inverted, name="misleads")
    taus, cold = [], []
    for seed in range(5):
        cells = draw(10, seed)
        given = {"targets": ["jung2023/cifar10/fgsm-8"]}
        taus.append(tau(make(prior).fit(cells, truth(cells), **given)))
        plain = make_predictor("default", process_weight=1.0, calibration_folds=0)
        cold.append(tau(plain.fit(cells, truth(cells))))
    assert np.mean(taus) > np.mean(cold) - 0.05


def test_views_are_averaged_by_their_evidence(exact, noise):
    cells = draw(30)
    right = make(exact).fit(cells, truth(cells)).fitted_
    assert right.weights[:, 0].sum() == pytest.approx(1)
    assert dict(zip(right.views, right.weights[:, 0], strict=True)).get(4, 0.0) < 0.01
    wrong = make(noise).fit(cells, truth(cells)).fitted_
    assert dict(zip(wrong.views, wrong.weights[:, 0], strict=True))[4] > 0.5


def test_a_useless_view_is_the_cold_process(noise):
    """Without a trend and a share of the expectation, nothing of the prior is left."""
    cells = draw(25)
    values = (truth(cells) - truth(cells).mean()) / truth(cells).std()
    cold = make_predictor("gp", transform="standard", metric="none", calibration_folds=0)
    cold.fit(cells, values)
    groups = KernelGroups(Features("features"), cold.fitted_.scales)
    view = View(share=0.0, amplitude=2.0, noise=0.05, slope=0.0)
    process = Process(view.kernel, groups)
    order = np.argsort([cell.index for cell in cells])
    firsts, means, repeats = Features("features").merge(
        [cells[i] for i in order], values[order, None]
    )
    rows = Rows(groups.encode(firsts))
    posterior, _ = process.fit(rows, means, repeats, np.random.default_rng(0))
    mean, variance = process.moments(posterior, rows, Rows(groups.encode(TEST)))
    np.testing.assert_allclose(mean[:, 0], cold.predict(TEST), atol=1e-3)
    np.testing.assert_allclose(np.sqrt(variance[:, 0]), cold.predict_std(TEST), rtol=1e-2)


def test_trees_are_shown_principal_components():
    columns = {
        "a": truth(CELLS),
        "b": truth(CELLS),
        "c": truth(CELLS, 0.03, 0.0, -0.02, -0.01, 0.01),
    }
    prior = PriorScores.of_columns(columns, name="twice the same")
    trend = KnownTargets.of(prior, ["value"])
    assert trend.components.shape == (3, 2)
    numbers = trend.columns.numbers
    np.testing.assert_allclose(numbers.T @ numbers / len(numbers), np.eye(2), atol=1e-5)
    plain, drawn = trend.rows(CELLS)[:, :, :3]
    for rows in (plain, drawn):
        assert (rows**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-3)
    sizes = [np.linalg.svd(rows)[1][:2] for rows in (plain, drawn)]
    assert sizes[1][0] / sizes[1][1] == pytest.approx(np.sqrt(sizes[0][0] / sizes[0][1]), rel=1e-2)
    assert trend.expected(CELLS).std() == pytest.approx(1, abs=1e-2)


def test_trees_join_in_when_there_are_cells_for_them(exact):
    few, enough = draw(19), draw(20)
    assert not make(exact).fit(few, truth(few)).fitted_.has_trees
    model = make(exact).fit(enough, truth(enough))
    assert model.fitted_.has_trees
    without = make(exact, process_weight=1.0).fit(enough, truth(enough))
    assert not without.fitted_.has_trees
    np.testing.assert_array_equal(without.predict_std(TEST) > 0, model.predict_std(TEST) > 0)


def test_alike_targets_by_name():
    known = ["nas-robbench-201/cifar10/clean", "nas-robbench-201/cifar10/fgsm-8"]
    known += ["nas-robbench-201/cifar100/fgsm-8", "jung2023/cifar10/pgd-8"]
    weights = weights_of_alike("nas-robbench-201/cifar10/pgd-8", known)
    assert weights.sum() == pytest.approx(1)
    # Points: same images 2; attacked 2 and equal epsilon 2, same images 2; the same without.
    np.testing.assert_allclose(weights, np.exp([2, 6, 4, -np.inf]) / np.exp([2, 6, 4]).sum())
    for name in ("value", "hw-nas-bench/cifar10/fpga-latency"):
        np.testing.assert_allclose(weights_of_alike(name, known), 0.25)
        assert not is_alike(name, known)
    assert is_alike("jung2023/cifar100/clean", known)


def test_trees_count_cells_and_not_rows(exact):
    cells = draw(20)
    for given, has_trees in ((cells[:4] * 25, False), (cells, True)):
        model = make(exact, trees=5).fit(given, truth(given))
        assert model.fitted_.has_trees is has_trees
