"""Conformal intervals: the quantile by hand and by MAPIE, coverage on synthetic data, folds."""

import numpy as np
import pytest

from surrobust.predictors import AbstractPredictor, make_predictor
from surrobust.predictors.conformal import (
    TILT,
    Calibration,
    conformal_quantile,
    split_into_folds,
)
from surrobust.predictors.ranges import TargetRanges
from surrobust.predictors.saving.card import held_out_metrics, load_card
from surrobust.predictors.saving.state import FittedState, OutOfFold
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
    signed = np.array([1.0, -2.0, 4.0, -0.5, 3.0])[:, None]
    scores, levels = np.abs(signed), np.arange(5.0)[:, None]
    found, tilted = (
        Calibration.from_residuals(signed, np.ones((5, 1)), levels, tilt=tilt) for tilt in (0, 0.5)
    )
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
    gap = np.abs(signed[:, 0] / own - 0.5 * (2 * rank - 1) * mean)
    np.testing.assert_allclose(tilted.scores[:, 0], np.sort(gap), rtol=1e-3)
    np.testing.assert_array_equal(tilted.factors, found.factors)
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
            hit = np.abs(new + true - found.middles(new, np.ones((2000, 1)))) <= half
            hits.append([hit.mean(), hit[:200].mean(), hit[-200:].mean()])
    everywhere, lowest, highest = np.mean(hits[::2], axis=0)
    assert everywhere == pytest.approx(0.8, abs=0.02)
    assert lowest == pytest.approx(0.8, abs=tolerance)
    assert highest == pytest.approx(0.8, abs=tolerance)
    without = np.mean(hits[1::2], axis=0)
    assert without[1] > 0.98
    assert without[2] < 0.64


def test_middles_by_hand():
    """Three cells: ranks 1/6, 1/2, 5/6; the window is two thirds wide, as in the factors."""
    signed = np.array([1.0, -2.0, 4.0])
    mean, std = np.array([[0.1], [0.2], [0.3]]), np.full((3, 1), 2.0)
    straight, tilted = (
        Calibration.from_residuals(2 * signed[:, None], std, mean, tilt=t) for t in (0, 0.6)
    )
    np.testing.assert_array_equal(tilted.factors, straight.factors)
    # 2 rank - 1 is -2/3, 0, 2/3, the mean score 7/3.
    typical = 0.6 * np.array([-2, 0, 2]) / 3 * 7 / 3
    np.testing.assert_allclose(tilted.shifts[:, 0], typical * tilted.factors[:, 0])
    np.testing.assert_allclose(
        tilted.middles(mean, std), mean + 2 * typical[:, None] * tilted.factors
    )
    between = tilted.middles(np.array([[0.25]]), np.array([[3.0]]))
    assert between[0, 0] == pytest.approx(0.25 + 3 * tilted.shifts[1:, 0].mean())
    assert (straight.middles(mean, std) == mean).all()


def test_without_levels_the_middle_is_what_is_predicted(rng):
    mean, residuals = rng.normal(size=(2, 30, 2))
    found = Calibration.from_residuals(residuals, np.ones((30, 2)))
    assert found.shifts.shape == (0, 2)
    assert (found.middles(mean, np.ones((30, 2))) == mean).all()
    equal = Calibration.from_residuals(residuals, np.ones((30, 2)), np.zeros((30, 2)))
    assert (equal.shifts == 0).all()


def test_the_tilt_holds_the_best_measured_and_all_alike():
    """What was measured is a cell's level and as much noise again; the model knows the level.

    The intervals of both are of the coverage asked for over all cells. Among the tenth measured
    best those around the predicted values fall short, and the tilt takes much of it away.
    """
    rng = np.random.default_rng(0)
    found = []
    for _ in range(30):
        level, new = rng.normal(size=(2, 400, 1)), rng.normal(size=(4000, 1))
        true = new + rng.normal(size=new.shape)
        std, ones = np.ones((400, 1)), np.ones(new.shape)
        best = np.argsort(-true[:, 0])[:400]
        for tilt in (0.0, TILT):
            one = Calibration.from_residuals(level[1], std, level[0], tilt=tilt)
            half = one.half_widths(new, ones, coverage=0.8)
            hit = np.abs(true - one.middles(new, ones)) <= half
            found.append([hit.mean(), hit[best].mean(), half.mean()])
    straight, tilted = np.mean(found[::2], axis=0), np.mean(found[1::2], axis=0)
    assert straight[0] == pytest.approx(0.8, abs=0.015)
    assert tilted[0] == pytest.approx(0.8, abs=0.015)
    assert straight[1] < 0.66
    assert tilted[1] > straight[1] + 0.06
    assert tilted[2] < 1.02 * straight[2]


def test_a_level_without_any_residual_keeps_a_least_width():
    level = np.linspace(0, 1, 200)[:, None]
    residuals = np.where(level < 0.5, 0.0, 1.0)
    found = Calibration.from_residuals(residuals, np.ones((200, 1)), level)
    assert found.factors.min() == pytest.approx(0.1)
    nothing = Calibration.from_residuals(0 * residuals, np.ones((200, 1)), level)
    assert (nothing.factors == 1).all()
    assert (nothing.half_widths(level, np.ones((200, 1)), coverage=0.9) == 0).all()


@pytest.mark.parametrize(
    ("groups", "residuals", "expected"),
    [
        ([0, 0, 0, 0, 1], [3.0, 1.0, 4.0, 2.0, 10.0], [4.0, 10.0]),
        # Weights amount to 1/2, 1, 3/2, 5/2, 3: one cell at 2, two at 4, three at 5.
        ([0, 0, 1, 1, 2], [1.0, 5.0, 2.0, 3.0, 4.0], [2.0, 4.0, 5.0]),
        ([5, 5, 5], [1.0, 2.0, 3.0], [3.0]),
        ([8, 2, 4], [3.0, 1.0, 2.0], [1.0, 2.0, 3.0]),
    ],
)
def test_scores_of_repeated_cells_by_hand(groups, residuals, expected):
    residuals = np.array(residuals)[:, None]
    found = Calibration.from_residuals(
        residuals, np.ones_like(residuals), groups=np.array(groups)
    ).scores
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_is_that_of_hierarchical_conformal_prediction(seed):
    """Lee, Barber & Willett: a quantile of sum_k 1/(K+1) sum_i 1/N_k delta + 1/(K+1) delta_inf."""
    rng = np.random.default_rng(seed)
    n = 19
    groups = np.repeat(np.arange(n), rng.integers(1, 9, size=n))
    scores = rng.exponential(size=len(groups))
    kept = Calibration.from_residuals(
        scores[:, None], np.ones((len(scores), 1)), groups=groups
    ).scores
    assert kept.shape == (n, 1)
    order = np.argsort(scores)
    mass = np.cumsum((1 / np.bincount(groups)[groups])[order]) / (n + 1)
    for coverage in (0.05, 0.31, 0.5, 0.77, 0.9, 0.95):
        theirs = scores[order][np.argmax(mass >= coverage - 1e-12)]
        ours = conformal_quantile(kept, coverage=coverage)[0]
        if abs((n + 1) * coverage - round((n + 1) * coverage)) < 1e-9:
            assert ours == pytest.approx(theirs, rel=1e-6)
        else:  # a whole cell is completed
            assert ours >= theirs
    assert np.isinf(conformal_quantile(kept, coverage=0.96)[0])


@pytest.mark.parametrize("n", [5, 64, 65, 300])
@pytest.mark.parametrize("times", [2, 25])
def test_rows_that_repeat_others_exactly_change_nothing(n, times, rng):
    residuals, mean = rng.normal(size=(2, n, 2))
    mean[: n // 3] = mean[0]  # levels may be equal
    std = rng.uniform(0.1, 2, size=(n, 2))
    once = Calibration.from_residuals(residuals, std, mean)
    rows = rng.permutation(np.repeat(np.arange(n), times))
    again = Calibration.from_residuals(residuals[rows], std[rows], mean[rows], groups=rows)
    for name in ("scores", "floors", "levels", "factors", "shifts", "bends"):
        np.testing.assert_allclose(getattr(again, name), getattr(once, name), rtol=1e-6, atol=1e-12)


def test_forms_of_a_cell_that_differ_count_in_both_ways_by_hand():
    residuals, std = np.arange(1.0, 11.0)[:, None], np.ones((10, 1))
    groups, forms = np.array([0] + [1] * 9), np.arange(10)
    # By cells the first is complete at 1, the second at 10. Of ten forms a third is ranked
    # ceil(11 / 3) = 4, two thirds ceil(22 / 3) = 8.
    for given, expected in ((forms, [4.0, 10.0]), (groups, [1.0, 10.0]), (None, [1.0, 10.0])):
        found = Calibration.from_residuals(residuals, std, groups=groups, forms=given)
        assert found.scores[:, 0].tolist() == pytest.approx(expected)


def test_a_cell_of_many_rows_weighs_as_one_of_one_row(rng):
    residuals, mean = rng.normal(size=(2, 40, 1))
    std = rng.uniform(0.1, 2, size=(40, 1))
    rows = np.concatenate([np.arange(40), np.full(1000, 3)])
    once = Calibration.from_residuals(residuals, std, mean)
    again = Calibration.from_residuals(residuals[rows], std[rows], mean[rows], groups=rows)
    for name in ("scores", "floors", "levels", "factors", "shifts", "bends"):
        np.testing.assert_allclose(getattr(again, name), getattr(once, name), rtol=1e-6, atol=1e-12)


def test_each_row_of_its_own_cell_is_what_no_groups_are(rng):
    residuals, std, mean = rng.uniform(0.1, 1, size=(3, 80, 3))
    plain = Calibration.from_residuals(residuals, std, mean)
    own = Calibration.from_residuals(residuals, std, mean, groups=rng.permutation(80))
    for name in ("scores", "floors", "levels", "factors", "shifts", "bends"):
        np.testing.assert_array_equal(getattr(own, name), getattr(plain, name))


def test_factors_leave_out_all_rows_of_a_cell_by_hand():
    """Six rows of four cells; the first cell's rows are predicted apart, as isomorphic ones are."""
    scores = np.array([1.0, 3.0, 2.0, 4.0, 0.5, 2.5])
    level, groups = np.array([0.0, 2.0, 1.0, 3.0, 3.0, 4.0]), np.array([0, 0, 1, 2, 2, 3])
    shares = np.array([0.5, 0.5, 1, 0.5, 0.5, 1])
    found = Calibration.from_residuals(
        scores[:, None], np.ones((6, 1)), level[:, None], groups=groups, tilt=0
    )
    rank = np.array([0.25, 1.75, 1, 2.5, 2.5, 3.5]) / 4  # middles of the weights below and at
    width = 2.0 / 4
    gaps = [
        rank[:, None] - mirrored for turn in (-2, 0, 2) for mirrored in (turn + rank, turn - rank)
    ]
    window = sum(np.exp(-0.5 * (gap / width) ** 2) for gap in gaps) * shares
    mean = shares @ scores / 4
    of_new = (window @ scores + 2 * mean) / (window.sum(axis=1) + 2) / mean
    other = window * (groups[:, None] != groups)
    rest = (4 * mean - np.array([2.0, 2.0, 2.0, 2.25, 2.25, 2.5])) / 3
    of_others = (other @ scores + 2 * rest) / (other.sum(axis=1) + 2) / mean
    ratio = scores / of_others
    order = np.argsort(ratio)
    complete = [np.argmax(np.cumsum(shares[order]) >= k) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(found.scores[:, 0], ratio[order][complete], rtol=1e-3)
    # By level the weights are 1/2 1 1/2 1/2 1/2 1: one cell is complete at 1, two at 2, ...
    np.testing.assert_array_equal(found.levels[:, 0], [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(found.factors[:, 0], of_new[[2, 1, 3, 5]], rtol=1e-3)


@pytest.mark.parametrize(("n", "coverage"), [(4, 0.75), (9, 0.9), (19, 0.8)])
def test_intervals_hold_a_new_cell_where_cells_are_few_and_rows_many(n, coverage):
    """A cell's error, and a small one of each measurement; up to 49 rows of a cell.

    A new cell is exchangeable with the n others, so that the interval holds one measurement of it
    with probability of at least the coverage, and above it by no more than the weight of one of
    n + 1. Both bounds are five standard errors of a share further out.
    """
    rng = np.random.default_rng(n)
    trials, held = 4000, 0
    for _ in range(trials):
        counts = rng.integers(1, 50, size=n)
        groups = np.repeat(np.arange(n), counts)
        cells = rng.standard_t(3, size=n + 1)
        rows = cells[groups] + 0.05 * rng.normal(size=len(groups))
        new = abs(cells[n] + 0.05 * rng.normal())
        std = np.ones((len(rows), 1))
        found = Calibration.from_residuals(rows[:, None], std, groups=groups)
        held += new <= found.half_widths(std[:1], std[:1], coverage=coverage)[0, 0]
    error = 5 * np.sqrt(coverage * (1 - coverage) / trials)
    assert coverage - error <= held / trials <= coverage + 1 / (n + 1) + error


@pytest.mark.parametrize(("n", "coverage"), [(9, 0.8), (19, 0.9), (50, 0.5)])
def test_tilted_intervals_hold_a_new_cell_where_cells_are_few(n, coverage):
    """The levels are the cells' own, and skewed errors grow with them.

    The least share is that of the rank, up to five standard errors; what the local factors and
    bends of a new cell, which are those of levels nearby, take from it is a few points at worst.
    """
    rng = np.random.default_rng(n)
    trials, held = 2000, 0
    for _ in range(trials):
        mean = rng.normal(size=(n + 1, 1))
        noise = (rng.exponential(size=mean.shape) - 1) * np.exp(0.3 * mean)
        std = np.ones_like(mean)
        found = Calibration.from_residuals(noise[:n], std[:n], mean[:n])
        middle = found.middles(mean[n:], std[n:])
        half = found.half_widths(mean[n:], std[n:], coverage=coverage)
        held += np.abs(mean[n:] + noise[n:] - middle)[0, 0] <= half[0, 0]
    error = 5 * np.sqrt(coverage * (1 - coverage) / trials)
    assert coverage - 0.03 - error <= held / trials <= coverage + 1 / (n + 1) + 0.03 + error


class Known(AbstractPredictor):
    """Predicts zero with the noise's true spread."""

    kind = "known"
    encoder = "one_hot"

    def _fit(self, cells, Y):
        assert len(cells) == len(Y)
        self.m_ = Y.shape[1]

    def _predict(self, cells):
        return np.zeros((len(cells), self.m_)), np.array([[spread(c)] * self.m_ for c in cells])


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


def test_four_cells_of_25_rows_vouch_for_what_four_cells_do(space):
    cells = space.representatives()[:4]
    y = np.random.default_rng(0).normal(size=100)
    model = Known(calibration_folds=5).fit(cells * 25, y)
    lower, upper = model.predict_interval(cells, 0.9)
    assert np.isneginf(lower).all()
    assert np.isposinf(upper).all()
    for coverage in (0.5, 0.75, 0.8):  # ceil(5 * 0.8) = 4
        assert np.isfinite(model.predict_interval(cells, coverage)).all()
    assert len(model._state.calibration.scores) == 4


def test_isomorphic_rows_are_of_one_cell(space):
    twins = [cell for cell in space if cell.representative == space[10].representative]
    others = [c for c in space.representatives() if c != twins[0].representative][:3]
    assert len(twins) > 1
    rows = twins + others * 2
    model = Known(calibration_folds=4).fit(rows, np.arange(float(len(rows))))
    assert len(model._state.calibration.scores) == 4
    assert np.isinf(model.predict_interval([0], 0.9)).all()


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
    seen, asked = [], []

    class Watched(Known):
        def _fit(self, cells, Y):
            super()._fit(cells, Y)
            seen.append({cell.representative for cell in cells})

        def _predict(self, cells):
            if len(seen) > 1:  # the first fit is that on all cells
                assert not seen[-1] & {cell.representative for cell in cells}
                asked.extend(cells)
            return super()._predict(cells)

    Watched(calibration_folds=4).fit(cells, np.arange(float(len(cells))))
    assert len(seen) == 5
    assert set(asked) == set(cells)


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


def test_the_card_of_a_calibrated_model_has_figures_of_held_out_cells(
    toy_cells, toy_values, tmp_path
):
    model = make_predictor("gp", calibration_folds=4).fit(toy_cells, toy_values, targets=["t"])
    model.save(tmp_path / "model")
    found = load_card(tmp_path / "model").metrics["t"]
    assert found["n"] == 60
    assert found["folds"] == 4
    assert 0 < found["kendall_tau"] < 1
    assert 0 < found["rmse"] < toy_values.std()
    assert 0.75 < found["coverage_90"] <= 1
    for region in ("", "_head", "_best"):
        held = [found[f"coverage_{share}{region}"] for share in (50, 80, 90, 95)]
        assert 0 <= held[0] <= held[1] <= held[2] <= held[3] <= 1
    assert found["kendall_tau_sd"] > 0


@pytest.mark.parametrize(("target", "sign"), [("value", -1), ("watch-latency", 1)])
def test_coverages_of_a_card_by_hand(target, sign):
    """Two folds of twenty; what the intervals of one hold is known from the scores of the other."""
    cells = NASBench201().representatives()[:40]
    folds, rng = np.repeat([0, 1], 20), np.random.default_rng(0)
    mean = rng.permutation(np.linspace(9, 11, 40))[:, None]
    true, std = mean + rng.normal(size=(40, 1)), np.ones((40, 1))
    held = OutOfFold(cells, folds, true, mean, std)
    ranges = TargetRanges.of([target], true)
    found = held_out_metrics(FittedState.of(cells, True, ranges, held))[target]
    expected = {"": [], "_head": [], "_best": []}
    for fold in (0, 1):
        mine = folds == fold
        other = Calibration.from_residuals((true - mean)[~mine], std[~mine], mean[~mine])
        middle = other.middles(mean[mine], std[mine])
        half = other.half_widths(mean[mine], std[mine], coverage=0.8)
        inside = (np.abs(true[mine] - middle) <= half)[:, 0]
        expected[""].append(inside.mean())
        expected["_head"].append(inside[np.argsort(sign * mean[mine, 0])[:2]].mean())
        expected["_best"].append(inside[np.argsort(sign * true[mine, 0])[:2]].mean())
    for region, shares in expected.items():
        assert found[f"coverage_80{region}"] == pytest.approx(np.mean(shares))
        assert found[f"coverage_80{region}_sd"] == pytest.approx(np.std(shares, ddof=1))
