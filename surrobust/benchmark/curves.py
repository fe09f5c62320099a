"""Learning curves: many scores, kept in one file from which a broken run continues."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, fields
from difflib import get_close_matches
from multiprocessing import get_context
from pathlib import Path

from .._checks import brief, check_choice, check_integer
from .._files import read_text, write_text
from ..errors import InvalidInputError
from ..predictors import PREDICTORS
from ..targets import Target, targets_of
from ..typing import AnyPath
from .baseline import BASELINE
from .protocol import TARGETS, TRAINING_SIZES, Score, measured, score_predictor, split

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
        InvalidInputError: If a name, a target or a number is not possible, or ``out`` is damaged;
            nothing is run or written then.
    """
    check_request(predictors, targets, training_sizes, data_dir=data_dir)
    check_integer("jobs", jobs, minimum=1)
    wanted = dict.fromkeys(
        (p, t, n, s) for n in training_sizes for s in seeds for p in predictors for t in targets
    )
    known = _known(out)
    todo = [key for key in wanted if key not in known]
    done = len(wanted) - len(todo)
    for score in _run(todo, jobs=jobs, data_dir=data_dir):
        known[score.key] = score
        write_scores(out, known.values())
        done += 1
        if progress is not None:
            progress(done, len(wanted), score)
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
        n = len(measured(target, data_dir=data_dir)[0])
        for n_train in training_sizes:
            split(n, n_train=n_train, seed=0)


def check_target(target: str) -> None:
    """Refuse a target that no benchmark has.

    Raises:
        InvalidInputError: If so; the message shows the closest ones.
    """
    known = targets_of(Target.parse(target).benchmark)
    if target not in known:
        close = ", ".join(get_close_matches(target[:200], known, n=3, cutoff=0.0))
        msg = f"target: expected a benchmark's target such as {close}; got {brief(target)}"
        raise InvalidInputError(msg)


def _run(keys: Sequence[Key], *, jobs: int, data_dir: AnyPath | None) -> Iterator[Score]:
    if jobs == 1 or len(keys) < 2:
        for name, target, n_train, seed in keys:
            yield score_predictor(name, target, n_train=n_train, seed=seed, data_dir=data_dir)
        return
    # Spawned, not forked: progress bars and numerical libraries run threads.
    pool = ProcessPoolExecutor(
        max_workers=min(jobs, len(keys)),
        mp_context=get_context("spawn"),
        initializer=_share_cores,
        initargs=(jobs,),
    )
    try:
        futures = [
            pool.submit(score_predictor, p, t, n_train=n, seed=s, data_dir=data_dir)
            for p, t, n, s in keys
        ]
        for future in as_completed(futures):
            yield future.result()
    finally:
        # After an error or an interrupt what is queued is dropped.
        pool.shutdown(cancel_futures=True)


def _share_cores(jobs: int) -> None:
    """Keep libraries that this process has yet to load from taking all cores each."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))


def write_scores(path: AnyPath, scores: Iterable[Score]) -> None:
    """Write scores as CSV, sorted by what they measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Score)])
    for score in sorted(scores, key=lambda s: s.key):
        row = asdict(score)
        writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in row.values()])
    write_text(path, text.getvalue())


def read_scores(path: AnyPath) -> list[Score]:
    """Read scores from CSV.

    Raises:
        InvalidInputError: If the columns or a number are not as ``write_scores`` writes them.
    """
    types = {field.name: field.type for field in fields(Score)}
    rows = csv.reader(io.StringIO(read_text(path)), strict=True)
    try:
        header = next(rows, [])
        if header != list(types):
            msg = f"{path}: expected the columns {', '.join(types)}; got {brief(', '.join(header))}"
            raise InvalidInputError(msg)
        return [_score(row, types) for row in rows]
    except (csv.Error, _RowError) as error:
        msg = f"{path}: line {rows.line_num}: expected one score, got {error}"
        raise InvalidInputError(msg) from None


class _RowError(Exception):
    """What is wrong with one line."""


def _score(row: list[str], types: dict[str, object]) -> Score:
    if len(row) != len(types):
        msg = f"{len(row)} fields instead of {len(types)}"
        raise _RowError(msg)
    given: dict[str, object] = {}
    for (name, read), text in zip(types.items(), row, strict=True):
        try:
            given[name] = read(text)  # type: ignore[operator]
        except ValueError:
            msg = f"{brief(text)} as {name}"
            raise _RowError(msg) from None
    return Score(**given)  # type: ignore[arg-type]
