"""Averages by hand: of the ensemble, and of the default."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.predictors.ensemble import blend
from surrobust.processes.scores import ScoreMap
from surrobust.spaces import NASBench201

from .conftest import make_small

NEW = [NASBench201()[i] for i in range(0, 15625, 307)]


def test_the_mixture_by_hand():
    moments = [(np.array([[0.0]]), np.array([[1.0]])), (np.array([[1.0]]), np.array([[2.0]]))]
    mean, std = blend(moments, 0.75)
    assert mean[0, 0] == 0.75
    assert std[0, 0] ** 2 == pytest.approx(0.25 * (1 + 0.75**2) + 0.75 * (4 + 0.25**2))


@pytest.mark.parametrize("m", [1, 3])
def test_it_is_the_mean_of_default_and_networks(m, toy_cells, toy_values, many_values):
    given = {"seed": 2, "calibration_folds": 0}
    Y = toy_values if m == 1 else many_values
    ensemble = make_small("ensemble", network_weight=0.25, **given).fit(toy_cells, Y)
    default, networks = (make_small(kind, **given).fit(toy_cells, Y) for kind in ("default", "gnn"))
    expected = 0.75 * default.predict(NEW) + 0.25 * networks.predict(NEW)
    np.testing.assert_allclose(ensemble.predict(NEW), expected, rtol=1e-12)


def test_intervals_rest_on_cells_that_no_member_saw(toy_cells, toy_values):
    model = make_small("ensemble", calibration_folds=3)
    changed = toy_values[:, None].copy()
    changed[model._folds(toy_cells) == 1] += 5.0
    model._fit(toy_cells, toy_values[:, None])
    plain = model._out_of_fold(toy_cells, toy_values[:, None])
    model._fit(toy_cells, changed)
    other = model._out_of_fold(toy_cells, changed)
    unseen = plain.folds == 1
    assert np.isfinite(plain.mean).all()
    np.testing.assert_array_equal(plain.folds, model._folds(toy_cells))
    np.testing.assert_array_equal(plain.mean[unseen], other.mean[unseen])
    assert (plain.mean[~unseen] != other.mean[~unseen]).all()


def test_networks_that_predict_nothing_are_refused():
    with pytest.raises(InvalidInputError, match="network_weight: expected"):
        make_small("ensemble", network_weight=0)


def test_the_default_averages_scores_by_the_number_of_rows(fitted, toy_cells, toy_values):
    model = fitted("default", 1)
    process, trees = (member._predict(NEW)[0] for member in model._predictors.values())
    order = np.argsort([cell.index for cell in toy_cells])
    expected, _ = ScoreMap.fit(toy_values[order][:, None], transform="scores")
    n = len(model._process.fitted_.rows)
    # Half of .3 at 50 rows.
    share = 0.3 * n / (n + 50)
    blend = (1 - share) * process + share * trees
    np.testing.assert_allclose(model.predict(NEW), expected.to_values(blend)[:, 0], rtol=1e-9)
