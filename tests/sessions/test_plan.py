"""Options that are given, recorded, or neither."""

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Evaluation, SearchResult
from surrobust.sessions.plan import DEFAULTS, check_free, plan_search, read_recorded
from surrobust.spaces import Architecture

CELL = Architecture.parse("333333")
RECORDED = SearchResult(
    "jung2023/cifar10/pgd-1", "table", "random", 5, 3, (Evaluation(CELL, 0.5, 0, "table"),), "0.0"
)
NOTHING = dict.fromkeys(("target", "objective", "strategy", "budget", "seed"))


def test_the_defaults_are_the_contracts():
    plan = plan_search(DEFAULTS, None, **NOTHING)
    assert plan == DEFAULTS
    assert (plan.target, plan.objective) == ("nas-robbench-201/cifar10/pgd-8", "auto")
    assert (plan.strategy, plan.budget, plan.seed) == ("default", 50, 0)


def test_what_is_given_holds_and_else_what_is_recorded():
    assert plan_search(DEFAULTS, None, **{**NOTHING, "seed": 4, "budget": 7}).seed == 4
    plan = plan_search(DEFAULTS, RECORDED, **NOTHING)
    assert (plan.target, plan.objective) == ("jung2023/cifar10/pgd-1", "table")
    assert (plan.strategy, plan.budget, plan.seed) == ("random", 5, 3)
    assert plan.evaluations == ()
    assert plan.version == DEFAULTS.version


def test_numbers_of_numpy_become_pythons():
    plan = plan_search(DEFAULTS, None, **{**NOTHING, "seed": np.int64(4), "budget": np.int32(7)})
    assert (type(plan.seed), type(plan.budget)) == (int, int)


def test_the_same_again_and_a_higher_budget_are_no_contradictions():
    given = {"target": RECORDED.target, "objective": "auto", "strategy": "random", "seed": 3}
    plan = plan_search(DEFAULTS, RECORDED, **given, budget=9)
    assert (plan.objective, plan.budget) == ("table", 9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "jung2023/cifar10/clean"}, "target: expected 'jung2023/cifar10/pgd-1' as in"),
        ({"objective": "surrogate"}, "objective: expected 'table' as in"),
        ({"strategy": "evolution"}, "strategy: expected 'random' as in"),
        ({"seed": 0}, "seed: expected 3 as in"),
    ],
)
def test_a_contradiction_is_refused(given, message):
    with pytest.raises(InvalidInputError, match=message):
        plan_search(DEFAULTS, RECORDED, **{**NOTHING, **given})


def test_a_folder_that_holds_a_search_is_not_free(tmp_path):
    check_free(None)
    check_free(tmp_path)
    assert read_recorded(None) is None
    assert read_recorded(tmp_path) is None
    RECORDED.write(tmp_path)
    with pytest.raises(InvalidInputError, match=r"out: .*--resume.*search\.json"):
        check_free(tmp_path)
    assert read_recorded(tmp_path) == RECORDED
