"""Processes are believed as far as measurements bear them out."""

import numpy as np
import pytest

from surrobust.processes.averaging import mix, weigh


def test_processes_are_weighed_by_their_evidence():
    # Odds of e^(log 3) = 3 to 1: weights 3/4 and 1/4; for the second target the other way round.
    evidence = np.array([[-1.0, -1000.0], [-1.0 - np.log(3.0), -1000.0 + np.log(3.0)]])
    np.testing.assert_allclose(weigh(evidence, np.ones((2, 2))), [[0.75, 0.25], [0.25, 0.75]])
    odds = np.array([[0.1, 0.0], [1.0, 1.0]])
    # 3 x 0.1 to 1; and what has no odds has no weight, whatever its evidence.
    np.testing.assert_allclose(weigh(evidence, odds), [[3 / 13, 0.0], [10 / 13, 1.0]])


def test_a_mixture_has_the_spread_within_and_between():
    mean, variance = mix(
        np.array([[0.75], [0.25]]),
        np.array([[[2.0]], [[-2.0]]]),
        np.array([[[1.0]], [[9.0]]]),
    )
    assert mean == pytest.approx(np.array([[1.0]]))
    # Within 3/4 * 1 + 1/4 * 9 = 3, between 3/4 * 1/4 * 4^2 = 3.
    assert variance == pytest.approx(np.array([[6.0]]))
