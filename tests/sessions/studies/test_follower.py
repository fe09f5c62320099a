"""What strategies learn from studies."""

import optuna
import pytest
from optuna.samplers import PartialFixedSampler, RandomSampler
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
)

from surrobust.sessions.studies.sampler import SurrobustSampler, suggest_architecture
from surrobust.spaces import EDGES, OPS, Architecture

CONV = ("nor_conv_1x1", "nor_conv_3x3")

pytestmark = pytest.mark.usefixtures("quiet")


def suggest_at(trial, place):
    for position in range(6):
        trial.suggest_categorical(f"{place}hp_x{position}", OPS)
    return cell_of(trial.params, place)


def enqueued(study):
    for number in range(25):
        study.enqueue_trial({"0->3": OPS[number % 5], "2->3": "nor_conv_1x1", "lr": 0.5})


def fixed_around(study):
    study.sampler = PartialFixedSampler({"0->3": OPS[1], "2->3": "nor_conv_1x1"}, study.sampler)


def four_edges(trial):
    edges = {name: trial.suggest_categorical(name, OPS) for name in NAMES[:4]}
    return smooth(cell_of(edges | {"1->3": "none", "2->3": "nor_conv_3x3"}))


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
    known = told(study)
    for trial, cell in zip(study.trials, cells_of(study), strict=True):
        if trial.state == TrialState.FAIL:
            assert cell not in known
        elif trial.state == TrialState.PRUNED:
            assert known[cell] in {t.value for t in study.trials}
        else:
            assert known[cell] == trial.value


def test_infinite_values_and_repeated_cells():
    study = make_study(SurrobustSampler(seed=0))
    for value in (float("inf"), 0.2):
        study.enqueue_trial({f"{s}->{t}": "nor_conv_3x3" for s, t in EDGES})
        study.optimize(lambda t, value=value: (suggest_architecture(t), value)[1], n_trials=1)
    study.optimize(objective, n_trials=13)
    cells = cells_of(study)
    assert cells[0] == cells[1] == Architecture.parse("333333")
    assert cells[0] not in cells[2:]


def test_every_bracket_of_hyperband_teaches():
    def stepwise(trial):
        value = objective(trial)
        for step in range(9):
            trial.report(value * step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9)
    study = make_study(SurrobustSampler("evolution", seed=0), pruner=pruner)
    study.optimize(stepwise, n_trials=30)
    assert len({pruner._get_bracket_id(study, trial) for trial in study.trials}) > 1
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    assert n_functions(study) == 30
    assert set(told(study)) == set(cells_of(study))


def test_a_study_of_the_same_name_with_other_directions():
    sampler = SurrobustSampler(seed=0)
    make_study(sampler, study_name="s").optimize(objective, n_trials=12)
    both = ["maximize", "minimize"]
    for one in (sampler, SurrobustSampler(seed=0)):
        study = optuna.create_study(directions=both, sampler=one, study_name="s")
        study.optimize(two, n_trials=14)
        assert told(study) == {c: (smooth(c), c.ops.count(3)) for c in cells_of(study)}


def test_a_study_with_the_trials_of_another_and_other_values():
    first = make_study(SurrobustSampler("evolution", seed=0))
    first.optimize(objective, n_trials=20)
    second = make_study(first.sampler)
    for trial in first.trials:
        trial.values = [-trial.value]
        second.add_trial(trial)
    second.optimize(objective, n_trials=1)
    values = [*(-trial.value for trial in first.trials), second.trials[-1].value]
    assert told(second) == dict(zip(cells_of(second), values, strict=True))


def test_trials_of_another_cell_are_not_learnt_from():
    def one_of(places):
        def objective(trial):
            place = trial.suggest_categorical("place", places)
            for position in range(6):
                trial.suggest_categorical(f"{place}hp_x{position}", OPS)
            return (place == "a/") + smooth(cell_of(trial.params, place))

        return objective

    study = make_study(SurrobustSampler("evolution", seed=0))
    study.optimize(one_of(["a/", "b/"]), n_trials=30)
    for place, base in (("a/", 1.0), ("b/", 0.0)):
        cells = [cell_of(t.params, place) for t in study.trials if t.params["place"] == place]
        assert told(study, place) == {cell: base + smooth(cell) for cell in cells}
        assert len(cells) > 5


def test_values_of_pairs_teach_nothing(caplog):
    def both(trial):
        ops = [trial.suggest_categorical(f"{p}/hp_x{i}", OPS) for p in "ab" for i in range(6)]
        return float(ops.count("none"))

    study = make_study(RandomSampler(seed=0))
    study.optimize(both, n_trials=3)
    study.sampler = SurrobustSampler("evolution", seed=0)
    study.optimize(lambda t: smooth(suggest_at(t, "a/")), n_trials=2)
    assert told(study, "a/") == {c: smooth(c) for c in cells_of(study, "a/")[3:]}
    assert caplog.messages == [
        "trial 0: expected the six edges of one cell, got a/hp_x0 and b/hp_x0 of two: such trials "
        "teach nothing"
    ]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("fix", [enqueued, fixed_around])
def test_cells_agree_with_edges_that_are_fixed(fix):
    study = make_study(SurrobustSampler("evolution", seed=0))
    sampler = study.sampler
    fix(study)
    study.optimize(lambda t: objective(t) + 0 * t.suggest_float("lr", 0, 1), n_trials=25)
    assert {trial.params["2->3"] for trial in study.trials} == {"nor_conv_1x1"}
    assert n_functions(study) == 25
    study.sampler = sampler
    assert told(study) == {cell: smooth(cell) for cell in cells_of(study)}


def test_edges_that_are_never_suggested_can_be_named():
    sampler = SurrobustSampler("evolution", seed=0, fixed={"1->3": "none", "2_3": "conv_3x3"})
    study = make_study(sampler)
    study.optimize(four_edges, n_trials=24)
    rest = {"1->3": "none", "2->3": "nor_conv_3x3"}
    cells = [cell_of(trial.params | rest) for trial in study.trials]
    assert told(study) == {cell: smooth(cell) for cell in cells}
    assert len({cell.function_class for cell in cells}) == 24


def test_cells_in_parts_are_told_of_once(caplog):
    study = make_study(SurrobustSampler("evolution", seed=0))
    study.optimize(four_edges, n_trials=4)
    assert caplog.messages == [
        "trial 0: expected the six edges of one cell, got none for 1->3, 2->3: without "
        "SurrobustSampler(fixed=...) nothing is learnt"
    ]


def test_values_count_more_than_what_pruning_lets_assume():
    def pruned(trial):
        objective(trial)
        raise optuna.TrialPruned

    study, edges = make_study(SurrobustSampler("evolution", seed=0)), dict.fromkeys(NAMES, OPS[3])
    for run in (pruned, objective):  # the first is before any value is known
        study.enqueue_trial(dict.fromkeys(NAMES, OPS[2]))
        study.optimize(run, n_trials=1)
    study.enqueue_trial(edges)
    study.optimize(pruned, n_trials=1)
    study.optimize(objective, n_trials=1)
    assert told(study)[cell_of(edges)] == smooth(Architecture.parse("222222"))
    study.enqueue_trial(edges)
    study.optimize(objective, n_trials=2)
    assert told(study) == {cell: smooth(cell) for cell in cells_of(study)}


def test_a_pruned_trial_before_any_value_is_told_later():
    def first_is_pruned(trial):
        value = objective(trial)
        if trial.number == 0:
            raise optuna.TrialPruned
        return value

    study = make_study(SurrobustSampler("evolution", seed=0))
    study.optimize(first_is_pruned, n_trials=3)
    cells = cells_of(study)
    assert told(study) == {cells[0]: smooth(cells[1]), cells[1]: smooth(cells[1])} | {
        cells[2]: smooth(cells[2])
    }
