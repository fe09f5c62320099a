"""What every registered strategy promises."""

import numpy as np
import pytest

from surrobust.errors import InvalidArchitectureError, InvalidInputError
from surrobust.searches import SEARCHES, run

NAMES = sorted(set(SEARCHES) - {"surrogate", "dsrna", "arnas"})  # classes of others
every_strategy = pytest.mark.parametrize("name", NAMES)


def asked_by(search, objective, n):
    return [e.architecture for e in run(search, objective, budget=n, source="toy")]


def test_the_names_of_the_contract_are_registered():
    assert {"default", "random", "local_search", "evolution", "surrogate", "tpe"} <= set(SEARCHES)


@every_strategy
def test_the_same_seed_asks_the_same_and_another_seed_others(start, objective, name):
    first, again, other = (asked_by(start(name, seed=s), objective, 20) for s in (3, 3, 4))
    assert first == again
    assert first != other


@every_strategy
def test_a_generator_is_taken_as_seed(start, objective, name):
    by_seed = asked_by(start(name, seed=5), objective, 12)
    by_generator = asked_by(start(name, seed=np.random.default_rng(5)), objective, 12)
    assert by_seed == by_generator


@every_strategy
def test_reseeding_leads_elsewhere_and_the_same_words_to_the_same(start, objective, name):
    def asked_after(*words):
        search = start(name, seed=3)
        asked_by(search, objective, 3)
        search.reseed(*words)
        return asked_by(search, objective, 12)

    assert asked_after(1, 2) == asked_after(1, 2) != asked_after(1, 3)


@every_strategy
def test_representatives_only_and_no_function_class_twice(start, objective, name):
    asked = asked_by(start(name, seed=0), objective, 40)
    assert all(cell.representative == cell for cell in asked)
    assert len({cell.function_class for cell in asked}) == 40


@every_strategy
def test_a_small_pool_is_measured_to_the_end(start, objective, pool, name):
    representatives = {cell.representative for cell in pool}
    classes = {cell.function_class for cell in representatives}
    assert len(classes) < len(representatives) < len(pool)
    search = start(name, candidates=pool, seed=1)
    asked = asked_by(search, objective, 10_000)
    assert len(asked) == len(representatives)
    assert search.n_functions == len(classes)
    assert set(asked) == representatives
    assert {cell.function_class for cell in asked[: len(classes)]} == classes
    assert search.n_left == 0
    assert search.ask() == []


@every_strategy
def test_a_batch_is_distinct_and_goes_on_after_it_is_told(start, objective, name):
    search = start(name, seed=2)
    batches = []
    for _ in range(4):
        batch = search.ask(8)
        batches += batch
        for cell in reversed(batch):
            search.tell(cell, objective(cell))
    assert len({cell.function_class for cell in batches}) == 32
    assert len(search.values) == 32


@every_strategy
def test_asking_on_without_being_told(start, name):
    search = start(name, seed=0)
    waiting = search.ask(12) + search.ask(13)
    assert len({cell.function_class for cell in waiting}) == 25


@every_strategy
def test_what_failed_counts_as_the_worst_so_far_and_is_not_asked_for_again(start, objective, name):
    search = start(name, seed=4)
    early, *others = search.ask(4)
    search.tell_failed(early)
    assert search.values == {}
    for cell in others:
        search.tell(cell, objective(cell))
    assert search.values[early] == objective(others[0])  # the worst there was by then
    (late,) = search.ask()
    search.tell_failed(late)
    assert search.values[late] == min(search.values.values())
    for cell in (early, late):
        with pytest.raises(InvalidInputError, match="not told before"):
            search.tell(cell, 0.5)
        with pytest.raises(InvalidInputError, match="not told before"):
            search.tell_failed(cell)
    asked = asked_by(search, objective, 30)
    assert not {early, late} & set(asked)
    with pytest.raises(InvalidArchitectureError):
        search.tell_failed("nothing")


@every_strategy
def test_a_search_of_which_every_third_fails_learns_from_the_rest(start, objective, name):
    """It is the search whose failures are told as the worst values, from the first value on."""

    def failing(cell):
        return float("nan") if cell.index % 3 == 0 else objective(cell)

    evaluations = run(start(name, seed=1), failing, budget=25, source="toy")
    assert 0 < sum(e.failed for e in evaluations) < 25
    again = start(name, seed=1)
    told, waiting = [], []
    for evaluation in evaluations:
        assert again.ask() == [evaluation.architecture]
        if evaluation.failed and not told:
            waiting.append(evaluation.architecture)
            continue
        told.append(min(told) if evaluation.failed else evaluation.value)
        again.tell(evaluation.architecture, told[-1])
        for cell in waiting:
            again.tell(cell, told[0])
        waiting = []


@every_strategy
def test_values_are_told_once_and_are_finite(start, name):
    search = start(name, seed=0)
    (cell,) = search.ask()
    for value in (float("nan"), float("inf"), "0.5", None, True, [0.5]):
        with pytest.raises(InvalidInputError, match="value: expected a finite number"):
            search.tell(cell, value)
    search.tell(cell, 0.5)
    with pytest.raises(InvalidInputError, match="not told before"):
        search.tell(cell, 0.5)
    with pytest.raises(InvalidArchitectureError):
        search.tell("nothing", 0.5)


@every_strategy
def test_a_value_of_an_architecture_never_asked_for_is_used(start, objective, name):
    search = start(name, seed=0)
    search.tell("333333", 0.9)
    search.tell(1000, objective(search.space[1000]))
    assert search.values[search.space[1000].representative] == objective(search.space[1000])
    classes = {cell.function_class for cell in asked_by(search, objective, 40)}
    assert not classes & {cell.function_class for cell in list(search.values)[:2]}


@every_strategy
def test_what_somebody_else_measures_is_not_asked_for(start, objective, name):
    search = start(name, seed=0)
    (first,) = start(name, seed=0).ask()
    search.expect(first)
    search.expect(first)  # once more changes nothing
    search.expect(1000)
    asked = asked_by(search, objective, 25)
    expected = {first.function_class, search.space[1000].function_class}
    assert not expected & {cell.function_class for cell in asked}
    search.tell(first, objective(first))
    assert first in search.values
    with pytest.raises(InvalidArchitectureError):
        search.expect("nothing")


@every_strategy
def test_a_told_architecture_outside_the_pool_is_never_asked_for(start, objective, pool, name):
    search = start(name, candidates=pool[:40], seed=0)
    search.tell("333333", 0.9)
    allowed = {cell.representative for cell in pool[:40]}
    assert set(asked_by(search, objective, 30)) <= allowed


@every_strategy
@pytest.mark.parametrize("value", [0.5, 1e-300, -1e300])
def test_constant_values_are_survived(start, name, value):
    assert len(asked_by(start(name, seed=0), lambda _: value, 20)) == 20


@every_strategy
def test_bad_arguments(start, name):
    with pytest.raises(InvalidInputError, match="candidates: expected at least one"):
        start(name, candidates=[], seed=0)
    for n in (0, -1, 1.5, "2", True):
        with pytest.raises(InvalidInputError, match="n: expected an integer of at least 1"):
            start(name, seed=0).ask(n)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "random"])
def test_what_learns_beats_random_search(start, objective, name):
    def best_mean(name):
        runs = [run(start(name, seed=s), objective, budget=40, source="toy") for s in range(3)]
        return np.mean([max(e.value for e in one) for one in runs])

    assert best_mean(name) > best_mean("random")


@every_strategy
def test_what_is_enqueued_is_asked_for_first(start, objective, pool, name):
    search = start(name, candidates=pool, seed=0)
    first, second, *_ = {cell.function_class: cell.representative for cell in pool}.values()
    search.tell(second, 0.5)
    search.enqueue([first.code, second, first])
    asked = asked_by(search, objective, 6)
    assert asked[0] == first
    assert second not in asked
    assert len(set(asked)) == 6
