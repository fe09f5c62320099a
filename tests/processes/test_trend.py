"""What a prior says, as rows of trends."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.processes.trend import PriorRows
from surrobust.searches import GuidedSearch, run
from surrobust.spaces import Architecture


class Given:
    """A prior that predicts what a function says."""

    def __init__(self, function):
        self._function = function

    def predict(self, cells):
        return np.array([self._function(c) for c in cells])


class Related(Given):
    """One that has related numbers too: how many ops are 3x3 convolutions, how many are skips."""

    def related(self, cells):
        return np.array([[c.ops.count(3), c.ops.count(1)] for c in cells])


def smooth(cell):
    """What cells compute, and something that only measuring tells."""
    counts = 0.05 * cell.ops.count(3) + 0.02 * cell.ops.count(2) + 0.03 * (cell.ops[3] == 1)
    return counts + 0.004 * np.random.default_rng(cell.index).normal()


def random_number(cell):
    return float(np.random.default_rng([1, cell.index]).normal())


def test_rows_are_centred_and_scaled_over_the_classes():
    leads = tuple(map(Architecture.parse, ("000300", "000310", "333300")))
    rows = PriorRows(Related(lambda c: 10.0 * c.ops.count(3)), leads)
    expected, related = rows(leads)
    # 10, 10, 40: mean 20, deviation sqrt(200).
    np.testing.assert_allclose(expected[:, 0], np.array([-10, -10, 20]) / np.sqrt(200))
    # (1, 0), (1, 1), (4, 0): less (2, 1/3) the squared norms are 10/9, 13/9, 37/9, of mean 20/9.
    moved = np.array([[-1, -1 / 3], [-1, 2 / 3], [2, -1 / 3]])
    np.testing.assert_allclose(related, moved / np.sqrt(20 / 9))
    other = [Architecture.parse("330300")]
    assert rows.expected(other) == pytest.approx([10 / np.sqrt(200)])
    assert len(PriorRows(Given(lambda _: 1.0), leads)(other)) == 1  # and a constant is no error


def test_a_prior_of_several_values_or_of_none_is_refused():
    leads = (Architecture.parse("000300"),)
    with pytest.raises(InvalidInputError, match=r"prior: expected a predictor of one value"):
        PriorRows(Given(lambda _: [1.0, 2.0]), leads)
    with pytest.raises(InvalidInputError, match=r"prior: expected finite predictions"):
        PriorRows(Given(lambda _: np.nan), leads)


def test_the_opening_is_the_priors_best_and_spread_cells_in_turn(space):
    search = GuidedSearch(space, prior=Given(random_number), n_trusted=2, seed=0)
    asked, cold = search.ask(6), GuidedSearch(space, seed=0).ask(6)
    ranked = sorted(search._leads, key=random_number, reverse=True)
    best = [cell.function_class for cell in ranked[:2]]
    assert [asked[0].function_class, asked[2].function_class] == best
    assert all(cell.function_class not in best for cell in (asked[1], *asked[3:]))
    assert asked != cold


def test_a_perfect_prior_finds_the_best_at_once_and_a_useless_one_ruins_nothing(space):
    some = space.sample(1500, seed=0)
    best = max(smooth(cell.representative) for cell in some)

    def regret(prior, budget, seed):
        search = GuidedSearch(space, candidates=some, prior=prior, seed=seed)
        done = run(search, smooth, budget=budget, source="table")
        return best - max(e.value for e in done)

    at_random = np.mean([best - smooth(cell.representative) for cell in some])
    assert regret(Given(smooth), 1, 0) < 0.05 * at_random
    useless = np.mean([regret(Given(random_number), 30, seed) for seed in range(3)])
    cold = np.mean([regret(None, 30, seed) for seed in range(3)])
    assert useless < cold + 0.1 * at_random
    against = np.mean([regret(Given(lambda c: -smooth(c)), 30, seed) for seed in range(3)])
    assert against < cold + 0.1 * at_random
