"""Metrics against values worked out by hand."""

import numpy as np
import pytest

from surrobust import metrics


def test_kendall_tau_b_by_hand_with_a_tie():
    # Pairs: 5 concordant, 0 discordant, 1 tied in the prediction: 5 / sqrt(6 * 5).
    tau = metrics.kendall_tau(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 2, 3]))
    assert tau == pytest.approx(5 / np.sqrt(30))


def test_sparse_kendall_tau_ignores_small_differences():
    true = np.array([0.1, 0.2, 0.3])
    noisy = np.array([0.10001, 0.1000, 0.3])
    assert metrics.kendall_tau(true, noisy) == pytest.approx(1 / 3)
    assert metrics.sparse_kendall_tau(true, noisy) == pytest.approx(2 / np.sqrt(6))


def test_spearman_by_hand():
    # Rank differences 1, -1, 0: 1 - 6 * 2 / (3 * 8).
    assert metrics.spearman_rho(np.array([1.0, 2, 3]), np.array([2.0, 1, 3])) == pytest.approx(0.5)


def test_r2_rmse_regret_precision_coverage():
    true = np.array([1.0, 2.0, 3.0, 4.0])
    assert metrics.r2_score(true, np.full(4, 2.5)) == 0.0
    assert metrics.r2_score(true, true) == 1.0
    assert metrics.rmse(true, true + 0.5) == 0.5
    assert metrics.regret(0.48, 0.47) == pytest.approx(0.01)
    assert metrics.precision_at(true, np.array([1.0, 4.0, 2.0, 3.0]), k=2) == 0.5
    assert metrics.interval_coverage(true, true - 1, np.array([1.0, 1.0, 3.0, 9.0])) == 0.75
