"""A prior is believed as far as measurements bear it out."""

import numpy as np
import pytest

from surrobust.processes.averaging import PriorProcess
from surrobust.processes.refitted import FunctionProcess


def threes(architectures):
    return (np.array([[float(c.ops.count(3))] for c in architectures]),)


def noise(architectures):
    return (np.array([[np.random.default_rng(c.index).normal()] for c in architectures]),)


class View:
    """A process that is fitted already."""

    def __init__(self, loss, mean, std, noise):
        self.loss_, self._mean, self._std, self.noise_std_ = loss, mean, std, noise

    def fit(self, cells, y):
        """Nothing to learn."""

    def predict(self, cells):
        return np.full(len(cells), self._mean)

    def predict_std(self, cells):
        return np.full(len(cells), self._std)


def test_two_views_are_averaged_by_their_evidence():
    model = PriorProcess(threes)
    # Odds of e^(log 3) = 3 to 1: weights 3/4 and 1/4.
    model._views = (View(1.0, 2.0, 1.0, 1.0), View(1.0 + np.log(3.0), -2.0, 3.0, 5.0))
    model.fit([], np.empty(0))
    assert model.trust_ == pytest.approx(0.75)
    doubted = PriorProcess(threes, odds=0.1)
    doubted._views = model._views
    assert doubted.fit([], np.empty(0)).trust_ == pytest.approx(3 / 13)  # odds of 3 x 0.1
    assert model.predict([None]) == pytest.approx([1.0])
    # Within 3/4 * 1 + 1/4 * 9 = 3, between 3/4 * 1/4 * 4^2 = 3.
    assert model.predict_std([None]) == pytest.approx([np.sqrt(6.0)])
    assert model.noise_std_ == pytest.approx(np.sqrt(7.0))  # 3/4 * 1 + 1/4 * 25


def test_a_prior_that_is_right_is_believed_and_one_that_is_wrong_is_not(space):
    doubted, test = [], space.sample(200, seed=4)
    for seed in range(12):
        cells = space.sample(25, seed=10 + seed)
        y = threes(cells)[0][:, 0]
        y = (y - y.mean()) / y.std()
        right, wrong = PriorProcess(threes).fit(cells, y), PriorProcess(noise).fit(cells, y)
        # The trend is exact, so that nothing but the ridge of the process is between 0 and 1.
        assert right.trust_ > 0.99
        true, plain = threes(test)[0][:, 0], FunctionProcess().fit(cells, y)
        assert np.corrcoef(right.predict(test), true)[0, 1] > 0.99
        assert np.corrcoef(wrong.predict(test), plain.predict(test))[0, 1] > 0.9
        doubted.append(wrong.trust_)
    # Noise may be related to 25 values by chance: in one of twelve it was believed by two thirds.
    assert np.mean(doubted) + 3 * np.std(doubted) / 12**0.5 < 0.5
