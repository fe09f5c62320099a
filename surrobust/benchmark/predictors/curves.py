"""Learning curves: many scores, kept in one file from which a broken run continues."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..._checks import check_choice, check_integer
from ..._locks import hold
from ...errors import InvalidInputError
from ...predictors import PREDICTORS
from ...predictors.repeats import cell_groups
from ...targets import check_target
from ...typing import AnyPath
from ..rows import measure_missing, read_results, write_results
from .protocol import (
    BASELINE,
    TARGETS,
    TRAINING_SIZES,
    Score,
    measured_cells,
    score_predictor,
    split,
)

Key = tuple[str, str, int, int]


def learning_curves(
    predictors: Sequence[str],
    *,
    targets: Sequence[str] = TARGETS,
    training_sizes: Sequence[int] = TRAINING_SIZES,
    seeds: Sequence[int] = range(5),
    out: AnyPath,
    jobs: int = 1,
    data_dir: AnyPath | None = None,
    progress: Callable[[int, int, Score], None] | None = None,
) -> list[Score]:
    """Score every predictor x target x N x seed; what ``out`` already holds is not run again.

    Args:
        predictors: Registered names, or ``BASELINE``.
        targets: Target keys.
        training_sizes: N, training cells.
        seeds: Splits.
        out: CSV file, written atomically after every score. Other scores in it are kept.
        jobs: Processes.
        data_dir: Where the tables are.
        progress: Called with (done, total, score) after every score.

    Returns:
        All scores asked for, in the order predictor, target, N, seed.

    Raises:
        InvalidInputError: If a name, a target or a number is not possible, ``out`` is damaged, or
            another process writes there; nothing is run or written then.
    """
    check_request(predictors, targets, training_sizes, data_dir=data_dir)
    check_integer("jobs", jobs, minimum=1)
    # Sizes and seeds outside: what is broken off has whole comparisons.
    wanted = dict.fromkeys(
        (p, t, n, s) for n in training_sizes for s in seeds for p in predictors for t in targets
    )
    # Two that write one file would each lose what the other adds.
    with hold(f"{out}.lock"):
        known = _known(out)
        measure_missing(
            out,
            known,
            [key for key in wanted if key not in known],
            _score,
            total=len(wanted),
            jobs=jobs,
            data_dir=data_dir,
            progress=progress,
        )
    return [known[key] for key in sorted(wanted)]


def _known(path: AnyPath) -> dict[Key, Score]:
    """Return the scores that a file has so far, none if there is no file."""
    scores = read_scores(path) if Path(path).exists() else []
    try:
        for target in {score.target for score in scores}:
            check_target(target)
    except InvalidInputError as error:
        msg = f"{path}: {error}"
        raise InvalidInputError(msg) from None
    return {score.key: score for score in scores}


def check_request(
    predictors: Iterable[str],
    targets: Iterable[str],
    training_sizes: Sequence[int],
    *,
    data_dir: AnyPath | None = None,
) -> None:
    """Refuse what cannot be scored.

    Raises:
        InvalidInputError: If a predictor or target is not known, or an N is too small or large.
        MissingMeasurementError: If a table is not here.
    """
    for name in predictors:
        check_choice("predictor", name, [*PREDICTORS, BASELINE])
    keys = list(targets)
    for target in keys:
        check_target(target)
    for target in keys:
        groups = cell_groups(measured_cells(target, data_dir=data_dir)[0])
        for n_train in training_sizes:
            # What it refuses, it refuses before the first fit.
            split(len(groups), n_train=n_train, seed=0, groups=groups)


def _score(key: Key, data_dir: AnyPath | None) -> Score:
    name, target, n_train, seed = key
    return score_predictor(name, target, n_train=n_train, seed=seed, data_dir=data_dir)


def write_scores(path: AnyPath, scores: Iterable[Score]) -> None:
    """Write scores as CSV, sorted by what they measure."""
    write_results(path, scores, Score)


def read_scores(path: AnyPath) -> list[Score]:
    """Read scores from CSV.

    Raises:
        InvalidInputError: If the columns or a number are not as ``write_scores`` writes them.
    """
    return read_results(path, Score, noun="score")
