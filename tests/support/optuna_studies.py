"""Cells in studies of Optuna's, for tests of the sampler."""

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from surrobust.sessions.studies.edges import read_ops
from surrobust.sessions.studies.sampler import SurrobustSampler, suggest_architecture
from surrobust.spaces import EDGES, Architecture
from surrobust.testing.searches import smooth

NAMES = [f"{source}->{target}" for source, target in EDGES]


def objective(trial):
    return smooth(suggest_architecture(trial))


def make_study(sampler, direction="maximize", **options):
    return optuna.create_study(direction=direction, sampler=sampler, **options)


def cell_of(params, place=""):
    ops = read_ops(params, place)
    return Architecture(tuple(ops[position] for position in range(6)))


def cells_of(study, place=""):
    return [cell_of(trial.params, place) for trial in study.trials]


def n_functions(study):
    return len({cell.function_class for cell in cells_of(study)})


def told(study, place=""):
    """Return what strategies learn from a study: a value, or several, by the representative."""
    able = [one for one in study.sampler._followers if one.place == place]
    follower = next(one for one in reversed(able) if one.follows(study.trials))
    follower._read(study.trials)
    facts = (fact for fact in follower._facts if fact.values is not None)
    signs = [1.0 if up else -1.0 for up in follower.maximised]
    values = {fact.cell: tuple(signs * fact.values) for fact in facts}
    return {cell: v if len(v) > 1 else v[0] for cell, v in values.items()}


def two(trial):
    cell = suggest_architecture(trial)
    return smooth(cell), cell.ops.count(3)


def work(path, n_trials):
    """Take part in the study of a journal; processes import this."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(path))
    study = optuna.load_study(study_name="s", storage=storage, sampler=SurrobustSampler(seed=0))
    study.optimize(objective, n_trials=n_trials)
