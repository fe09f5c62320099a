"""What every search strategy promises."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from ..errors import InvalidArchitectureError, InvalidInputError
from ..searches import AbstractSearch, RandomSearch, run
from ..spaces import AbstractSearchSpace, Architecture, NASBench201


def smooth(cell: Architecture) -> float:
    """Return a made-up accuracy: convolutions help, more so late in the cell."""
    gain = np.array([-0.02, 0.01, 0.03, 0.05, 0.0])
    return float(0.3 + sum(gain[op] * (1 + 0.1 * e) for e, op in enumerate(cell.ops)))


@cache
def small_pool() -> tuple[Architecture, ...]:
    """Return cells, isomorphic ones among them, of which several compute the same."""
    allowed = (
        cell
        for cell in NASBench201()
        if cell.ops[0] == 1 and max(cell.ops[1], cell.ops[2], cell.ops[5]) <= 1
    )
    return tuple(allowed)[:90]


def asked_by(search: AbstractSearch, n: int) -> list[Architecture]:
    """Return the next ``n`` cells that a strategy asks for while it is told :func:`smooth`."""
    return [e.architecture for e in run(search, smooth, budget=n, source="toy")]


class SearchLaws:
    """Laws of a strategy: derive from this, and say in :meth:`make` how yours is made."""

    def make(
        self, space: AbstractSearchSpace[Architecture], **options: Any
    ) -> AbstractSearch:  # pragma: no cover
        """Return a fresh strategy.

        Args:
            space: The search space.
            options: Any of ``seed`` and ``candidates``.
        """
        raise NotImplementedError

    def _start(self, **options: Any) -> AbstractSearch:
        return self.make(NASBench201(), **options)

    def test_the_same_seed_asks_the_same_and_another_seed_others(self) -> None:
        """What is asked for follows from the seed, and is not the same for all seeds."""
        first, again, other = (asked_by(self._start(seed=s), 20) for s in (3, 3, 4))
        assert first == again
        assert first != other

    def test_a_generator_is_taken_as_seed(self) -> None:
        """A generator made with a seed does what the seed does."""
        by_seed = asked_by(self._start(seed=5), 12)
        by_generator = asked_by(self._start(seed=np.random.default_rng(5)), 12)
        assert by_seed == by_generator

    def test_reseeding_leads_elsewhere_and_the_same_words_to_the_same(self) -> None:
        """After ``reseed`` everything random follows from its words."""

        def asked_after(*words: int) -> list[Architecture]:
            search = self._start(seed=3)
            asked_by(search, 3)
            search.reseed(*words)
            return asked_by(search, 12)

        assert asked_after(1, 2) == asked_after(1, 2) != asked_after(1, 3)

    def test_representatives_only_and_no_function_class_twice(self) -> None:
        """Only representatives are asked for, and none that computes what another did."""
        asked = asked_by(self._start(seed=0), 40)
        assert all(cell.representative == cell for cell in asked)
        assert len({cell.function_class for cell in asked}) == 40

    def test_a_small_pool_is_measured_to_the_end(self) -> None:
        """Every representative of the candidates is asked for once, each function first."""
        pool = small_pool()
        representatives = {cell.representative for cell in pool}
        classes = {cell.function_class for cell in representatives}
        assert len(classes) < len(representatives) < len(pool)
        search = self._start(candidates=pool, seed=1)
        asked = asked_by(search, 10_000)
        assert len(asked) == len(representatives)
        assert search.n_functions == len(classes)
        assert set(asked) == representatives
        assert {cell.function_class for cell in asked[: len(classes)]} == classes
        assert search.n_left == 0
        assert search.ask() == []

    def test_a_batch_is_distinct_and_goes_on_after_it_is_told(self) -> None:
        """Cells of a batch compute different things, told in whatever order."""
        search = self._start(seed=2)
        batches = []
        for _ in range(4):
            batch = search.ask(8)
            batches += batch
            for cell in reversed(batch):
                search.tell(cell, smooth(cell))
        assert len({cell.function_class for cell in batches}) == 32
        assert len(search.values) == 32

    def test_asking_on_without_being_told(self) -> None:
        """Nothing need be told before more is asked for."""
        search = self._start(seed=0)
        waiting = search.ask(12) + search.ask(13)
        assert len({cell.function_class for cell in waiting}) == 25

    def test_what_failed_counts_as_the_worst_so_far_and_is_not_asked_for_again(self) -> None:
        """A failure is learnt as the worst value that was told by then."""
        search = self._start(seed=4)
        early, *others = search.ask(4)
        search.tell_failed(early)
        assert search.values == {}
        for cell in others:
            search.tell(cell, smooth(cell))
        assert search.values[early] == smooth(others[0])  # the worst there was by then
        (late,) = search.ask()
        search.tell_failed(late)
        assert search.values[late] == min(search.values.values())
        for cell in (early, late):
            with pytest.raises(InvalidInputError, match="not told before"):
                search.tell(cell, 0.5)
            with pytest.raises(InvalidInputError, match="not told before"):
                search.tell_failed(cell)
        asked = asked_by(search, 30)
        assert not {early, late} & set(asked)
        with pytest.raises(InvalidArchitectureError):
            search.tell_failed("nothing")

    def test_a_search_of_which_every_third_fails_learns_from_the_rest(self) -> None:
        """It is the search whose failures are told as the worst values, from the first value on."""

        def failing(cell: Architecture) -> float:
            return float("nan") if cell.index % 3 == 0 else smooth(cell)

        evaluations = run(self._start(seed=1), failing, budget=25, source="toy")
        assert 0 < sum(e.failed for e in evaluations) < 25
        again = self._start(seed=1)
        told: list[float] = []
        waiting = []
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

    def test_values_are_told_once_and_are_finite(self) -> None:
        """What is no finite number, or told before, is refused."""
        search = self._start(seed=0)
        (cell,) = search.ask()
        wrong: list[Any] = [float("nan"), float("inf"), "0.5", None, True, [0.5]]
        for value in wrong:
            with pytest.raises(InvalidInputError, match="value: expected a finite number"):
                search.tell(cell, value)
        search.tell(cell, 0.5)
        with pytest.raises(InvalidInputError, match="not told before"):
            search.tell(cell, 0.5)
        with pytest.raises(InvalidArchitectureError):
            search.tell("nothing", 0.5)

    def test_a_value_of_an_architecture_never_asked_for_is_used(self) -> None:
        """Values may be told of any cell, which is not asked for afterwards."""
        search = self._start(seed=0)
        one, two = (Architecture.parse(cell) for cell in ("333333", 1000))
        search.tell(one.code, 0.9)
        search.tell(two.index, smooth(two))
        assert search.values[two.representative] == smooth(two)
        classes = {cell.function_class for cell in asked_by(search, 40)}
        assert not classes & {one.function_class, two.function_class}

    def test_what_somebody_else_measures_is_not_asked_for(self) -> None:
        """What is expected is not asked for, and may be told."""
        search = self._start(seed=0)
        (first,) = self._start(seed=0).ask()
        search.expect(first)
        search.expect(first)  # once more changes nothing
        search.expect(1000)
        asked = asked_by(search, 25)
        expected = {first.function_class, Architecture.parse(1000).function_class}
        assert not expected & {cell.function_class for cell in asked}
        search.tell(first, smooth(first))
        assert first in search.values
        with pytest.raises(InvalidArchitectureError):
            search.expect("nothing")

    def test_a_told_architecture_outside_the_pool_is_never_asked_for(self) -> None:
        """Nothing but candidates is asked for, however good another was."""
        candidates = small_pool()[:40]
        search = self._start(candidates=candidates, seed=0)
        search.tell("333333", 0.9)
        allowed = {cell.representative for cell in candidates}
        asked = asked_by(search, 30)
        assert asked
        assert set(asked) <= allowed

    @pytest.mark.parametrize("value", [0.5, 1e-300, -1e300])
    def test_constant_values_are_survived(self, value: float) -> None:
        """Values that are all the same, tiny or huge, end no search."""
        found = run(self._start(seed=0), lambda _: value, budget=20, source="toy")
        assert len(found) == 20

    def test_bad_arguments(self) -> None:
        """No candidates, and batches that are no number of cells, are refused."""
        with pytest.raises(InvalidInputError, match="candidates: expected at least one"):
            self._start(candidates=[], seed=0)
        wrong: list[Any] = [0, -1, 1.5, "2", True]
        for n in wrong:
            with pytest.raises(InvalidInputError, match="n: expected an integer of at least 1"):
                self._start(seed=0).ask(n)

    def test_what_learns_beats_random_search(self) -> None:
        """The best of 40 measurements is better than random search's, over three seeds."""

        def mean_best(searches: Sequence[AbstractSearch]) -> float:
            runs = [run(search, smooth, budget=40, source="toy") for search in searches]
            return float(np.mean([max(e.value for e in one) for one in runs]))

        by_chance = [RandomSearch(NASBench201(), seed=s) for s in range(3)]
        assert mean_best([self._start(seed=s) for s in range(3)]) > mean_best(by_chance)

    def test_what_is_enqueued_is_asked_for_first(self) -> None:
        """What is enqueued comes first, unless its value is known, and once."""
        pool = small_pool()
        search = self._start(candidates=pool, seed=0)
        first, second, *_ = {cell.function_class: cell.representative for cell in pool}.values()
        search.tell(second, 0.5)
        search.enqueue([first.code, second, first])
        asked = asked_by(search, 6)
        assert asked[0] == first
        assert second not in asked
        assert len(set(asked)) == 6
