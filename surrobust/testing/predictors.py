"""What every predictor promises."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..encodings import FunctionFeatureEncoder
from ..errors import InvalidInputError, NotFittedError
from ..predictors import AbstractPredictor, load_folder
from ..spaces import Architecture, NASBench201
from ..typing import FloatArray

N = 60
"""Cells that the laws train on."""


@cache
def training_cells() -> tuple[Architecture, ...]:
    """Return the representatives that the laws train on."""
    representatives = NASBench201().representatives()
    drawn = np.random.default_rng(7).choice(len(representatives), size=N, replace=False)
    return tuple(representatives[i] for i in drawn)


def training_values(m: int = 1) -> FloatArray:
    """Return a smooth made-up accuracy of each training cell: convolutions help, a little noise.

    Args:
        m: Targets: 1 for an array ``(n,)``, 3 for ``(n, 3)``, of which the last is constant.
    """
    rng = np.random.default_rng(8)
    counts = np.array([[cell.ops.count(op) for op in range(5)] for cell in training_cells()])
    one = 0.2 + counts @ np.array([-0.01, 0.01, 0.03, 0.06, 0.0]) + rng.normal(0, 0.003, N)
    return one if m == 1 else np.stack([one, -(one**2), np.full_like(one, 0.1)], axis=1)


def every(step: int) -> list[Architecture]:
    """Return every ``step``-th cell of the space."""
    return list(NASBench201())[::step]


class PredictorLaws:
    """Laws of a predictor: derive from this, and say in :meth:`make` how yours is made."""

    def make(self, **options: Any) -> AbstractPredictor:  # pragma: no cover
        """Return a predictor that is not fitted, with intervals unless an option says otherwise.

        Args:
            options: Any of ``seed`` and ``calibration_folds``.
        """
        raise NotImplementedError

    def fitted(self, m: int = 1) -> AbstractPredictor:
        """Return a predictor fitted to ``m`` targets; no law changes it, so it may be kept."""
        return self.make().fit(training_cells(), training_values(m))

    @pytest.mark.parametrize("m", [1, 3])
    def test_shapes_of_one_and_of_many_targets(self, m: int) -> None:
        """Predictions are finite float64, shaped like the values, and inside their intervals."""
        new, shape = every(601), () if m == 1 else (m,)
        model = self.fitted(m)
        lower, upper = model.predict_interval(new, coverage=0.8)
        for array in (model.predict(new), model.predict_std(new), lower, upper):
            assert array.shape == (len(new), *shape)
            assert array.dtype == np.float64
            assert np.isfinite(array).all()
        assert (lower <= model.predict(new)).all()
        assert (model.predict(new) <= upper).all()
        assert (model.predict_std(new) >= 0).all()
        assert model.predict([]).shape == (0, *shape)
        assert model.targets == (("value",) if m == 1 else ("value-0", "value-1", "value-2"))

    def test_the_same_seed_gives_the_same_and_the_order_of_rows_changes_nothing(self) -> None:
        """A second fit to the same rows in another order predicts the same to the last bit."""
        new, order = every(601), np.random.default_rng(1).permutation(N)
        cells, y = training_cells(), training_values()
        again, model = self.make().fit([cells[i] for i in order], y[order]), self.fitted()
        np.testing.assert_array_equal(again.predict(new), model.predict(new))
        np.testing.assert_array_equal(again.predict_std(new), model.predict_std(new))
        for a, b in zip(again.predict_interval(new), model.predict_interval(new), strict=True):
            np.testing.assert_array_equal(a, b)

    def test_what_is_asked_changes_no_answer(self) -> None:
        """A second call predicts what the first did, whatever was asked between."""
        model, new = self.fitted(), every(601)
        first = model.predict(new)
        model.predict(new[::-1])
        model.predict_interval(new[:3])
        np.testing.assert_array_equal(model.predict(new), first)

    def test_every_written_form_of_an_architecture_is_taken(self) -> None:
        """A cell may be an object, an index, a code, a genotype or op indices."""
        cell = every(601)[3]
        forms = [
            cell,
            cell.index,
            cell.code,
            cell.genotype,
            {"op_indices": list(cell.op_indices)},
            np.int64(cell.index),
        ]
        model = self.fitted()
        predicted = model.predict(forms)
        np.testing.assert_array_equal(predicted, predicted[0])
        np.testing.assert_allclose(model.predict(iter(every(601)))[3], predicted[0], rtol=1e-6)

    @pytest.mark.parametrize("m", [1, 3])
    def test_one_architecture_is_answered_without_an_axis(self, m: int) -> None:
        """Of one architecture alone, the answer is that of a list of it, less the list."""
        model, cell = self.fitted(m), every(601)[3]
        answers = model.predict(cell.code), model.predict_std(cell), *model.predict_interval(cell)
        lists = model.predict([cell]), model.predict_std([cell]), *model.predict_interval([cell])
        for answer, of_list in zip(answers, lists, strict=True):
            assert np.shape(answer) == (() if m == 1 else (m,))
            np.testing.assert_array_equal(answer, of_list[0])

    def test_a_refit_forgets_what_was_answered(self) -> None:
        """Fitted to other values, a predictor answers what one does that never knew the first."""
        new, cells, y = every(601), training_cells(), training_values()
        model = self.make().fit(cells, 1 - y)
        model.predict(new)
        model.predict_interval(new)
        model.fit(cells, y)
        np.testing.assert_array_equal(model.predict(new), self.fitted().predict(new))
        for a, b in zip(
            model.predict_interval(new), self.fitted().predict_interval(new), strict=True
        ):
            np.testing.assert_array_equal(a, b)

    def test_parameters_make_another_like_it(self) -> None:
        """``get_params`` has what the constructor takes, and ``set_params`` does what it does."""
        model = self.make(seed=3)
        params = model.get_params(deep=False)
        assert type(model)(**params).get_params(deep=False) == params
        assert model.set_params(seed=4).get_params(deep=False) == {**params, "seed": 4}
        with pytest.raises(InvalidInputError):
            model.set_params(seed=-1)
        assert model.get_params(deep=False)["seed"] == 4

    @pytest.mark.parametrize("m", [1, 3])
    def test_a_saved_predictor_predicts_the_same_to_the_last_bit(
        self, m: int, tmp_path: Path
    ) -> None:
        """What is read from a folder is what was saved, and is saved as the same bytes."""
        model = self.fitted(m)
        model.save(tmp_path / "model", name="mine", trained_on={"file": "values.csv"})
        loaded = load_folder(tmp_path / "model", type(model))
        assert type(loaded) is type(model)
        assert loaded.targets == model.targets
        assert loaded.options == model.options
        cells = every(37)
        np.testing.assert_array_equal(loaded.predict(cells), model.predict(cells))
        np.testing.assert_array_equal(loaded.predict_std(cells), model.predict_std(cells))
        for coverage in (0.5, 0.9):
            ours, theirs = (p.predict_interval(cells, coverage) for p in (loaded, model))
            np.testing.assert_array_equal(ours, theirs)
        assert loaded.card is not None
        assert loaded.card["name"] == "mine"
        assert loaded.card["trained_on"] == {"file": "values.csv", "n": N}
        loaded.save(tmp_path / "again", name="mine", date=loaded.card["date"], metrics={})
        first, second = (tmp_path / one / "weights.safetensors" for one in ("model", "again"))
        assert first.read_bytes() == second.read_bytes()

    def test_wider_coverage_gives_wider_intervals(self) -> None:
        """Intervals contain those of less coverage, and are infinite where cells are too few."""
        model, new = self.fitted(3), every(601)
        bounds = [model.predict_interval(new, coverage=c) for c in (0.1, 0.5, 0.8, 0.95)]
        for (inner_low, inner_up), (outer_low, outer_up) in pairwise(bounds):
            assert (outer_low <= inner_low).all()
            assert (inner_up <= outer_up).all()
        lower, upper = model.predict_interval(new, coverage=0.999)  # 60 cells cannot vouch for that
        assert np.isneginf(lower).all()
        assert np.isposinf(upper).all()

    def test_rows_of_one_cell_vouch_for_no_more_than_one(self) -> None:
        """Four cells cannot vouch for 90 %, however often each was measured; they can for 75 %."""
        y, new = np.random.default_rng(2).normal(size=40), every(601)
        model = self.make().fit(training_cells()[:4] * 10, y)
        lower, upper = model.predict_interval(new, coverage=0.9)
        assert np.isneginf(lower).all()
        assert np.isposinf(upper).all()
        assert np.isfinite(model.predict_interval(new, coverage=0.75)).all()

    def test_twins_get_one_prediction(self) -> None:
        """Cells that compute the same are predicted the same."""
        cells, encoder, model = every(11), FunctionFeatureEncoder(), self.fitted()
        predicted = model.predict(cells)
        first: dict[object, int] = {}
        places = [first.setdefault(encoder.key(cell), i) for i, cell in enumerate(cells)]
        assert len(first) < len(cells)
        np.testing.assert_array_equal(predicted, predicted[places])
        np.testing.assert_array_equal(model.predict([c.representative for c in cells]), predicted)

    def test_what_was_trained_on_is_remembered(self) -> None:
        """``trained_on`` knows the training cells, those isomorphic to them, and no others."""
        model = self.fitted()
        assert all(model.trained_on(cell) for cell in training_cells())
        known = {cell.representative for cell in training_cells()}
        for cell in every(40):
            assert model.trained_on(cell.index) == (cell.representative in known)

    def test_a_constant_target_is_predicted_as_that_constant(self) -> None:
        """Where all values are the same, so is every prediction."""
        np.testing.assert_allclose(self.fitted(3).predict(every(601))[:, 2], 0.1, atol=1e-6)

    def test_something_was_learnt(self) -> None:
        """Predictions of the training cells correlate with their values by more than 0.5."""
        predicted = self.fitted().predict(training_cells())
        assert np.corrcoef(predicted, training_values())[0, 1] > 0.5

    def test_bad_training_data_are_refused(self) -> None:
        """What is no architecture, no finite number, too few or of other length is refused."""
        model = self.make()
        cells, y = list(training_cells()), training_values()
        spoilt = y.copy()
        spoilt[3] = np.nan
        refused: list[tuple[Any, Any]] = [
            (cells, spoilt),
            (cells, y[:-1]),
            (cells, y[:, None, None]),
            (cells, np.empty((N, 0))),
            (cells, ["a"] * N),
            (cells[:1], y[:1]),
            ([], []),
            ([*cells[:-1], "no cell"], y),
            ("323133", [0.1]),
            (cells[0], [0.1]),
            (5, [0.1]),
        ]
        for given, values in refused:
            with pytest.raises(InvalidInputError):
                model.fit(given, values)
        names: list[Any] = [["a", "b"], [], [1]]
        for targets in names:
            with pytest.raises(InvalidInputError, match="targets"):
                model.fit(cells, y, targets=targets)
        with pytest.raises(NotFittedError):
            model.predict(cells)

    def test_nothing_is_answered_before_fit(self, tmp_path: Path) -> None:
        """Whatever needs a fit says that there was none."""
        model, new = self.make(), every(601)
        for call in (
            lambda: model.predict(new),
            lambda: model.predict_std(new),
            lambda: model.predict_interval(new),
            lambda: model.trained_on(new[0]),
            lambda: model.save(tmp_path / "model"),
            lambda: model.targets,
        ):
            with pytest.raises(NotFittedError):
                call()
        assert not (tmp_path / "model").exists()

    def test_intervals_need_calibration_and_a_sound_coverage(self) -> None:
        """Without folds there are predictions, the same ones, but no intervals."""
        new, calibrated = every(601), self.fitted()
        model = self.make(calibration_folds=0).fit(training_cells(), training_values())
        np.testing.assert_array_equal(model.predict(new), calibrated.predict(new))
        with pytest.raises(NotFittedError, match="calibration_folds"):
            model.predict_interval(new)
        wrong: list[Any] = [0, 1, -0.5, 1.5, float("nan"), "0.9", None, True]
        for coverage in wrong:
            with pytest.raises(InvalidInputError, match="coverage"):
                calibrated.predict_interval(new, coverage)

    def test_two_cells_are_enough_to_fit(self) -> None:
        """Two cells give finite predictions, and intervals without end."""
        model, new = self.make().fit(training_cells()[:2], [0.1, 0.2]), every(601)
        assert np.isfinite(model.predict(new)).all()
        lower, upper = model.predict_interval(new, coverage=0.5)
        assert np.isinf(lower).all()
        assert np.isinf(upper).all()

    def test_options_are_checked(self) -> None:
        """Wrong folds and seeds are refused, and options can be written as JSON."""
        wrong: list[dict[str, Any]] = [
            {"calibration_folds": 1},
            {"calibration_folds": -1},
            {"seed": -1},
            {"seed": "a"},
        ]
        for options in wrong:
            with pytest.raises(InvalidInputError):
                self.make(**options)
        options = self.make(seed=5, calibration_folds=4).options
        assert options["seed"] == 5
        assert json.loads(json.dumps(options)) == options
