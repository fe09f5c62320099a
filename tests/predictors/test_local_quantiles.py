"""Local over global quantiles, by hand and where the distribution changes with the level."""

import numpy as np
import pytest

from surrobust.predictors.local_quantiles import BEND_AT, local_bends


def test_three_scores_by_hand():
    """Ranks 1/6, 1/2, 5/6; a window of sd 2/3 in ranks; 10 cells' weight spread over all."""
    scores, level = np.array([1.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.3])
    rank = np.array([1, 3, 5]) / 6
    weights = 10 / 3 + sum(
        np.exp(-0.5 * ((rank[0] - mirrored) / (2 / 3)) ** 2) for mirrored in (rank, -rank, 2 - rank)
    )
    size = weights.sum() ** 2 / (weights**2).sum()
    place = np.cumsum(weights) / weights.sum() * size / (size + 1)
    local = np.interp(0.5, place, scores)
    expected = local / 2.0  # the middle of three is at 2 / 4
    found = local_bends(scores, level, np.array([0]))
    assert found.shape == (len(BEND_AT), 1)
    assert found[BEND_AT.index(0.5), 0] == pytest.approx(expected)


def test_scores_of_one_distribution_need_no_bend(rng):
    found = local_bends(rng.exponential(size=4000), rng.uniform(size=4000), np.arange(0, 4000, 400))
    np.testing.assert_allclose(found, 1, atol=0.2)
    assert np.mean(found) == pytest.approx(1, abs=0.03)


def test_heavy_tails_at_high_levels_are_found(rng):
    level = np.linspace(0, 1, 4000)
    scores = np.where(level < 0.5, rng.uniform(0, 2, size=4000), rng.exponential(size=4000))
    middle, high = BEND_AT.index(0.5), BEND_AT.index(0.95)
    found = local_bends(scores, level, np.array([200, 3800]))
    assert found[middle, 0] > 1 > found[middle, 1]
    assert found[high, 0] < 1 < found[high, 1]
    assert found[high, 1] * np.quantile(scores, 0.95) == pytest.approx(-np.log(0.05), rel=0.1)


def test_no_score_at_all_bends_nothing():
    assert (local_bends(np.zeros(50), np.arange(50.0), np.arange(50)) == 1).all()


def test_rows_of_one_cell_share_its_weight_by_hand():
    """Scores 1 and 3 of one cell, 2 and 2 of the other, all at one level."""
    scores, groups = np.array([1.0, 2.0, 3.0, 2.0]), np.array([0, 1, 0, 1])
    found = local_bends(scores, np.zeros(4), np.array([0, 3]), groups)
    # Two equal cells: half a cell at 1, then both rows of the second at 2, then the rest at 3.
    place = np.array([0.5, 1.5, 2.0]) / 2 * 2 / (2 + 1)
    local = np.interp(BEND_AT, place, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(found, np.stack([local / local] * 2, axis=1))


def test_repeated_rows_bend_nothing_more(rng):
    scores, level = rng.exponential(size=(2, 50))
    once = local_bends(scores, level, np.arange(50))
    rows = np.repeat(np.arange(50), 6)
    again = local_bends(scores[rows], level[rows], np.arange(5, 300, 6), rows)
    np.testing.assert_allclose(again, once, rtol=1e-9)
    assert (local_bends(scores, level, np.arange(50), np.arange(50)) == once).all()
