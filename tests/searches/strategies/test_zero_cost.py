import math

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import ZeroCostSearch
from surrobust.sessions.ranking import Combination
from surrobust.spaces import Architecture, count_parameters

CODES = ("333333", "111111", "313131", "222222", "033333")


def cells() -> list[Architecture]:
    return [Architecture.parse(code).representative for code in CODES]


def test_the_highest_scores_come_first_and_cells_without_one_last(space):
    scores = dict(zip(cells(), [0.2, 0.9, 0.5, -1.0], strict=False))
    search = ZeroCostSearch(space, scores=scores, candidates=cells(), seed=0)
    ranked = [cells()[i] for i in (1, 2, 0, 3, 4)]
    assert search.ranking(3) == ranked[:3]
    assert search.ask(5) == ranked
    assert search.ask() == []


def test_what_is_told_is_not_asked_for_and_values_change_nothing(space):
    scores = dict(zip(cells(), [5.0, 4.0, 3.0, 2.0, 1.0], strict=True))
    search = ZeroCostSearch(space, scores=scores, candidates=cells(), seed=0)
    search.tell(cells()[1], 100.0)
    search.tell(search.ask()[0], -100.0)
    assert search.ask(2) == [cells()[2], cells()[3]]


def test_without_scores_the_most_parameters_come_first(space):
    asked = ZeroCostSearch(space, seed=0).ask(10)
    counts = [count_parameters(cell) for cell in asked]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == count_parameters(Architecture.parse("333333"))


def test_a_ranking_lists_a_function_once(space):
    search = ZeroCostSearch(space, seed=0)
    names = [cell.function_class for cell in search.ranking(300)]
    assert len(set(names)) == 300


def test_scores_must_be_numbers(space):
    with pytest.raises(InvalidInputError, match="scores: expected finite numbers, got nan"):
        ZeroCostSearch(space, scores={cells()[0]: math.nan})


def test_a_combination_by_hand():
    combination = Combination(
        ("a", "b"),
        scales=np.array([1.0, 2.0]),
        medians=np.array([0.0, 0.0]),
        ranges=np.array([1.0, 0.5]),
        weights=np.array([1.0, 10.0, 100.0, 1000.0, 10000.0]),
    )
    a, b = math.asinh(1.0), 2 * math.asinh(0.5)  # of 1 and 1
    by_hand = a + 10 * b + 100 * a * a + 1000 * a * b + 10000 * b * b
    wild = 4.0 * 11 + 16.0 * 11100  # both cut off at 4
    scores = combination.score(np.array([[1.0, 1.0], [0.0, 0.0], [1e30, 1e30]]))
    assert scores.tolist() == pytest.approx([by_hand, 0.0, wild])


def test_a_combination_learns_what_its_columns_tell():
    rng = np.random.default_rng(0)
    numbers = rng.lognormal(size=(400, 3)) * [1.0, 1e6, -1e-3]
    truth = np.log(numbers[:, 0]) - np.log(-numbers[:, 2])
    y = np.stack([truth, np.exp(truth)], axis=1)  # the same ranks
    combination = Combination.fit("abc", numbers[:300], y[:300])
    assert np.corrcoef(combination.score(numbers[300:]), truth[300:])[0, 1] > 0.97
    again = Combination.from_document(combination.to_document())
    assert np.array_equal(again.score(numbers), combination.score(numbers))


@pytest.mark.parametrize(
    "change",
    [{"scales": [1.0]}, {"weights": "x"}, {"medians": [math.nan, 0.0]}, {"columns": ["a"]}],
)
def test_a_damaged_combination_is_refused(change):
    sound = Combination.fit("ab", np.arange(8.0).reshape(4, 2), np.arange(4.0)[:, None])
    with pytest.raises(InvalidInputError, match="combination: expected"):
        Combination.from_document({**sound.to_document(), **change})
