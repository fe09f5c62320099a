"""The outcome of a search and its file, ``search.json``."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._files import write_text
from .._seals import seal
from .._version import __version__
from ..metrics import hypervolume
from ..spaces import Architecture
from ..targets import Target
from ..typing import AnyPath
from .base import Evaluation
from .described import describe_result, result_as_html
from .goals import Bound, Goals
from .multiobjective import check_finite

if TYPE_CHECKING:
    import pandas as pd

SEARCH_FILE = "search.json"
"""The file's name inside the folder of a search."""

N_FINALISTS = 5


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search measured, and with what it was run.

    Args:
        target: Target key; None where a callable of the user's was searched.
        objective: Where the values are from: ``table``, ``surrogate`` or ``callable``.
        strategy: Name in ``SEARCHES``.
        budget: Evaluations allowed.
        seed: Seed of the strategy.
        evaluations: In the order of their trials.
        version: Of the package that ran the search.
        warm_start: How many evaluations come from the top of the zero-cost ranking first.
        ranked: Where the budget is 0, the best by what was known beforehand.
        targets: Where there are several objectives: target keys, ``params`` or ``flops``, the
            first being ``target``; empty where a callable of the user's was searched.
        directions: ``maximize`` or ``minimize`` for each of several objectives, or for that of a
            callable; empty means one that a callable maximises or that the target tells.
        bounds: What an architecture has to keep.
        prior: What the search knew of other targets: a predictor's name or folder, ``given`` for an
            object, or ``none``.
    """

    target: str | None
    objective: str
    strategy: str
    budget: int
    seed: int
    evaluations: tuple[Evaluation, ...]
    version: str = __version__
    warm_start: int = 0
    ranked: tuple[Architecture, ...] = ()
    targets: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = ()
    prior: str = "none"

    def __repr__(self) -> str:
        return describe_result(self)

    def _repr_html_(self) -> str:
        return result_as_html(self)

    @property
    def higher_is_better(self) -> bool:
        """Whether the search maximised its values, those of the first objective."""
        if self.directions:
            return self.directions[0] == "maximize"
        return self.target is None or Target.parse(self.target).higher_is_better

    @property
    def goals(self) -> Goals:
        """What the search is after."""
        maximised = tuple(direction == "maximize" for direction in self.directions)
        return Goals(maximised or (self.higher_is_better,), self.bounds)

    @property
    def failures(self) -> tuple[Evaluation, ...]:
        """The evaluations that failed; ``error`` says why."""
        return tuple(e for e in self.evaluations if e.failed)

    @property
    def all_failed(self) -> bool:
        """Whether there are evaluations, none of which has a value."""
        return bool(self.evaluations) and len(self.failures) == len(self.evaluations)

    @property
    def finalists(self) -> tuple[Evaluation, ...]:
        """The five best evaluations, best first; of equals, the earlier first.

        With several objectives they are the whole front. What breaks a bound, or failed, is left
        out. Where nothing was to be evaluated they are the best ranked, with the value NaN.
        """
        if not self.evaluations:
            ranked = enumerate(self.ranked[:N_FINALISTS])
            return tuple(Evaluation(cell, math.nan, rank, "ranking") for rank, cell in ranked)
        if len(self.directions) > 1:
            return self.front
        sign = -1.0 if self.higher_is_better else 1.0
        keeping = self.goals.keeping(self.evaluations)
        # Stable, with the sign in the key: reversed, equals would be too.
        return tuple(sorted(keeping, key=lambda e: sign * e.value)[:N_FINALISTS])

    @property
    def front(self) -> tuple[Evaluation, ...]:
        """The evaluations that no other dominates, the best of the first objective first.

        What breaks a bound is left out.
        """
        return tuple(self.goals.front(self.evaluations))

    def hypervolume(self, reference: Sequence[float]) -> float:
        """Return the volume between the front and a reference point.

        Args:
            reference: One number per objective, in its unit; what is not better than it in all
                objectives adds nothing.

        Raises:
            InvalidInputError: If it is not as many numbers.
        """
        goals = self.goals
        signs = np.where(goals.maximised, 1.0, -1.0)
        origin = np.array(check_finite("reference", reference, len(signs)))
        return hypervolume(goals.points(self.front), signs * origin)

    def to_frame(self) -> "pd.DataFrame":
        """Return the evaluations as a table, one row per trial.

        With several objectives there is a column for each of them; bounded quantities have one.
        Where measuring failed they are NaN, and a column ``failed`` says so.
        """
        import pandas as pd

        columns = ["architecture", "index", "value", "trial", "source"]
        frame = pd.DataFrame([_row(e) for e in self.evaluations], columns=columns)
        if self.failures:
            frame["failed"] = [e.failed for e in self.evaluations]
        if len(self.directions) > 1:
            for j in range(len(self.directions)):
                name = self.targets[j] if self.targets else f"value_{j}"
                frame[name] = [math.nan if e.failed else e.values[j] for e in self.evaluations]
        for j, bound in enumerate(self.bounds):
            frame[bound.quantity] = [
                math.nan if e.failed else e.bounded[j] for e in self.evaluations
            ]
        return frame

    def to_document(self) -> dict[str, Any]:
        """Return the content of ``search.json`` as dictionaries and lists."""
        fields = {
            "target": self.target,
            **({"targets": list(self.targets)} if self.targets else {}),
            **({"directions": list(self.directions)} if self.directions else {}),
            **({"bounds": [_bound(bound) for bound in self.bounds]} if self.bounds else {}),
            "objective": self.objective,
            "strategy": self.strategy,
            "budget": self.budget,
            "seed": self.seed,
            **({"warm_start": self.warm_start} if self.warm_start else {}),
            **({"prior": self.prior} if self.prior != "none" else {}),
            "version": self.version,
            "evaluations": [_row(e) for e in self.evaluations],
            "finalists": [finalist_row(e) for e in self.finalists],
        }
        return seal(fields)

    def to_json(self) -> str:
        """Return the content of ``search.json`` as text."""
        return json.dumps(self.to_document(), indent=1, allow_nan=False) + "\n"

    def write(self, folder: AnyPath) -> Path:
        """Write ``search.json`` into a folder, atomically, and return its path."""
        path = Path(folder) / SEARCH_FILE
        write_text(path, self.to_json())
        return path


def _row(evaluation: Evaluation) -> dict[str, Any]:
    return {
        **finalist_row(evaluation),
        **({"failed": True, "error": evaluation.error} if evaluation.failed else {}),
        "trial": evaluation.trial,
        "source": evaluation.source,
    }


def finalist_row(evaluation: Evaluation) -> dict[str, Any]:
    """Return what ``search.json`` says of a finalist."""
    return {
        "architecture": evaluation.architecture.genotype,
        "index": evaluation.architecture.index,
        "value": None if math.isnan(evaluation.value) else evaluation.value,
        **({"values": list(evaluation.values)} if evaluation.values else {}),
        **({"bounded": list(evaluation.bounded)} if evaluation.bounded else {}),
    }


def _bound(bound: Bound) -> dict[str, Any]:
    return {"quantity": bound.quantity, "max" if bound.is_upper else "min": bound.limit}
