"""What every predictor promises, whatever its idea."""

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from .._checks import check_choice, check_coverage, check_integer
from ..errors import InvalidInputError, InvalidModelError, NotFittedError
from ..spaces import Architecture
from ..typing import AnyPath, FloatArray, IntArray
from .conformal import split_into_folds
from .estimator import Estimator
from .estimator.described import describe_predictor, predictor_as_html
from .estimator.frames import as_asked, interval_frame, to_frame
from .estimator.recall import LastAnswer, Moments
from .inputs import AskedCells, TrainingCells, check_moments, distinct, parse_architectures
from .ranges import TargetRanges
from .repeats import cell_groups
from .saving.state import FittedState, OutOfFold


@dataclass(frozen=True)
class NothingFitted:
    """What a predictor has learnt that only mixes others."""


class AbstractPredictor(Estimator):
    """A regression model of architectures, for one target or many, with intervals.

    The base parses and checks what comes in, calls the variant, and checks what it gives back. It
    has the manners of scikit-learn's regressors; see :class:`Estimator`.
    Training rows reach the variant in one order whatever the caller's, so a permutation changes
    nothing. Variants define ``kind`` and ``encoder``; ``_fit``, which leaves what it learnt in
    ``fitted_``, one object of the class ``Fitted``; and ``_predict``. Their constructor takes
    keywords only, stores each under its own name, and passes ``calibration_folds`` and ``seed``
    up. Saving and loading are the base's.

    Args:
        calibration_folds: Folds of the cross-validation behind the intervals, at least 2;
            0 for no intervals, which saves that many fits.
        seed: Seed of every random choice, a non-negative integer.
    """

    kind: ClassVar[str]
    """The name in ``PREDICTORS``."""

    Fitted: ClassVar[type] = NothingFitted
    """The class of what the variant has learnt: a frozen dataclass of arrays (``tensor``)."""

    fitted_: Any = NothingFitted()
    """What it has learnt."""

    encoder: str
    """What the variant turns architectures into; a name in ``ENCODINGS`` or ``graphs``."""

    _least_cells = 2  # that ``fit`` needs

    def __init__(self, *, calibration_folds: int = 5, seed: int = 0) -> None:
        self.calibration_folds = check_integer("calibration_folds", calibration_folds, minimum=0)
        if self.calibration_folds == 1:
            msg = "calibration_folds: expected 0 (no intervals) or at least 2, got 1"
            raise InvalidInputError(msg)
        self.seed = check_integer("seed", seed, minimum=0)
        self.card: dict[str, Any] | None = None
        """The card, once the predictor was loaded from a folder."""
        self._state: FittedState | None = None
        self._names: tuple[str, ...] = ()
        self._last = LastAnswer()

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's arguments as a card writes them, in JSON.

        Columns are written by their names and checksum, and left out where there are none.
        """
        columns = self.arguments.get("columns")
        rest = {name: value for name, value in self.arguments.items() if name != "columns"}
        return rest if columns is None else {**rest, "columns": columns.reference}

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets' names, the columns of what is predicted.

        Raises:
            NotFittedError: If the predictor was not fitted.
        """
        return self._fitted().targets

    def fit(
        self, architectures: Iterable[Any], y: Any, *, targets: Sequence[str] | None = None
    ) -> Self:
        """Learn from measured architectures.

        Args:
            architectures: n of them, at least 2, each in any form that ``Architecture.parse``
                takes; one may occur repeatedly. With a prior there may be fewer, and none. They
                come in a list, an array, a Series or a DataFrame, see
                :func:`parse_architectures`.
            y: Finite values, shape ``(n,)`` or ``(n, m)``.
            targets: Names of the m columns; default those of a Series or DataFrame, else
                ``value``, or ``value-0`` and so on.

        Raises:
            InvalidInputError: If they are too few, or ``y`` or ``targets`` do not fit them.
        """
        given = TrainingCells.of(architectures, y, targets, least=self._least_cells)
        # Before fitting: a fit that fails must not leave the old state beside new weights.
        self._state = self.card = None
        self._last.forget()
        self._names = given.names
        cells, Y = given.cells, given.values
        self._fit(cells, Y)
        out_of_fold = self._out_of_fold(cells, Y) if self.calibration_folds else None
        # By all values: a range that one of them breaks is no range.
        ranges = TargetRanges.of(given.names, Y)
        self._state = FittedState.of(cells, given.is_single, ranges, out_of_fold)
        return self

    def predict(self, architectures: Any, *, as_frame: bool = False) -> Any:
        """Return expected values, shape ``(n,)`` if fitted to ``(n,)``, else ``(n, m)``.

        They are inside the range of the quantity: accuracies in [0, 1], latencies and energies
        above 0, unless a training value is not; what the model says outside of it keeps its order.
        What range a target has, its name says (:func:`surrobust.targets.range_of`).

        Args:
            architectures: n of them, as for :meth:`fit`, n may be 0; or one alone, of which the
                answer is a float or ``(m,)``. The same for the other questions.
            as_frame: Whether a DataFrame is returned, with targets as columns. Its index is that
                of the Series or DataFrame that came, else the genotypes.

        Raises:
            InvalidInputError: If something is not an architecture.
            NotFittedError: If the predictor was not fitted.
        """
        state, asked = self._fitted(), AskedCells.of(architectures)
        mean = state.ranges.bend(self._moments(asked.cells).mean)
        return self._answer(mean, asked, as_frame)

    def predict_target(self, architectures: Any, target: str) -> Any:
        """Return expected values of one of the targets, ``(n,)``, as :meth:`predict` does.

        Raises:
            InvalidInputError: If the predictor does not know the target.
            NotFittedError: If the predictor was not fitted.
        """
        column = self.targets.index(check_choice("target", target, self.targets))
        state, asked = self._fitted(), AskedCells.of(architectures)
        mean = state.ranges.bend(self._moments(asked.cells).mean)
        return as_asked(mean[:, [column]], asked, is_single=True)

    def predict_std(self, architectures: Any, *, as_frame: bool = False) -> Any:
        """Return the model's own standard deviation of each prediction, shaped like those.

        It is what a search explores by; only intervals are calibrated.

        Raises:
            InvalidInputError: If something is not an architecture.
            NotFittedError: If the predictor was not fitted.
        """
        self._fitted()
        asked = AskedCells.of(architectures)
        return self._answer(self._moments(asked.cells).std, asked, as_frame)

    def predict_interval(
        self, architectures: Any, coverage: float = 0.9, *, as_frame: bool = False
    ) -> Any:
        """Return lower and upper ends of intervals, each shaped like the predictions.

        An interval holds the measured value of a new cell, drawn like the training cells, with
        probability ``coverage`` or a little more, and about so among the cells of any predicted
        level; a second measurement of a training cell about so. Its middle is above the prediction
        where that is high, below it where it is low, as the cells that turn out best were mostly
        predicted too low; the prediction is always inside. Where n distinct training cells
        are too few to vouch for the coverage, ``ceil((n + 1) coverage) > n``, the ends are those
        of the quantity's range, infinite where it has none; no end is outside of it. Rows of one
        cell or of isomorphic ones are repeated measurements of one: each of N weighs 1 / N (Lee,
        Barber & Willett, "Distribution-free inference with hierarchical data", arXiv 2306.06342).
        Where isomorphic cells differ, as in latency, intervals hold for a cell drawn first and
        then one of its forms, and for a form drawn among all.

        Args:
            architectures: As for :meth:`predict`.
            coverage: Between 0 and 1.
            as_frame: Whether a DataFrame is returned in place of two arrays, with columns
                ``(target, "lower")`` and ``(target, "upper")``.

        Raises:
            NotFittedError: If the predictor was not fitted, or with ``calibration_folds=0``.
            InvalidInputError: If ``coverage`` is not strictly between 0 and 1.
        """
        state = self._fitted()
        if state.calibration is None:
            msg = "predictor: expected calibration_folds of at least 2 for intervals, got 0"
            raise NotFittedError(msg)
        coverage = check_coverage(coverage)
        asked = AskedCells.of(architectures)
        mean, _, std = self._moments(asked.cells)
        # Of the model's own mean, not of the bent one: residuals were those of what it says.
        half = state.calibration.half_widths(mean, std, coverage=coverage)
        middle = state.calibration.middles(mean, std)
        lower, upper = state.ranges.interval(mean, half, middle)
        if as_frame:
            return interval_frame(lower, upper, asked, state.targets)
        return self._answer(lower, asked), self._answer(upper, asked)

    def trained_on(self, architecture: Any) -> bool:
        """Return whether the architecture, or one isomorphic to it, was in the training set.

        Raises:
            NotFittedError: If the predictor was not fitted.
        """
        cell = Architecture.parse(architecture)
        return bool(np.isin(cell.representative.index, self._fitted().trained))

    def save(self, folder: AnyPath, **card: Any) -> None:
        """Write the predictor as a folder: ``card.json`` and weights, nothing else.

        The folder appears whole or not at all; it may replace an older predictor's.

        Args:
            folder: Where; new, empty, or a predictor's.
            card: Fields of the card: ``name``, ``version``, ``trained_on`` (an object that says
                which table, with its checksum), ``split``, ``metrics``, ``citation``, ``date``.
                ``metrics`` defaults to those of the cross-validation behind the intervals.

        Raises:
            NotFittedError: If the predictor was not fitted.
            InvalidInputError: If the folder holds anything else, or a field is not known.
        """
        from .saving.folder import write_predictor

        write_predictor(folder, self, self._fitted(), card)

    def restore(
        self, state: FittedState, tensors: Mapping[str, np.ndarray], files: Mapping[str, bytes]
    ) -> Self:
        """Take over what :meth:`save` wrote, on a predictor made with the same options.

        Args:
            state: What does not depend on the kind.
            tensors: The arrays of the model, by the names that they have in the file.
            files: Its boosters.

        Raises:
            InvalidModelError: If they are damaged or do not fit the options or the state.
        """
        from .saving.weights import MODEL, restore_model

        is_calibrated = state.calibration is not None
        if is_calibrated != (self.calibration_folds > 0):
            wanted = f"intervals of {self.calibration_folds} folds"
            msg = f"weights: expected {wanted}, got {'those' if is_calibrated else 'none'}"
            raise InvalidModelError(msg)
        # First, as it may refuse: a predictor without state answers nothing.
        restore_model(self, tensors, files, len(state.targets), MODEL)
        self._state = state
        return self

    def _fitted(self) -> FittedState:
        if self._state is None:
            msg = f"{type(self).__name__}: expected fit before anything else, got no fit"
            raise NotFittedError(msg)
        return self._state

    def __sklearn_is_fitted__(self) -> bool:
        return self._state is not None

    def __repr__(self) -> str:
        return describe_predictor(self)

    def _repr_html_(self) -> str:
        return predictor_as_html(self)

    def _answer(self, values: FloatArray, asked: AskedCells, as_frame: bool = False) -> Any:
        state = self._fitted()
        if as_frame:
            return to_frame(values, asked, state.targets)
        return as_asked(values, asked, is_single=state.is_single)

    def _moments(self, architectures: Iterable[Any]) -> Moments:
        """Return the model's moments, checked."""
        m = len(self._fitted().targets)
        cells = parse_architectures(architectures)
        if not cells:
            return Moments(*(np.empty((0, m)) for _ in range(3)))
        # Cells of one key are one row for the model: predicted once, and equal to the last bit.
        firsts, where = distinct(cells, [self._key(cell) for cell in cells])
        found = self._last.moments(self._fitted(), firsts, self._checked_moments)
        return Moments(*(part[where] for part in found))

    def _checked_moments(self, cells: Sequence[Architecture]) -> Moments:
        found = self._asked(cells)
        shape = (len(cells), len(self._fitted().targets))
        check_moments(type(self).__name__, *found, shape=shape)
        mean, std, measured = (np.asarray(part, np.float64) for part in found)
        return Moments(mean, np.abs(std), np.abs(measured))

    def _asked(self, cells: Sequence[Architecture]) -> Moments:
        """Return what the variant says; where it knows no noise, measurements have none."""
        mean, std, *rest = self._predict(cells)
        return Moments(mean, std, rest[0] if rest else std)

    def _out_of_fold(self, cells: Sequence[Architecture], Y: FloatArray) -> OutOfFold:
        """Predict every training cell by a model that saw neither it nor one isomorphic to it.

        Called after :meth:`_fit`; a variant may override it if it can do the same faster.
        """

        def predict(train: IntArray, test: IntArray) -> tuple[FloatArray, FloatArray]:
            model = self._for_fold()
            model._fit([cells[int(i)] for i in train], Y[train])
            mean, _, measured = model._asked([cells[int(i)] for i in test])
            return mean, measured

        return OutOfFold.of(cells, self._folds(cells), Y, predict)

    def _for_fold(self) -> Self:
        """Return a predictor like this, to be fitted without the cells of a fold."""
        # Without intervals of its own, or each fold would be folded again.
        model = type(self)(**{**self.arguments, "calibration_folds": 0})
        model._names = self._names
        return model

    def _folds(self, cells: Sequence[Architecture]) -> IntArray:
        """Return the fold of each row, ``(n,)``; the rows of one cell share theirs.

        Cells that compute the same may be in several, as a new cell drawn like the training cells
        may have twins among those: without that, intervals are not of the coverage asked for.
        """
        groups = cell_groups(cells).tolist()
        return split_into_folds(groups, folds=self.calibration_folds, seed=self.seed)

    def _key(self, cell: Architecture) -> Hashable:
        """Return what a prediction depends on; each distinct key is predicted once per call."""
        return cell.ops

    @abstractmethod
    def _fit(self, cells: Sequence[Architecture], Y: FloatArray) -> None:
        """Learn from n cells, sorted by index, and values ``(n, m)``."""

    @abstractmethod
    def _predict(self, cells: Sequence[Architecture]) -> tuple[FloatArray, ...]:
        """Return means and standard deviations, both ``(n, m)`` float64; n is at least 1.

        A variant that knows the noise adds the standard deviations of measurements: without noise
        intervals would be too narrow where a cell itself was trained on.
        """

    @property
    def _predictors(self) -> Mapping[str, "AbstractPredictor"]:
        """The predictors that this one is made of, by name; each keeps what it has learnt."""
        return {}

    def _sizes(self) -> Mapping[str, int]:
        """Return what the options say of the sizes that ``Fitted`` names; ``m`` is known."""
        return {}

    def _restored(self) -> None:
        """Derive what is not kept, once ``fitted_`` was read.

        Raises:
            InvalidModelError: If what was read does not fit the options.
        """

    def _boosters(self) -> dict[str, bytes]:
        """Return files that are no arrays, by plain names that end in ``.ubj``."""
        return {}

    def _load_boosters(self, files: Mapping[str, bytes]) -> None:
        """Take over what ``_boosters`` returned; the checksums were verified.

        Raises:
            InvalidModelError: If they are damaged or do not fit ``fitted_``.
        """
        if files:
            msg = f"weights: expected no files besides the arrays, got {', '.join(sorted(files))}"
            raise InvalidModelError(msg)
