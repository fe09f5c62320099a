"""The predictor to use when nothing is known: the best we have."""

from collections.abc import Hashable, Sequence
from typing import Any

from .._checks import check_fraction, check_integer
from ..encodings import Columns
from ..encodings.joined import Features
from ..processes.prior import PriorScores, reference_of
from ..processes.scores import SCORES_FILE, ScoreMap
from ..spaces import Architecture
from ..typing import FloatArray
from .base import AbstractPredictor
from .gaussian_process import GaussianProcess
from .saving.folder import load_members, pack_members
from .trees.boosted import BoostedTrees
from .with_prior import PriorPredictor

_SCORES = f"default-{SCORES_FILE}"


class DefaultPredictor(AbstractPredictor):
    """A Gaussian process and boosted trees on what cells compute, averaged as scores.

    Values become scores (:class:`ScoreMap`); the process and the trees learn those, their weighted
    mean is taken back to values. The standard deviation is the process's.

    With a prior, an :class:`PriorPredictor` predicts: for targets of which few cells are
    measured, or none (``fit([], [])``), while others are known. Give ``fit`` the targets' names.

    Args:
        prior: None, or what knows other targets: a fitted predictor, or :class:`PriorScores`.
            Its scores are saved with the model; options and card hold its name and checksum.
        encoder: Names in ``ENCODINGS`` joined by ``+``.
        process_weight: Weight of the process; the trees have the rest, 1 leaves them out.
        trees: How many.
        columns: Numbers known of cells beforehand, such as the clean accuracy; or None.
        calibration_folds: See :class:`AbstractPredictor`.
        seed: See :class:`AbstractPredictor`.
    """

    kind = "default"

    def __init__(
        self,
        *,
        prior: Any = None,
        encoder: str = "features",
        process_weight: float = 0.7,
        trees: int = 1000,
        columns: Columns | None = None,
        calibration_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.encoder = encoder
        self.process_weight = check_fraction("process_weight", process_weight)
        self.trees = check_integer("trees", trees, minimum=1)
        self.columns = columns
        self._features = Features(encoder, columns)
        self._process = GaussianProcess(
            encoder=encoder,
            transform="standard",
            columns=columns,
            calibration_folds=0,
            seed=seed,
        )
        self._trees = BoostedTrees(
            encoder=encoder,
            transform="standard",
            members=1,
            trees=trees,
            columns=columns,
            calibration_folds=0,
            seed=seed,
        )

        self._informed = (
            prior
            if prior is None
            else PriorPredictor(
                prior=prior,
                encoder=encoder,
                process_weight=process_weight,
                trees=trees,
                columns=columns,
                calibration_folds=0,
                seed=seed,
            )
        )

    @property
    def prior(self) -> PriorScores | dict[str, str] | None:
        """What is known of other targets."""
        return None if self._informed is None else self._informed.prior

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's arguments; a prior by its name and checksum, none left out."""
        given = super().options
        prior = given.pop("prior")
        return given if prior is None else {**given, "prior": reference_of(prior)}

    @property
    def _least_cells(self) -> int:  # type: ignore[override]
        return 2 if self._informed is None else self._informed._least_cells

    def _key(self, cell: Architecture) -> Hashable:
        return self._features.key(cell)

    @property
    def _members(self) -> list[AbstractPredictor]:
        if self._informed is not None:
            return [self._informed]
        return [self._process, self._trees] if self.process_weight < 1 else [self._process]

    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        if self._informed is not None:
            self._informed._names = self._names
            self._informed._fit(cells, Y)
            return
        self.map_, scores = ScoreMap.fit(Y, transform="scores")
        for member in self._members:
            member._fit(cells, scores)

    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        if self._informed is not None:
            return self._informed._predict(cells)
        return self._mixed(cells, *self._process._predict(cells))

    def _predict_measured(self, cells: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        if self._informed is not None:
            return self._informed._predict_measured(cells)
        return self._mixed(cells, *self._process._predict_measured(cells))

    def _mixed(
        self, cells: Sequence[Architecture], mean: FloatArray, std: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the moments, given those of the process."""
        if self.process_weight < 1:
            others = self._trees._predict(cells)[0]
            mean = self.process_weight * mean + (1 - self.process_weight) * others
        return self.map_.moments(mean, std)

    def _weights(self) -> dict[str, bytes]:
        own = {} if self._informed is not None else {_SCORES: self.map_.pack()}
        return {**own, **pack_members(self._members)}

    def _load_weights(self, files: dict[str, bytes], n_targets: int) -> None:
        rest = dict(files)
        if self._informed is None:
            self.map_ = ScoreMap.unpack(rest.pop(_SCORES, b""), n_targets)
        load_members(self._members, rest, n_targets)
