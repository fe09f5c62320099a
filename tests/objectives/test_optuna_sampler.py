"""The sampler in studies that users already have."""

import threading

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import TrialState

from surrobust.errors import InvalidInputError
from surrobust.objectives.optuna_edges import read_cell, read_edge
from surrobust.objectives.optuna_sampler import SurrobustSampler, suggest_architecture
from surrobust.spaces import EDGES, OPS, Architecture

NNI_OPS = tuple(op.removeprefix("nor_") for op in OPS)
CONV = ("nor_conv_1x1", "nor_conv_3x3")


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def smooth(cell: Architecture) -> float:
    gain = (-0.02, 0.01, 0.03, 0.05, 0.0)
    return 0.3 + sum(gain[op] * (1 + 0.1 * e) for e, op in enumerate(cell.ops))


def objective(trial):
    return smooth(suggest_architecture(trial))


def make_study(sampler, direction="maximize", **options):
    return optuna.create_study(direction=direction, sampler=sampler, **options)


def cells_of(study):
    return [read_cell(trial.params) for trial in study.trials]


def test_edges_are_read_by_the_names_of_three_packages():
    ours, nni, syne = (CategoricalDistribution(ops) for ops in (OPS, NNI_OPS, OPS))
    for position, (source, target) in enumerate(EDGES):
        for name in (f"{source}->{target}", f"cell/{source}->{target}"):
            assert read_edge(name, ours).position == position
        for name in (f"{source}_{target}", f"model/cell/{source}_{target}"):
            assert read_edge(name, nni).choices == dict(enumerate(NNI_OPS))
        assert read_edge(f"hp_x{position}", syne).ops == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("lr", CategoricalDistribution(OPS)),
        ("1->0", CategoricalDistribution(OPS)),
        ("hp_x6", CategoricalDistribution(OPS)),
        ("0->12", CategoricalDistribution(OPS)),
        ("0_1", CategoricalDistribution((*OPS, "sep_conv_3x3"))),
        ("0_1", CategoricalDistribution((0, 1, 2))),
        ("0_1", IntDistribution(0, 4)),
    ],
)
def test_what_is_no_edge(name, distribution):
    assert read_edge(name, distribution) is None


def test_a_cell_is_read_whole_or_not_at_all():
    params = {f"0_{t}": "conv_3x3" for t in (1, 2, 3)}
    assert read_cell(params) is None
    params |= {"1_2": "none", "1_3": "skip_connect", "2_3": "avg_pool_3x3", "lr": 0.1}
    assert read_cell(params) == Architecture.parse("330314")


@pytest.mark.parametrize(
    ("names", "ops"),
    [
        ([f"cell/{s}_{t}" for s, t in EDGES], NNI_OPS),
        ([f"hp_x{i}" for i in range(6)], OPS),
    ],
)
def test_other_packages_names_are_sampled(names, ops):
    study = make_study(SurrobustSampler("random", seed=0))
    reference = make_study(SurrobustSampler("random", seed=0))
    study.optimize(lambda t: len({t.suggest_categorical(n, ops) for n in names}), n_trials=5)
    reference.optimize(objective, n_trials=5)
    assert cells_of(study) == cells_of(reference)


@pytest.mark.parametrize("strategy", ["default", "evolution", "local_search", "tpe"])
def test_it_beats_random_sampling(strategy):
    def best(sampler):
        study = make_study(sampler)
        study.optimize(objective, n_trials=35)
        return study.best_value

    seeds = range(2 if strategy == "default" else 4)
    ours = np.mean([best(SurrobustSampler(strategy, seed=s)) for s in seeds])
    theirs = np.mean([best(optuna.samplers.RandomSampler(seed=s)) for s in seeds])
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
    class Fixed(optuna.samplers.RandomSampler):
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
        names = [f"{s}->{t}" for s, t in EDGES]
        ops = [trial.suggest_categorical(n, CONV if n < "1" else OPS) for n in names]
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


def test_a_space_that_is_used_up():
    def tiny(trial):
        for source, target in EDGES:
            trial.suggest_categorical(f"{source}->{target}", CONV if target == 1 else ["none"])
        return 0.0

    study = make_study(SurrobustSampler("random", seed=0))
    study.optimize(tiny, n_trials=5)
    assert len(study.trials) == 5


def test_failed_and_pruned_trials():
    def troubled(trial):
        value = objective(trial)
        if trial.number % 3 == 1:
            raise optuna.TrialPruned
        if trial.number % 3 == 2:
            raise ZeroDivisionError
        return value

    study = make_study(SurrobustSampler(seed=0))
    study.optimize(troubled, n_trials=24, catch=(ZeroDivisionError,))
    states = [trial.state for trial in study.trials]
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert len({cell.function_class for cell in cells_of(study)}) == 24
    study.sampler._follower._read(-1)
    values = study.sampler._follower._search.values
    told = {cell.code: value for cell, value in values.items()}
    for trial, cell in zip(study.trials, cells_of(study), strict=True):
        if trial.state == TrialState.FAIL:
            assert cell.code not in told
        elif trial.state == TrialState.PRUNED:
            assert told[cell.code] in {t.value for t in study.trials}
        else:
            assert told[cell.code] == trial.value


def test_infinite_values_and_repeated_cells():
    study = make_study(SurrobustSampler(seed=0))
    for value in (float("inf"), 0.2):
        study.enqueue_trial({f"{s}->{t}": "nor_conv_3x3" for s, t in EDGES})
        study.optimize(lambda t, value=value: (suggest_architecture(t), value)[1], n_trials=1)
    study.optimize(objective, n_trials=13)
    cells = cells_of(study)
    assert cells[0] == cells[1] == Architecture.parse("333333")
    assert cells[0] not in cells[2:]


def test_a_trial_that_is_enqueued_in_part():
    study = make_study(SurrobustSampler("random", seed=0))
    study.enqueue_trial({"0->1": "none"})
    study.optimize(objective, n_trials=2)
    assert study.trials[0].params["0->1"] == "none"


@pytest.mark.parametrize("strategy", ["random", "evolution"])
def test_a_resumed_study_goes_on_as_if_never_interrupted(strategy):
    def study_in(storage):
        sampler = SurrobustSampler(strategy, seed=5)
        return make_study(sampler, storage=storage, study_name="s", load_if_exists=True)

    whole = study_in(optuna.storages.InMemoryStorage())
    whole.optimize(objective, n_trials=30)
    storage = optuna.storages.InMemoryStorage()
    study_in(storage).optimize(objective, n_trials=25)
    part = study_in(storage)
    part.optimize(objective, n_trials=5)
    assert cells_of(part) == cells_of(whole)


def test_processes_that_share_a_study_know_each_others_running_trials(tmp_path):
    path = str(tmp_path / "journal")
    storages = [
        optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path))
        for _ in range(2)
    ]
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


def test_a_sampler_in_another_study_begins_anew():
    sampler = SurrobustSampler("random", seed=0)
    first, second = make_study(sampler), make_study(sampler)
    first.optimize(objective, n_trials=3)
    second.optimize(objective, n_trials=3)
    assert cells_of(first) == cells_of(second)


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


def two(trial):
    cell = suggest_architecture(trial)
    return smooth(cell), cell.ops.count(3)


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
