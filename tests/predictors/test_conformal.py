"""Conformal intervals: the quantile by hand and by MAPIE, coverage on synthetic data, folds."""

import numpy as np
import pytest

from surrobust.predictors import AbstractPredictor, make_predictor
from surrobust.predictors.conformal import Calibration, conformal_quantile, split_into_folds
from surrobust.predictors.held_out import held_out_metrics
from surrobust.spaces import NASBench201


@pytest.mark.parametrize(
    ("coverage", "expected"), [(0.5, 5), (0.8, 8), (0.9, 9), (0.05, 1), (0.91, np.inf)]
)
def test_the_quantile_by_hand(coverage, expected):
    scores = np.arange(1.0, 10.0)[:, None]  # n = 9: rank ceil(10 coverage)
    assert conformal_quantile(scores, coverage=coverage).tolist() == [expected]


def test_no_scores_vouch_for_nothing():
    assert np.isposinf(conformal_quantile(np.empty((0, 2)), coverage=0.1)).all()


class Shift:
    """A fitted regressor that returns its only column."""

    def fit(self, _X, _y):
        return self

    def predict(self, X):
        return X[:, 0]

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9])
def test_plain_residuals_give_mapies_intervals(coverage, rng):
    mapie = pytest.importorskip("mapie.regression")
    sklearn = pytest.importorskip("sklearn.base")

    class Regressor(Shift, sklearn.RegressorMixin, sklearn.BaseEstimator):
        pass

    X = rng.normal(size=(57, 1))
    y = X[:, 0] + rng.normal(size=57)
    oracle = mapie.SplitConformalRegressor(
        Regressor(), confidence_level=coverage, prefit=True
    ).conformalize(X, y)
    new = rng.normal(size=(20, 1))
    mean, interval = oracle.predict_interval(new)
    residuals = np.abs(y - X[:, 0])[:, None]
    exact = conformal_quantile(np.sort(residuals, axis=0), coverage=coverage)
    np.testing.assert_array_equal(mean - exact, interval[:, 0, 0])
    np.testing.assert_array_equal(mean + exact, interval[:, 1, 0])
    kept = Calibration.from_residuals(residuals, np.ones((57, 1)))
    half = kept.half_widths(mean[:, None], np.ones((20, 1)), coverage=coverage)
    np.testing.assert_allclose(half, exact[0], rtol=1e-6)


def test_scores_are_never_rounded_down(rng):
    residuals, std = rng.normal(size=(200, 2)), rng.uniform(0.5, 2, size=(200, 2))
    found = Calibration.from_residuals(residuals, std)
    exact = np.sort(np.abs(residuals) / np.maximum(std, found.floors), axis=0)
    assert (found.scores.astype(np.float64) >= exact).all()
    np.testing.assert_allclose(found.scores, exact, rtol=1e-6)


def test_a_sure_model_keeps_a_least_width():
    std = np.array([[1.0], [1.0], [1e-9]])
    found = Calibration.from_residuals(np.array([[1.0], [-2.0], [0.5]]), std)
    assert found.floors[0] == pytest.approx(0.25 * np.sqrt(2 / 3))
    sure, unsure = found.half_widths(np.zeros((2, 1)), np.array([[0.0], [2.0]]), coverage=0.5)[:, 0]
    assert 0 < sure < unsure


def test_a_model_without_spread_gets_intervals_of_one_width(rng):
    residuals = rng.normal(size=(99, 1))
    found = Calibration.from_residuals(residuals, np.zeros((99, 1)))
    half = found.half_widths(np.zeros((3, 1)), np.zeros((3, 1)), coverage=0.9)
    np.testing.assert_allclose(half, np.sort(np.abs(residuals[:, 0]))[89], rtol=1e-6)


def test_factors_by_level_by_hand():
    """The window's weights, written out for five scores; a far level has no say."""
    scores = np.array([1.0, 2.0, 4.0, 0.5, 3.0])[:, None]
    levels = np.arange(5.0)[:, None]
    found = Calibration.from_residuals(scores, np.ones((5, 1)), levels)
    width = 2.0 / 5  # of few cells: two ranks
    rank = (np.arange(5) + 0.5) / 5
    gaps = [
        rank[:, None] - mirrored for turn in (-2, 0, 2) for mirrored in (turn + rank, turn - rank)
    ]
    weights = sum(np.exp(-0.5 * (gap / width) ** 2) for gap in gaps) / (
        5 * width * np.sqrt(2 * np.pi)
    )
    count, mean = 5 * width * np.sqrt(2 * np.pi), scores.mean()
    by_hand = (count * weights @ scores[:, 0] + 2 * mean) / (count + 2) / mean
    np.testing.assert_allclose(found.factors[:, 0], by_hand, rtol=1e-3)
    others = weights - np.diag(np.diag(weights))
    rest = (scores.sum() - scores[:, 0]) / 4
    own = (count * others @ scores[:, 0] + 2 * rest) / (count * (1 - np.diag(weights)) + 2) / mean
    np.testing.assert_allclose(found.scores[:, 0], np.sort(scores[:, 0] / own), rtol=1e-3)
    np.testing.assert_array_equal(found.levels, levels)


@pytest.mark.parametrize(("n", "tolerance"), [(60, 0.13), (400, 0.06)])
def test_intervals_hold_at_every_level(n, tolerance, rng):
    """Noise that grows with the level while the model's spread does not."""
    hits = []
    for _ in range(40):
        level, new = rng.uniform(size=(n, 1)), np.linspace(0, 1, 2000)[:, None]
        noise, true = (rng.normal(size=z.shape) * (0.2 + z) for z in (level, new))
        calibrations = [
            Calibration.from_residuals(noise, np.ones((n, 1)), z) for z in (level, None)
        ]
        for found in calibrations:
            half = found.half_widths(new, np.ones((2000, 1)), coverage=0.8)
            hit = np.abs(true) <= half
            hits.append([hit.mean(), hit[:200].mean(), hit[-200:].mean()])
    everywhere, lowest, highest = np.mean(hits[::2], axis=0)
    assert everywhere == pytest.approx(0.8, abs=0.02)
    assert lowest == pytest.approx(0.8, abs=tolerance)
    assert highest == pytest.approx(0.8, abs=tolerance)
    without = np.mean(hits[1::2], axis=0)
    assert without[1] > 0.98
    assert without[2] < 0.64


def test_a_level_without_any_residual_keeps_a_least_width():
    level = np.linspace(0, 1, 200)[:, None]
    residuals = np.where(level < 0.5, 0.0, 1.0)
    found = Calibration.from_residuals(residuals, np.ones((200, 1)), level)
    assert found.factors.min() == pytest.approx(0.1)
    nothing = Calibration.from_residuals(0 * residuals, np.ones((200, 1)), level)
    assert (nothing.factors == 1).all()
    assert (nothing.half_widths(level, np.ones((200, 1)), coverage=0.9) == 0).all()


class Known(AbstractPredictor):
    """Predicts zero with the noise's true spread."""

    kind = "known"
    encoder = "one_hot"

    def _fit(self, cells, Y):
        assert len(cells) == len(Y)
        self.m_ = Y.shape[1]

    def _predict(self, cells):
        return np.zeros((len(cells), self.m_)), np.array([[spread(c)] * self.m_ for c in cells])

    def _weights(self):
        return {}

    def _load_weights(self, files, n_targets):
        assert not files
        self.m_ = n_targets


def spread(cell) -> float:
    return 1 + cell.ops[0] / 2


def test_coverage_on_synthetic_data_is_what_was_asked_for(space):
    cells = space.sample(3000, seed=0)
    rng = np.random.default_rng(1)
    noise = rng.normal(size=len(cells)) * [spread(cell) for cell in cells]
    shares = {0.5: [], 0.9: []}
    for start in range(0, 2500, 250):
        model = Known(seed=3).fit(cells[start : start + 250], noise[start : start + 250])
        new = cells[2500:]
        true = rng.normal(size=len(new)) * [spread(cell) for cell in new]
        for coverage, found in shares.items():
            lower, upper = model.predict_interval(new, coverage)
            found.append(np.mean((lower <= true) & (true <= upper)))
            # Intervals follow the spread: three times as wide where the noise is.
            width = dict(zip([c.ops[0] for c in new], upper - lower, strict=True))
            assert width[4] / width[0] == pytest.approx(3.0)
    assert np.mean(shares[0.5]) == pytest.approx(0.5, abs=0.03)
    assert np.mean(shares[0.9]) == pytest.approx(0.9, abs=0.02)


def test_folds_keep_groups_together_and_are_of_equal_size():
    groups = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 4, size=40)).tolist()
    folds = split_into_folds(groups, folds=5, seed=0)
    assert set(folds.tolist()) == set(range(5))
    for group in set(groups):
        assert len({f for f, g in zip(folds.tolist(), groups, strict=True) if g == group}) == 1
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 3
    np.testing.assert_array_equal(folds, split_into_folds(groups, folds=5, seed=0))
    assert (folds != split_into_folds(groups, folds=5, seed=1)).any()


def test_too_few_groups_give_no_folds():
    assert split_into_folds(["a", "b", "a"], folds=5, seed=0).tolist() == [-1, -1, -1]
    assert set(split_into_folds(["a", "b", "c"], folds=5, seed=0).tolist()) == {0, 1, 2}


def test_no_cell_isomorphic_to_a_held_out_one_is_trained_on():
    cells = list(NASBench201())[::9]
    seen = []

    class Watched(Known):
        def _fit(self, cells, Y):
            super()._fit(cells, Y)
            seen.append({cell.representative for cell in cells})

        def _predict(self, cells):
            if len(seen) > 1:  # the first fit is that on all cells
                assert not seen[-1] & {cell.representative for cell in cells}
            return super()._predict(cells)

    Watched(calibration_folds=4).fit(cells, np.arange(float(len(cells))))
    assert len(seen) == 5


def test_figures_are_of_cells_without_a_twin_in_training(space):
    cells = space.sample(400, seed=0)
    state = Known(calibration_folds=4).fit(cells, np.arange(400.0))._state
    folds = state.out_of_fold.folds
    order = sorted(cells, key=lambda cell: cell.index)
    classes = [cell.function_class for cell in order]
    others = [
        {c for c, other in zip(classes, folds, strict=True) if other != fold} for fold in range(4)
    ]
    has_twin = np.array([c in others[fold] for c, fold in zip(classes, folds, strict=True)])
    assert has_twin.any()
    assert not (has_twin & state.is_fresh).any()
    assert state.is_fresh.sum() > 200
    assert held_out_metrics(state)["value"]["n"] == state.is_fresh.sum()


def test_the_card_of_a_calibrated_model_has_figures_of_held_out_cells(toy_cells, toy_values):
    model = make_predictor("gp", calibration_folds=4).fit(toy_cells, toy_values, targets=["t"])
    found = held_out_metrics(model._state)["t"]
    assert found["n"] == 60
    assert found["folds"] == 4
    assert 0 < found["kendall_tau"] < 1
    assert 0 < found["rmse"] < toy_values.std()
    assert 0.75 < found["coverage_90"] <= 1
    assert found["kendall_tau_sd"] > 0
