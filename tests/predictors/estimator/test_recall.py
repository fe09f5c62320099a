"""A prediction and its interval cost one posterior, and no answer outlives its fit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from surrobust.predictors import PREDICTORS, load_folder
from surrobust.predictors.estimator import recall
from surrobust.predictors.gaussian_process import GaussianProcess
from surrobust.predictors.shipped import load_predictor
from surrobust.testing.predictors import every, training_cells, training_values

NEW = every(601)


class Counting(GaussianProcess):
    """Counts posteriors."""

    def __init__(self, *, calibration_folds=3, seed=0):
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.n = 0

    def _predict(self, cells):
        self.n += 1
        mean, std, _ = super()._predict(cells)
        return mean, std, 2 * std


def counting():
    model = Counting().fit(training_cells(), training_values())
    model.n = 0
    return model


def ask_everything(model, cells):
    for coverage in (0.5, 0.9):
        model.predict(cells)
        model.predict_std(cells, as_frame=True)
        model.predict_interval(cells, coverage)


def test_all_questions_about_the_same_cells_cost_one_posterior():
    model = counting()
    ask_everything(model, NEW)
    assert model.n == 1
    ask_everything(model, [cell.code for cell in NEW])
    model.predict_target([cell.index for cell in NEW], "value")
    assert model.n == 1
    model.predict(NEW[:3])
    assert model.n == 2
    model.predict(NEW[2::-1])
    assert model.n == 3


@pytest.mark.parametrize("kind", PREDICTORS)
def test_a_registered_predictor_computes_one_posterior(kind, fitted, monkeypatch):
    model, computed = fitted(kind), []
    predict = model._predict

    def counted(cells):
        computed.append(cells)
        return predict(cells)

    monkeypatch.setattr(model, "_predict", counted)
    ask_everything(model, every(599))
    assert len(computed) == 1


def test_moments_of_measurements_are_their_own():
    model = counting()
    first = model.predict(NEW)
    lower, upper = model.predict_interval(NEW)
    again = counting()
    # In the other order the same: what is expected was computed beside what is measured.
    np.testing.assert_array_equal(again.predict_interval(NEW), (lower, upper))
    np.testing.assert_array_equal(again.predict(NEW), first)
    assert (model.n, again.n) == (1, 1)


def test_what_is_returned_may_be_changed():
    model = counting()
    first, std = model.predict(NEW).copy(), model.predict_std(NEW).copy()
    lower = model.predict_interval(NEW)[0].copy()
    for array in (model.predict(NEW), model.predict_std(NEW), *model.predict_interval(NEW)):
        array[:] = 7.0
    np.testing.assert_array_equal(model.predict(NEW), first)
    np.testing.assert_array_equal(model.predict_std(NEW), std)
    np.testing.assert_array_equal(model.predict_interval(NEW)[0], lower)


def test_nothing_outlives_its_fit(tmp_path):
    model, y = counting(), training_values()
    before = model.predict(NEW)
    model.fit(training_cells(), 2 * y)
    fresh = Counting().fit(training_cells(), 2 * y)
    np.testing.assert_array_equal(model.predict(NEW), fresh.predict(NEW))
    assert (model.predict(NEW) != before).any()
    fresh.save(tmp_path / "model")
    loaded = load_folder(tmp_path / "model", Counting)
    np.testing.assert_array_equal(loaded.predict(NEW), fresh.predict(NEW))
    model.set_params(seed=3).fit(training_cells(), y)
    again = Counting(seed=3).fit(training_cells(), y)
    np.testing.assert_array_equal(model.predict(NEW), again.predict(NEW))


def test_a_fit_that_fails_leaves_no_answer(monkeypatch):
    model = counting()
    model.predict(NEW)

    def fail(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(model, "_fit", fail)
    with pytest.raises(RuntimeError):
        model.fit(training_cells(), training_values())
    with pytest.raises(RuntimeError, match="expected fit"):
        model.predict(NEW)


def test_what_is_large_is_not_kept(monkeypatch):
    model = counting()
    monkeypatch.setattr(recall, "_MOST", 3 * 10)
    model.predict(NEW[:11])
    model.predict(NEW[:11])
    assert model.n == 2
    model.predict(NEW[:10])
    model.predict_interval(NEW[:10])
    assert model.n == 3


def test_threads_get_their_own_answers(fitted):
    model = fitted("random_forest")
    parts = [NEW[start::4] for start in range(4)]
    expected = [(model.predict(part), *model.predict_interval(part)) for part in parts]

    def ask(n):
        part = parts[n % 4]
        return n % 4, (model.predict(part), *model.predict_interval(part))

    with ThreadPoolExecutor(4) as pool:
        for place, found in pool.map(ask, range(200)):
            np.testing.assert_array_equal(found, expected[place])


def test_a_shipped_predictor_says_the_same_in_any_order():
    one, other = load_predictor("hw-nas-bench-v1"), load_predictor("hw-nas-bench-v1")
    mean, interval = one.predict(NEW), one.predict_interval(NEW)
    np.testing.assert_array_equal(other.predict_interval(NEW), interval)
    np.testing.assert_array_equal(other.predict(NEW), mean)
