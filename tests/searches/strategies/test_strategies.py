"""Each strategy on a landscape small enough to follow by hand."""

import numpy as np

from surrobust.processes.groups import function_groups
from surrobust.searches import (
    GuidedSearch,
    LocalSearch,
    RandomSearch,
    RegularizedEvolution,
    TPESearch,
)
from surrobust.spaces import Architecture


def cells(*codes):
    return [Architecture.parse(code).representative for code in codes]


def test_random_search_draws_every_candidate_equally_often(space):
    candidates = cells("000100", "000200", "000300", "000400")
    firsts = [RandomSearch(space, candidates=candidates, seed=s).ask()[0] for s in range(200)]
    counts = [firsts.count(cell) for cell in candidates]
    assert sum(counts) == 200
    assert min(counts) > 30


def test_local_search_measures_the_neighbours_of_the_best(space):
    search = LocalSearch(space, n_initial=2, seed=0)
    first, second = search.ask(2)
    search.tell(first, 0.2)
    search.tell(second, 0.8)
    around = {c.function_class for c in space.neighbours(second)}
    third = search.ask()[0]
    assert third.function_class in around
    # A worse neighbour: the walk stays with the second.
    search.tell(third, 0.1)
    assert search.ask()[0].function_class in around


def test_local_search_moves_to_a_better_neighbour_at_once(space):
    search = LocalSearch(space, n_initial=1, seed=0)
    (first,) = search.ask()
    search.tell(first, 0.5)
    (better,) = search.ask()
    search.tell(better, 0.6)
    following = search.ask()[0]
    assert following.function_class in {c.function_class for c in space.neighbours(better)}


def test_local_search_goes_on_from_the_next_best_when_a_neighbourhood_is_known(space):
    centre = Architecture.parse("333333").representative
    ring = {c.representative for c in space.neighbours(centre)}
    far = Architecture.parse("222222").representative
    search = LocalSearch(space, n_initial=1, candidates=[centre, *ring, far], seed=0)
    search.tell(centre, 1.0)
    search.tell(far, 0.9)
    walked = set()
    while len(walked) < len(ring) and search.n_left:
        (cell,) = search.ask()
        walked.add(cell)
        search.tell(cell, 0.1)
    assert walked <= ring
    assert search.ask() == []


def test_evolution_lets_the_oldest_die(space):
    search = RegularizedEvolution(space, population=2, sample=2, seed=0)
    best, middle, young = cells("000300", "333333", "222222")
    for cell, value in ((best, 0.9), (middle, 0.5), (young, 0.4)):
        search.tell(cell, value)
    # The best is the oldest of three and gone: the child is a mutant of the second.
    child = search.ask()[0]
    assert child.function_class in {c.function_class for c in space.neighbours(middle)}


def test_evolution_starts_with_a_random_population(space):
    search = RegularizedEvolution(space, population=6, sample=3, seed=4)
    reference = RandomSearch(space, seed=4)
    for _ in range(6):
        assert search.ask() == reference.ask()


def test_tpe_is_told_what_a_repeated_suggestion_is_worth(space):
    search = TPESearch(space, n_initial=1, max_repeats=50, candidates=cells("000300"), seed=0)
    (only,) = search.ask()
    search.tell(only, 0.7)
    known = [t for t in search._study.trials if t.value is not None]
    assert [t.value for t in known] == [0.7]
    assert search.ask() == []


def test_tpe_learns_values_it_did_not_ask_for(space):
    search = TPESearch(space, seed=0)
    search.tell("333333", 0.7)
    (trial,) = search._study.trials
    assert trial.value == 0.7
    assert set(trial.params.values()) == {"nor_conv_3x3"}


class Oracle:
    """A model that knows the number of 3x3 convolutions and nothing else."""

    def fit(self, _, y):
        self.n_ = len(y)

    def predict(self, architectures):
        self.shown_ = architectures
        return np.array([float(c.ops.count(3)) for c in architectures])

    def predict_std(self, architectures):
        return np.full(len(architectures), 1e-9)


def test_a_guided_search_asks_for_what_its_model_predicts_best(space):
    search = GuidedSearch(space, model=Oracle(), n_initial=2, seed=0)
    for value in (0.1, 0.2):
        search.tell(search.ask()[0], value)
    asked = search.ask(3)
    assert asked[0] == Architecture.parse("333333")
    # What is predicted is the lead of a function; which of its cells is asked for is drawn.
    counts = {lead.function_class: lead.ops.count(3) for lead in search.model.shown_}
    assert [counts[c.function_class] for c in asked[1:]] == [5, 5]
    assert search.model.n_ == 4  # the two awaited count as predicted


def test_a_prior_opens_a_guided_search_with_its_best(space):
    search = GuidedSearch(space, prior=Oracle(), seed=0)
    assert search.ask()[0] == Architecture.parse("333333")


def test_the_initial_design_is_spread_over_what_cells_compute(space):
    def spread(name_or_class, seed):
        asked = name_or_class(space, seed=seed).ask(10)
        rows = function_groups().encode(asked)
        return np.mean([((rows[i] - rows[j]) ** 2).sum() for i in range(10) for j in range(i)])

    guided = np.mean([spread(GuidedSearch, s) for s in range(5)])
    assert guided > 1.2 * np.mean([spread(RandomSearch, s) for s in range(5)])


def test_the_initial_design_draws_cells_and_not_functions(space):
    # 460 cells compute a lone 3x3 convolution, a single one computes the other function.
    common, rare = cells("000300", "333333")
    firsts = [GuidedSearch(space, candidates=[common, rare], seed=s).ask()[0] for s in range(60)]
    assert firsts.count(common) > 45
