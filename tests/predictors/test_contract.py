"""Every registered predictor obeys the published laws, and what breaks one is found."""

import subprocess
import sys

import numpy as np
import pytest

from surrobust.errors import InvalidInputError, InvalidModelError
from surrobust.predictors import PREDICTORS, AbstractPredictor, load_folder, make_predictor
from surrobust.predictors.gaussian_process import GaussianProcess
from surrobust.testing import PredictorLaws

from .conftest import make_small

KINDS = list(PREDICTORS)


class TestEvery(PredictorLaws):
    @pytest.fixture(autouse=True, params=KINDS)
    def _kind(self, request, fitted):
        self.kind, self.keep = request.param, fitted

    def make(self, **options):
        return make_small(self.kind, **options)

    def fitted(self, m=1):
        return self.keep(self.kind, m)


@pytest.mark.parametrize("kind", KINDS)
def test_the_registry_gives_classes_of_that_kind(kind):
    assert issubclass(PREDICTORS[kind], AbstractPredictor)
    assert PREDICTORS[kind].kind == kind


def test_the_registry_imports_no_heavy_library():
    code = (
        "import sys, surrobust.predictors as p; len(p.PREDICTORS); 'gp' in p.PREDICTORS;"
        "found = {'torch', 'xgboost', 'sklearn', 'pandas', 'pydantic'} & set(sys.modules);"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_options_by_their_names(kind):
    with pytest.raises(InvalidInputError, match="option"):
        make_predictor(kind, no_such_option=1)


@pytest.mark.parametrize("kind", KINDS)
def test_no_encoder_is_taken_twice(kind):
    option = "features" if kind == "gnn" else "encoder"
    with pytest.raises(InvalidInputError, match="expected each name once"):
        make_predictor(kind, **{option: "one_hot+features+one_hot"})


def test_an_unknown_name_is_refused():
    with pytest.raises(InvalidInputError, match="xgboost"):
        make_predictor("no such predictor")


class Broken(GaussianProcess):
    kind = "broken"

    def __init__(self, *, calibration_folds=3, seed=0):
        super().__init__(calibration_folds=calibration_folds, seed=seed)


class Absent(Broken):
    """Knows nothing of cells that begin with a zero."""

    def _predict(self, cells):
        mean, std, _ = super()._predict(cells)
        mean[[cell.ops[0] == 0 for cell in cells]] = np.nan
        return mean, std


class Ordered(Broken):
    """Believes the first row more than the others."""

    first = 0.0

    def fit(self, architectures, y, *, targets=None):
        self.first = float(np.ravel(y)[0]) if len(y) else 0.0
        return super().fit(architectures, y, targets=targets)

    def _predict(self, cells):
        mean, std, _ = super()._predict(cells)
        return mean + 0.01 * self.first, std


class Drifting(Broken):
    """Predicts more with every call."""

    calls = 0

    def _predict(self, cells):
        self.calls += 1
        mean, std, _ = super()._predict(cells)
        return mean + 1e-9 * self.calls, std


class Literal(Broken):
    """Adds what depends on how a cell is written."""

    def _key(self, cell):
        return cell.ops

    def _predict(self, cells):
        mean, std, _ = super()._predict(cells)
        return mean + 1e-6 * np.array([[cell.index] for cell in cells]), std


class Lossy(Broken):
    """Saves the weights rounded."""

    def _restored(self):
        self.is_loaded = True

    def _predict(self, cells):
        mean, std, _ = super()._predict(cells)
        return (mean.round(7) if hasattr(self, "is_loaded") else mean), std


class Narrow(Broken):
    """Has intervals that are all the same, whatever they are to hold."""

    def predict_interval(self, architectures, coverage=0.9):
        mean = self.predict(architectures)
        return mean - 0.001 / coverage, mean + 0.001 / coverage


class Mean(Broken):
    """Predicts the same of every cell."""

    def _predict(self, cells):
        mean, std, _ = super()._predict(cells)
        return np.full_like(mean, 0.3), std


@pytest.mark.parametrize(
    ("broken", "law", "arguments", "error"),
    [
        (Absent, "shapes_of_one_and_of_many_targets", {"m": 1}, InvalidModelError),
        (
            Ordered,
            "the_same_seed_gives_the_same_and_the_order_of_rows_changes_nothing",
            {},
            AssertionError,
        ),
        (Drifting, "what_is_asked_changes_no_answer", {}, AssertionError),
        (Literal, "twins_get_one_prediction", {}, AssertionError),
        (Narrow, "wider_coverage_gives_wider_intervals", {}, AssertionError),
        (Narrow, "rows_of_one_cell_vouch_for_no_more_than_one", {}, AssertionError),
        (Mean, "a_constant_target_is_predicted_as_that_constant", {}, AssertionError),
    ],
)
def test_a_broken_predictor_is_found(broken, law, arguments, error):
    class Laws(PredictorLaws):
        def make(self, **options):
            return broken(**options)

    with pytest.raises(error):
        getattr(Laws(), f"test_{law}")(**arguments)


def test_a_predictor_that_is_not_what_was_saved_is_found(tmp_path):
    class Laws(PredictorLaws):
        def make(self, **options):
            return Lossy(**options)

    with pytest.raises((AssertionError, InvalidModelError)):
        Laws().test_a_saved_predictor_predicts_the_same_to_the_last_bit(1, tmp_path)


def test_a_class_of_ones_own_is_read_by_it_alone(tmp_path, toy_cells, toy_values):
    Broken().fit(toy_cells, toy_values).save(tmp_path / "mine")
    assert type(load_folder(tmp_path / "mine", Broken)) is Broken
    with pytest.raises(InvalidModelError, match=r"kind: expected one of default, .*got 'broken'"):
        load_folder(tmp_path / "mine")
    with pytest.raises(InvalidModelError, match="kind: expected one of gp; got 'broken'"):
        load_folder(tmp_path / "mine", GaussianProcess)
