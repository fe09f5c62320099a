"""The sampler in studies that users already have."""

import copy
import io
import logging
import multiprocessing
import pickle
import threading
import warnings

import joblib
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import NSGAIISampler, PartialFixedSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from optuna_studies import (
    NAMES,
    cell_of,
    cells_of,
    make_study,
    n_functions,
    objective,
    smooth,
    told,
    two,
    work,
)

from surrobust.errors import InvalidInputError
from surrobust.sessions.studies.sampler import SurrobustSampler, suggest_architecture
from surrobust.spaces import EDGES, OPS

NNI_OPS = tuple(op.removeprefix("nor_") for op in OPS)
CONV = ("nor_conv_1x1", "nor_conv_3x3")

pytestmark = [
    pytest.mark.usefixtures("quiet"),
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
]


@pytest.mark.parametrize(
    ("names", "ops", "place"),
    [
        ([f"cell/{s}_{t}" for s, t in EDGES], NNI_OPS, "cell/"),
        ([f"cell__{s}_{t}" for s, t in EDGES], NNI_OPS, "cell__"),
        ([f"hp_x{i}" for i in range(6)], OPS, ""),
    ],
)
def test_other_packages_names_are_sampled(names, ops, place):
    study = make_study(SurrobustSampler("random", seed=0))
    reference = make_study(SurrobustSampler("random", seed=0))
    study.optimize(lambda t: len({t.suggest_categorical(n, ops) for n in names}), n_trials=5)
    reference.optimize(objective, n_trials=5)
    assert cells_of(study, place) == cells_of(reference)


@pytest.mark.parametrize("strategy", ["default", "evolution", "local_search", "tpe"])
def test_it_beats_random_sampling(strategy):
    def best(sampler):
        study = make_study(sampler)
        study.optimize(objective, n_trials=35)
        return study.best_value

    seeds = range(2 if strategy == "default" else 4)
    ours = np.mean([best(SurrobustSampler(strategy, seed=s)) for s in seeds])
    theirs = np.mean([best(RandomSampler(seed=s)) for s in seeds])
    assert ours > theirs + 0.01


def test_no_function_is_sampled_twice():
    study = make_study(SurrobustSampler(seed=1))
    study.optimize(objective, n_trials=25)
    assert len({cell.function_class for cell in cells_of(study)}) == 25


def test_minimising_the_negative_samples_the_same():
    up = make_study(SurrobustSampler(seed=2))
    up.optimize(objective, n_trials=16)
    down = make_study(SurrobustSampler(seed=2), direction="minimize")
    down.optimize(lambda trial: -objective(trial), n_trials=16)
    assert cells_of(up) == cells_of(down)


class ThreeByThree:
    """A prior that counts 3x3 convolutions."""

    def predict(self, architectures):
        return np.array([cell.ops.count(3) for cell in architectures], dtype=float)


def test_a_prior_opens_the_study_in_either_direction():
    for direction, ops in (("maximize", {3}), ("minimize", {0, 1, 2, 4})):
        study = make_study(SurrobustSampler(prior=ThreeByThree()), direction=direction)
        study.optimize(objective, n_trials=1)
        assert set(cells_of(study)[0].ops) <= ops


def test_other_parameters_go_to_the_other_sampler():
    class Fixed(RandomSampler):
        def sample_independent(self, study, trial, name, distribution):
            return (
                0.25
                if name == "lr"
                else super().sample_independent(study, trial, name, distribution)
            )

    def with_more(trial):
        optimiser = trial.suggest_categorical("optimiser", ["sgd", "adam"])
        return objective(trial) + trial.suggest_float("lr", 0, 1) + (optimiser == "sgd")

    study = make_study(SurrobustSampler("random", seed=0, independent_sampler=Fixed(seed=0)))
    study.optimize(with_more, n_trials=8)
    assert {trial.params["lr"] for trial in study.trials} == {0.25}
    assert {trial.params["optimiser"] for trial in study.trials} == {"sgd", "adam"}
    study = make_study(SurrobustSampler(seed=0))
    study.optimize(with_more, n_trials=13)
    assert len({trial.params["lr"] for trial in study.trials}) == 13
    assert len({cell.function_class for cell in cells_of(study)}) == 13


def test_only_cells_with_the_choices_of_the_study():
    def restricted(trial):
        ops = [trial.suggest_categorical(n, CONV if n < "1" else OPS) for n in NAMES]
        return float(ops.count("nor_conv_3x3"))

    study = make_study(SurrobustSampler("random", seed=0))
    study.optimize(restricted, n_trials=12)
    later = make_study(SurrobustSampler("random", seed=1))
    for trial in study.trials:
        later.add_trial(trial)
    later.optimize(restricted, n_trials=12)
    cells = cells_of(later)
    assert len({cell.function_class for cell in cells[1:12]}) == 11
    assert len({cell.function_class for cell in cells[1:]}) == 23


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_resumed_study_goes_on_as_if_never_interrupted(strategy):
    def study_in(storage):
        sampler = SurrobustSampler(strategy, seed=5)
        return make_study(sampler, storage=storage, study_name="s", load_if_exists=True)

    whole = study_in(InMemoryStorage())
    whole.optimize(objective, n_trials=30)
    storage = InMemoryStorage()
    study_in(storage).optimize(objective, n_trials=25)
    part = study_in(storage)
    part.optimize(objective, n_trials=5)
    assert cells_of(part) == cells_of(whole)


def test_processes_that_share_a_study_know_each_others_running_trials(tmp_path):
    path = str(tmp_path / "journal")
    storages = [JournalStorage(JournalFileBackend(path)) for _ in range(2)]
    studies = [
        make_study(SurrobustSampler(seed=0), storage=s, study_name="s", load_if_exists=True)
        for s in storages
    ]
    cells = []
    for _ in range(9):
        for study in studies:
            trial = study.ask()
            cells.append(suggest_architecture(trial))
            if len(cells) % 3:
                study.tell(trial, smooth(cells[-1]))
    assert len({cell.function_class for cell in cells}) == 18


def test_threads_sample_different_cells():
    study, barrier = make_study(SurrobustSampler(seed=0)), threading.Barrier(3)

    def together(trial):
        value = objective(trial)
        barrier.wait(timeout=300)
        return value

    study.optimize(together, n_trials=15, n_jobs=3)
    assert len({cell.function_class for cell in cells_of(study)}) == 15


def test_no_seed_draws_one():
    studies = [make_study(SurrobustSampler("random", seed=None)) for _ in range(2)]
    for study in studies:
        study.optimize(objective, n_trials=3)
    assert cells_of(studies[0]) != cells_of(studies[1])


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="strategy: expected one of"):
        SurrobustSampler("annealing")
    with pytest.raises(InvalidInputError, match="prior: expected none with strategy random"):
        SurrobustSampler("random", prior=ThreeByThree())
    with pytest.raises(InvalidInputError, match="strategy: expected one of default"):
        SurrobustSampler("tpe", constraints_func=few)


@pytest.mark.parametrize(
    "fixed", [{"0->4": "none"}, {"0->1": "sep_conv"}, {"0->1": 3}, ["0->1"], "0->1", 7]
)
def test_fixed_edges_that_are_none(fixed):
    with pytest.raises(InvalidInputError, match="fixed: expected ops by edges"):
        SurrobustSampler("random", fixed=fixed)


@pytest.mark.parametrize("strategy", ["default", "nsga2", "random"])
def test_studies_of_several_objectives(strategy):
    def trials(n_before):
        study = optuna.create_study(
            directions=["maximize", "minimize"], sampler=SurrobustSampler(strategy, seed=3)
        )
        study.optimize(two, n_trials=n_before)
        study.sampler = SurrobustSampler(strategy, seed=3)  # as after a restart
        study.optimize(two, n_trials=16 - n_before)
        return [trial.params for trial in study.trials], study

    params, study = trials(16)
    assert params == trials(12)[0]
    assert len({cell.function_class for cell in cells_of(study)}) == 16


def test_a_direction_to_be_minimised_is_minimised_beside_another():
    study = optuna.create_study(
        directions=["minimize", "minimize"], sampler=SurrobustSampler("default")
    )

    def both(trial):
        cell = suggest_architecture(trial)
        return -smooth(cell), -smooth(cell)

    study.optimize(both, n_trials=22)
    found = [-trial.values[0] for trial in study.trials]
    assert np.mean(found[14:]) > np.mean(found[:10]) + 0.05


def test_a_strategy_for_one_objective_is_refused_with_several():
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=SurrobustSampler("tpe")
    )
    with pytest.raises(InvalidInputError, match="strategy: expected one of default"):
        study.optimize(two, n_trials=1)


def restarted(sampler):
    return pickle.loads(pickle.dumps(sampler))


def through_joblib(sampler):
    file = io.BytesIO()
    joblib.dump(sampler, file)
    return joblib.load(file)


@pytest.mark.parametrize("again", [restarted, copy.deepcopy, through_joblib])
@pytest.mark.parametrize(
    "strategy", ["default", "surrogate", "local_search", "evolution", "tpe", "nsga2"]
)
def test_a_sampler_that_was_copied_goes_on_as_it_would_have(strategy, again):
    def troubled(trial):
        values = two(trial)
        if trial.number % 5 == 3:
            raise optuna.TrialPruned
        return values if strategy == "nsga2" else values[0]

    def params(n_before):
        directions = ["maximize", "minimize"] if strategy == "nsga2" else ["maximize"]
        sampler = SurrobustSampler(strategy, seed=3, prior=prior)
        study = optuna.create_study(directions=directions, sampler=sampler)
        study.optimize(troubled, n_trials=n_before)
        study.sampler = again(study.sampler)
        study.optimize(troubled, n_trials=22 - n_before)
        return [trial.params for trial in study.trials]

    prior = ThreeByThree() if strategy == "default" else None
    assert params(15) == params(0)


@pytest.mark.parametrize("again", [restarted, copy.deepcopy])
def test_a_sampler_that_was_copied_in_the_middle_of_a_cell_finishes_it(again):
    def asked(restart):
        study = make_study(SurrobustSampler("random", seed=0))
        trial = study.ask()
        for position, name in enumerate(NAMES):
            if restart and position == 3:
                study.sampler = again(study.sampler)
            trial.suggest_categorical(name, OPS)
        return trial.params

    assert asked(True) == asked(False)


def test_a_sampler_is_pickled_while_others_ask():
    study, sizes = make_study(SurrobustSampler(seed=0)), []
    note = [lambda study, _: sizes.append(len(pickle.dumps(study.sampler)))]
    study.optimize(objective, n_trials=16, n_jobs=2, callbacks=note)
    assert len(sizes) == 16
    assert n_functions(study) == 16


def test_one_sampler_serves_several_studies_as_samplers_of_their_own_would():
    def run(*studies):
        for _ in range(24):
            for study in studies:
                study.optimize(
                    lambda t: -objective(t) if t.study.direction == 1 else objective(t), 1
                )
        return [cells_of(study) for study in studies]

    def studies(samplers):
        directions = ["maximize", "minimize", "maximize"] * 3
        return [
            make_study(sampler, direction, study_name="s", storage=InMemoryStorage())
            for sampler, direction in zip(samplers, directions, strict=True)
        ]

    shared = run(*studies([SurrobustSampler("evolution", seed=4)] * 9))
    assert shared == run(*studies([SurrobustSampler("evolution", seed=4) for _ in range(9)]))


def test_a_study_that_was_deleted_and_made_anew(tmp_path):
    # SQLite gives the ids of what was deleted to what comes next.
    storage = optuna.storages.RDBStorage(f"sqlite:///{tmp_path / 'studies.db'}")
    sampler, first = SurrobustSampler("evolution", seed=0), None
    for _ in range(2):
        study = make_study(sampler, storage=storage, study_name="s")
        study.optimize(objective, n_trials=22)
        first = first or cells_of(study)
        assert cells_of(study) == first
        optuna.delete_study(study_name="s", storage=storage)


def test_two_cells_in_one_trial_are_refused():
    def both(trial):
        return float(
            len({trial.suggest_categorical(f"{p}/0_{t}", OPS) for p in "ab" for t in "12"})
        )

    study = make_study(SurrobustSampler("random"))
    with pytest.raises(InvalidInputError, match="expected the edges of one cell, got a/0_1 and b/"):
        study.optimize(both, n_trials=1)


def bowl(trial):
    return (trial.suggest_float("x", -5, 5) - 1) ** 2 + trial.suggest_float("y", -5, 5) ** 2


@pytest.mark.parametrize(
    "other",
    [
        lambda: TPESampler(seed=0, multivariate=True),
        lambda: NSGAIISampler(seed=0, population_size=6),
        lambda: PartialFixedSampler({"x": 1.0}, TPESampler(seed=0, multivariate=True)),
        lambda: RandomSampler(seed=0),
    ],
)
def test_what_is_no_edge_is_sampled_as_if_there_were_no_edges(other):
    def sampled(objective, sampler):
        study = optuna.create_study(sampler=sampler)
        study.optimize(objective, n_trials=25)
        return [(trial.params["x"], trial.params["y"]) for trial in study.trials]

    def beside(trial):
        suggest_architecture(trial)
        return bowl(trial)

    ours = SurrobustSampler("random", independent_sampler=other())
    assert sampled(beside, ours) == sampled(bowl, other())


class Eager(RandomSampler):
    """Samples ``x`` and an edge relatively, whatever is asked for, and notes its calls."""

    def __init__(self):
        super().__init__(seed=0)
        self.calls = []

    def infer_relative_search_space(self, _study, _trial):
        return {"x": FloatDistribution(0, 1), "0->1": CategoricalDistribution(OPS)}

    def sample_relative(self, _study, _trial, search_space):
        self.calls.append(sorted(search_space))
        return {"x": 0.25, "0->1": OPS[4]}

    def before_trial(self, _study, _trial):
        self.calls.append("before")

    def after_trial(self, _study, _trial, state, values):
        self.calls.append((state, values))

    def reseed_rng(self):
        self.calls.append("reseed")


def test_the_other_sampler_hears_of_everything_but_the_edges():
    other = Eager()
    study = make_study(SurrobustSampler("random", independent_sampler=other))
    study.optimize(lambda t: objective(t) + t.suggest_float("x", 0, 1), n_trials=1)
    study.sampler.reseed_rng()
    (value,) = (trial.value for trial in study.trials)
    assert other.calls == ["before", ["x"], (TrialState.COMPLETE, [value]), "reseed"]
    alone = make_study(SurrobustSampler("random"))
    alone.optimize(objective, n_trials=1)
    assert study.trials[0].params == {"x": 0.25} | alone.trials[0].params


def few(trial):
    """Return one constraint: at most one 3x3 convolution."""
    return (cell_of(trial.params).ops.count(3) - 1.0,)


def constrained(how, strategy="default"):
    """Return a sampler and an objective whose trials carry a constraint."""

    def setting(trial):
        value = objective(trial)
        trial.set_constraint("few", few(trial)[0])
        return value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Optuna 5 deprecates, Optuna 4 has nothing else for
        other = TPESampler(seed=0, constraints_func=few)
    if how == "here":
        return SurrobustSampler(strategy, seed=0, constraints_func=few), objective
    if how == "other":
        return SurrobustSampler(strategy, seed=0, independent_sampler=other), objective
    if not hasattr(optuna.trial.Trial, "set_constraint"):
        pytest.skip("Optuna has Trial.set_constraint since 5")
    return SurrobustSampler(strategy, seed=0), setting


@pytest.mark.parametrize("how", ["here", "other", "trial"])
def test_constraints_are_kept(how):
    sampler, run = constrained(how)
    study = make_study(sampler)
    study.optimize(run, n_trials=32)
    assert sum(few(trial)[0] <= 0 for trial in study.trials[12:]) >= 18


@pytest.mark.parametrize("how", ["other", "trial"])
def test_a_strategy_without_constraints_is_refused_where_there_are(how):
    sampler, run = constrained(how, "evolution")
    with pytest.raises(InvalidInputError, match="strategy: expected one of default"):
        make_study(sampler).optimize(run, n_trials=2)


def test_constraints_that_are_infinite_or_of_pruned_trials():
    def limits(trial):
        first = cell_of(trial.params).ops[0]
        return (*few(trial), float("inf") if first == 0 else -float("inf"))

    def troubled(trial):
        cell = suggest_architecture(trial)
        if trial.number % 4 == 2:
            raise optuna.TrialPruned
        return smooth(cell), cell.ops.count(2)

    sampler = SurrobustSampler(seed=0, constraints_func=limits)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(troubled, n_trials=32)
    assert sum(max(limits(trial)) <= 0 for trial in study.trials[16:]) >= 13
    assert len(told(study)) == 32


def test_a_whole_cell_that_waits_is_not_asked_for():
    first = make_study(SurrobustSampler("zero_cost"))
    first.optimize(objective, n_trials=1)
    study = make_study(SurrobustSampler("zero_cost"))
    trial = study.ask()
    study.enqueue_trial(first.best_params)
    assert suggest_architecture(trial) != cells_of(first)[0]


@pytest.mark.parametrize("relative", [False, True])
def test_what_nearly_is_an_edge_is_told_of_once(caplog, relative):
    def nearly(trial):
        trial.suggest_categorical("op_0_1", OPS)
        trial.suggest_categorical("0->2", [0, 1, 2, 3, 4])
        return trial.suggest_float("lr", 0, 1)

    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(nearly, n_trials=12 if relative else 0)
    other = TPESampler(seed=0, multivariate=relative)
    study.sampler = SurrobustSampler("random", independent_sampler=other)
    study.optimize(nearly, n_trials=3)
    assert sorted(message.split(";")[1] for message in caplog.messages) == [
        " it goes to TPESampler",
        " it goes to TPESampler",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_edges_of_several_trials_may_be_asked_for_in_turn():
    study = make_study(SurrobustSampler(seed=0))
    for _ in range(5):
        trials = [study.ask() for _ in range(3)]
        for name in NAMES:
            for trial in trials:
                trial.suggest_categorical(name, OPS)
        for trial in reversed(trials):
            study.tell(trial, smooth(cell_of(trial.params)))
    assert n_functions(study) == 15


def test_processes_do_not_evaluate_one_function_twice(tmp_path):
    path = str(tmp_path / "journal")
    storage = JournalStorage(JournalFileBackend(path))
    study = make_study(RandomSampler(seed=0), storage=storage, study_name="s")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(path, 12)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert n_functions(study) == 24
