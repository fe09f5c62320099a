"""Every registered strategy obeys the published laws, and what breaks one is found."""

from contextlib import suppress

import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import SEARCHES, AbstractSearch, RandomSearch
from surrobust.testing import SearchLaws

NAMES = sorted(set(SEARCHES) - {"random", "surrogate", "dsrna", "arnas"})
"""Random search cannot beat itself; the last three are classes of others."""


class TestRandom(SearchLaws):
    test_what_learns_beats_random_search = None

    def make(self, space, **options):
        return RandomSearch(space, **options)


class TestEveryOther(SearchLaws):
    @pytest.fixture(autouse=True, params=NAMES)
    def _named(self, request):
        self.strategy = SEARCHES[request.param]

    def make(self, space, **options):
        return self.strategy(space, **options)


def test_the_names_of_the_contract_are_registered():
    assert {"default", "random", "local_search", "evolution", "surrogate", "tpe"} <= set(SEARCHES)


class Forgetful(RandomSearch):
    """Asks for the same cell for ever."""

    def ask(self, n=1):
        return super().ask(n) if not self.values else list(self.values)[:n]


class Repeating(RandomSearch):
    """Proposes a cell that it proposed before."""

    def _propose(self):
        return next(iter(self.values), None) or self.draw_open()


class Unseeded(RandomSearch):
    """Draws from a generator that is nobody's."""

    drawn = 0

    def _propose(self):
        Unseeded.drawn += 1
        cells = [cell for cell in self.space.representatives() if self.is_open(cell)]
        return cells[Unseeded.drawn * 37 % len(cells)]


class Lenient(RandomSearch):
    """Takes whatever it is told."""

    def tell(self, architecture, value, constraints=()):
        with suppress(InvalidInputError):
            super().tell(architecture, value, constraints)


class Stubborn(AbstractSearch):
    """Goes on with the whole space, whatever the candidates."""

    def __init__(self, space, *, seed=0, **_):
        super().__init__(space, seed=seed)

    def _propose(self):
        return self.draw_open()


@pytest.mark.parametrize(
    ("broken", "law", "error"),
    [
        (Forgetful, "a_small_pool_is_measured_to_the_end", InvalidInputError),
        (Forgetful, "a_batch_is_distinct_and_goes_on_after_it_is_told", InvalidInputError),
        (Repeating, "representatives_only_and_no_function_class_twice", RuntimeError),
        (Unseeded, "the_same_seed_asks_the_same_and_another_seed_others", AssertionError),
        (Lenient, "values_are_told_once_and_are_finite", pytest.fail.Exception),
        (Stubborn, "a_told_architecture_outside_the_pool_is_never_asked_for", AssertionError),
        (RandomSearch, "what_learns_beats_random_search", AssertionError),
    ],
)
def test_a_broken_strategy_is_found(broken, law, error):
    class Laws(SearchLaws):
        def make(self, space, **options):
            return broken(space, **options)

    with pytest.raises(error):
        getattr(Laws(), f"test_{law}")()
