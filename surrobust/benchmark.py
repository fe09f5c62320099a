"""Protocols that judge predictors on the tables: splits, learning curves, one resumable file.

The protocol is the peers': representatives by ascending index, shuffled by
``numpy.random.default_rng(seed).permutation``, the first N train, all others test.
"""

import csv
import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from . import metrics
from ._files import read_text, write_text
from .errors import InvalidInputError
from .predictors import make_predictor
from .tables import load_table
from .targets import Target
from .typing import AnyPath, IntArray

logger = logging.getLogger(__name__)

TARGETS = (
    "nas-robbench-201/cifar10/pgd-8",
    "nas-robbench-201/cifar10/autoattack-8",
    "nas-robbench-201/cifar100/pgd-8",
    "nas-robbench-201/imagenet16-120/autoattack-8",
    "jung2023/cifar10/pgd-1",
    "jung2023/cifar10/apgd-ce-1",
    "jung2023/cifar10/corruptions",
    "jung2023/cifar100/fgsm-1",
)
"""The eight targets on which predictors and searches are compared."""

TRAINING_SIZES = (20, 50, 100, 200, 500, 1000, 5000)
"""N of the learning curves."""


@dataclass(frozen=True, slots=True)
class Score:
    """One predictor fitted on one split of one target, judged on the held-out cells."""

    predictor: str
    target: str
    n_train: int
    seed: int
    kendall_tau: float
    spearman: float
    r2: float
    rmse: float
    precision_at_100: float
    fit_seconds: float
    predict_seconds: float

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What was measured, without the numbers."""
        return self.predictor, self.target, self.n_train, self.seed


def split(n: int, *, n_train: int, seed: int) -> tuple[IntArray, IntArray]:
    """Return positions ``(n_train,)`` to train on and ``(n - n_train,)`` to test on.

    Raises:
        InvalidInputError: If ``n_train`` does not leave at least two cells on both sides.
    """
    if not 2 <= n_train <= n - 2:
        msg = f"n_train: expected 2..{n - 2}, got {n_train}"
        raise InvalidInputError(msg)
    order = np.random.default_rng(seed).permutation(n)
    return order[:n_train], order[n_train:]


def score_predictor(
    name: str,
    target: str,
    *,
    n_train: int,
    seed: int,
    options: Mapping[str, Any] | None = None,
    data_dir: AnyPath | None = None,
) -> Score:
    """Fit one registered predictor on one split and judge it on all other representatives.

    The predictor sees the training cells and their values of this one target, nothing else.
    """
    table = load_table(Target.parse(target).benchmark, data_dir=data_dir)
    cells, values = table.architectures, table.values(target)
    train, test = split(len(cells), n_train=n_train, seed=seed)
    model = make_predictor(name, seed=seed, **{"calibration_folds": 0, **(options or {})})
    start = time.perf_counter()
    model.fit([cells[i] for i in train], values[train])
    fitted = time.perf_counter()
    predicted = model.predict([cells[i] for i in test])
    done = time.perf_counter()
    true = values[test]
    return Score(
        predictor=name,
        target=target,
        n_train=n_train,
        seed=seed,
        kendall_tau=metrics.kendall_tau(true, predicted),
        spearman=metrics.spearman_rho(true, predicted),
        r2=metrics.r2_score(true, predicted),
        rmse=metrics.rmse(true, predicted),
        precision_at_100=metrics.precision_at(true, predicted, k=min(100, len(true))),
        fit_seconds=fitted - start,
        predict_seconds=done - fitted,
    )


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
        predictors: Registered names.
        targets: Target keys.
        training_sizes: N, training cells.
        seeds: Splits.
        out: CSV file, written atomically after every score.
        jobs: Processes.
        data_dir: Where the tables are.
        progress: Called with (done, total, score) after every score.

    Returns:
        All scores asked for, in the order predictor, target, N, seed.
    """
    wanted = [
        (p, t, n, s) for n in training_sizes for s in seeds for p in predictors for t in targets
    ]
    known = {score.key: score for score in read_scores(out)} if Path(out).exists() else {}
    todo = [key for key in wanted if key not in known]
    for score in _run(todo, jobs=jobs, data_dir=data_dir):
        known[score.key] = score
        write_scores(out, known.values())
        if progress is not None:
            progress(sum(key in known for key in wanted), len(wanted), score)
    return [known[key] for key in sorted(wanted)]


def _run(
    keys: Sequence[tuple[str, str, int, int]], *, jobs: int, data_dir: AnyPath | None
) -> Iterator[Score]:
    if jobs == 1:
        for name, target, n_train, seed in keys:
            yield score_predictor(name, target, n_train=n_train, seed=seed, data_dir=data_dir)
        return
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        futures = [
            pool.submit(score_predictor, p, t, n_train=n, seed=s, data_dir=data_dir)
            for p, t, n, s in keys
        ]
        for future in as_completed(futures):
            yield future.result()


def write_scores(path: AnyPath, scores: Iterable[Score]) -> None:
    """Write scores as CSV, sorted by what they measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(Score)]
    writer.writerow(names)
    for score in sorted(scores, key=lambda s: s.key):
        row = asdict(score)
        writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in row.values()])
    write_text(path, text.getvalue())


def read_scores(path: AnyPath) -> list[Score]:
    """Read scores from CSV.

    Raises:
        InvalidInputError: If the columns or a number are not as ``write_scores`` writes them.
    """
    reader = csv.DictReader(io.StringIO(read_text(path)))
    types = {field.name: field.type for field in fields(Score)}
    if reader.fieldnames != list(types):
        msg = f"{path}: expected the columns {', '.join(types)}, got {reader.fieldnames}"
        raise InvalidInputError(msg)
    try:
        return [Score(**{k: types[k](v) for k, v in row.items()}) for row in reader]  # type: ignore[operator]
    except (TypeError, ValueError) as error:
        msg = f"{path}: expected one score a line, got: {error}"
        raise InvalidInputError(msg) from None
