"""The ranking that a gradient search leaves."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Preference, RelaxedSearch
from surrobust.spaces import Architecture


def leaning(code, weight=0.6):
    """Probabilities ``(6, 5)`` that prefer one op on each edge."""
    found = np.full((6, 5), (1 - weight) / 4)
    found[np.arange(6), [int(op) for op in code]] = weight
    return found


def preference(*codes, shares=(1.0,), first=()):
    cells = tuple(Architecture.parse(code) for code in first)
    return Preference(np.stack([leaning(code) for code in codes]), shares, cells)


def test_the_derived_cell_comes_first_and_its_neighbours_next(space):
    calls = []

    def source():
        calls.append(1)
        return preference("323133", first=["323133"])

    search = RelaxedSearch(space, source=source, seed=0)
    assert not calls
    asked = search.ask(10)
    search.ask(5)
    assert calls == [1]
    assert asked[0] == Architecture.parse("323133").representative
    ring = {cell.representative for cell in space.neighbours(Architecture.parse("323133"))}
    assert set(asked[1:]) <= ring


def test_scores_by_hand():
    both = preference("333333", "222222", shares=(2 / 3, 1 / 3))
    scores = both.scores()
    for code, n_first, n_second in [("333333", 6, 0), ("222222", 0, 6), ("333221", 3, 2)]:
        first = n_first * np.log(0.6) + (6 - n_first) * np.log(0.1)
        second = n_second * np.log(0.6) + (6 - n_second) * np.log(0.1)
        expected = (2 * first + second) / 3
        assert scores[Architecture.parse(code).index] == pytest.approx(expected)


def test_zeros_come_last_however_probable():
    scores = preference("300000").scores()
    assert scores[Architecture.parse("311111").index] > scores[Architecture.parse("300000").index]
    assert scores[Architecture.parse("444444").index] > scores[Architecture.parse("311110").index]


def test_a_representative_stands_for_the_most_probable_of_its_class(space):
    other = next(cell for cell in space if cell.representative != cell and "0" not in cell.code)
    search = RelaxedSearch(space, source=lambda: preference(other.code), seed=0)
    assert search.ask() == [other.representative]


def test_robust_before_accurate_and_only_candidates(space):
    source = lambda: preference("333333", "222222", shares=(0.5, 0.5), first=["222222", "333333"])  # noqa: E731
    assert [c.code for c in RelaxedSearch(space, source=source).ask(2)] == ["222222", "333333"]
    pool = ["333333", "323133", "111111"]
    asked = RelaxedSearch(space, source=source, candidates=pool).ask(5)
    assert len(asked) == 3
    assert asked[0].code == "333333"


@pytest.mark.parametrize("value", [np.zeros((1, 6, 5)), np.ones((2, 6, 5)), np.ones((1, 5, 6))])
def test_bad_probabilities(value):
    with pytest.raises(InvalidInputError, match="probabilities: expected positive numbers"):
        Preference(value, (1.0,), ())
