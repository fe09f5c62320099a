"""One search: what is kept of it, and that the value is the table's."""

import pytest

from surrobust.benchmark.searches import Climb, SearchRun, search_once, to_be_found
from surrobust.errors import InvalidInputError
from surrobust.searches import run
from surrobust.sessions import make_search
from surrobust.spaces import representative_indices

TARGET = "jung2023/cifar10/clean"
LATENCY = "hw-nas-bench/cifar10/edgetpu-latency"
LAST = max(representative_indices())


def test_a_climb_by_hand():
    first, second = sorted(representative_indices())[:2]
    climb = Climb.parse(f"1:{first} 4:{second}")
    assert str(climb) == f"1:{first} 4:{second}"
    assert [climb.incumbent(n).index for n in (1, 3, 4, 50)] == [first, first, second, second]


@pytest.mark.parametrize("text", ["", "1", "2:0", "1:0 1:3", "1:0 x:3", "1:15625", "1:-1", "1:0:2"])
def test_what_is_no_climb_is_refused(text: str):
    with pytest.raises(InvalidInputError, match="climb: expected incumbents such as 1:5213 4:88"):
        Climb.parse(text)


def test_an_index_that_is_no_representative_is_refused():
    index = next(i for i in range(15625) if i not in set(representative_indices()))
    with pytest.raises(InvalidInputError, match="climb: expected"):
        Climb.parse(f"1:{index}")


def test_the_run_is_that_of_the_strategy(tables):
    once = search_once("random", TARGET, budget=30, seed=5)
    assert once.key == ("random", TARGET, 5, 30)
    asked = run(
        make_search("random", seed=5), lambda cell: cell.index / 20000, budget=30, source="toy"
    )
    for n in (1, 7, 30):
        best = max(asked[:n], key=lambda e: e.value)
        assert once.climb.incumbent(n) == best.architecture
    assert once.seconds > 0


def test_latencies_are_minimised_and_twins_do_not_count(tables):
    assert to_be_found(TARGET) == LAST / 20000
    assert to_be_found(LATENCY) == pytest.approx(20 - LAST / 1000)
    once = search_once("optuna-random", LATENCY, budget=20, seed=0)
    steps = [index for _, index in once.climb.steps]
    assert steps == sorted(steps)
    assert len(steps) > 1


def test_what_is_not_known_is_refused(tables):
    with pytest.raises(InvalidInputError, match=r"strategy: expected one of default, .*, smac"):
        search_once("best", TARGET, budget=5, seed=0)


@pytest.mark.parametrize(
    ("strategy", "budget", "asked", "told"),
    [
        ("tpe", 100, 50, True),
        ("tpe", 50, 50, True),
        ("tpe", 50, 100, False),
        ("smac", 100, 50, False),
        ("smac", 50, 50, True),
    ],
)
def test_which_run_tells_of_a_budget(strategy: str, budget: int, asked: int, told: bool):
    made = SearchRun(strategy, TARGET, 0, budget, Climb(((1, 0),)), 1.0)
    assert made.serves(asked) is told
