"""Every registered predictor has scikit-learn's manners; ``docs/scikit-learn.md`` lists them."""

import copy
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.exceptions
import sklearn.utils
from sklearn.base import clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from surrobust.encodings import Columns
from surrobust.errors import InvalidInputError, NotFittedError
from surrobust.metrics import kendall_tau
from surrobust.predictors import PREDICTORS
from surrobust.predictors.estimator import kendall_scorer
from surrobust.predictors.gaussian_process import GaussianProcess
from surrobust.processes.prior import PriorScores
from surrobust.testing.predictors import every, training_cells, training_values

from .conftest import SMALL, make_small

PAGE = Path(__file__).parents[2] / "docs" / "scikit-learn.md"
KINDS = list(PREDICTORS)
NEW = every(601)

each_kind = pytest.mark.parametrize("kind", KINDS)


def forest(**options):
    """A predictor that fits in no time."""
    return make_small("random_forest", calibration_folds=0, **options)


def as_array(cells):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": as_array,
    "array of genotypes": lambda cells: np.array([cell.genotype for cell in cells]),
    "array of one column": lambda cells: as_array(cells)[:, None],
    "Series": lambda cells: pd.Series([cell.code for cell in cells], name="cell"),
    "Series of code": lambda cells: pd.Series([int(cell.code) for cell in cells], name="code"),
    "DataFrame of one column": lambda cells: pd.DataFrame({"x": [c.genotype for c in cells]}),
    "DataFrame with architecture": lambda cells: pd.DataFrame(
        {"flops": 0.0, "Architecture": [cell.genotype for cell in cells], "name": "a"}
    ),
    "DataFrame with index and code": lambda cells: pd.DataFrame(
        {"index": [cell.index for cell in cells], "code": [int(c.code) for c in cells], "y": 1.0}
    ),
}
each_container = pytest.mark.parametrize("contain", CONTAINERS.values(), ids=CONTAINERS.keys())


@each_kind
def test_parameters_are_the_constructors_arguments(kind):
    predictor = make_small(kind, seed=4)
    params = predictor.get_params()
    assert tuple(params) == PREDICTORS[kind].option_names()
    assert params["seed"] == 4
    assert params | SMALL.get(kind, {}) == params
    assert predictor.get_params(deep=False) == params
    assert PREDICTORS[kind](**params).get_params() == params


@each_kind
def test_set_params_gives_what_the_constructor_gives(kind):
    wanted = {**SMALL.get(kind, {}), "calibration_folds": 0, "seed": 5}
    changed = PREDICTORS[kind]()
    assert changed.set_params(**wanted) is changed
    made = PREDICTORS[kind](**wanted)
    assert changed.get_params() == made.get_params()
    one, other = (model.fit(training_cells(), training_values()) for model in (changed, made))
    np.testing.assert_array_equal(one.predict(NEW), other.predict(NEW))
    np.testing.assert_array_equal(one.predict_std(NEW), other.predict_std(NEW))


@each_kind
def test_set_params_gives_up_the_fit_and_nothing_else_does(kind, fitted):
    model = copy.deepcopy(fitted(kind))
    before = model.predict(NEW)
    assert model.set_params() is model
    refused = ({"seed": -1}, {"no_such_parameter": 1}, {"seed": 1, "calibration_folds": 1})
    for params in (*refused, {"seed__inner": 1}):
        with pytest.raises(InvalidInputError, match=r"expected [^\n]*got [^\n]*\Z"):
            model.set_params(**params)
        np.testing.assert_array_equal(model.predict(NEW), before)
    with pytest.raises(InvalidInputError, match=r"parameter of \w+: .*seed.*; got 'sede'"):
        model.set_params(sede=1)
    model.set_params(seed=1)
    with pytest.raises(NotFittedError):
        model.predict(NEW)
    assert model.card is None


class Around(GaussianProcess):
    """A process that keeps another estimator."""

    def __init__(self, *, inner, calibration_folds=0, seed=0):
        super().__init__(calibration_folds=calibration_folds, seed=seed)
        self.inner = inner


def test_estimators_among_the_parameters_are_reached_by_two_underscores():
    outer = Around(inner=forest())
    assert outer.get_params()["inner__trees"] == 20
    assert "inner__trees" not in outer.get_params(deep=False)
    outer.set_params(inner__trees=7, seed=2)
    assert outer.inner.get_params()["trees"] == 7
    assert outer.seed == 2
    outer.set_params(inner=forest(trees=9), inner__seed=3)
    assert (outer.inner.trees, outer.inner.seed) == (9, 3)
    copied = clone(outer)
    assert copied.inner is not outer.inner
    assert copied.inner.get_params() == outer.inner.get_params()


@each_kind
def test_a_clone_is_the_same_without_the_fit(kind, fitted):
    model = fitted(kind)
    copied = clone(model)
    assert type(copied) is type(model)
    assert copied.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copied.predict(NEW)
    again = copied.fit(training_cells(), training_values())
    np.testing.assert_array_equal(again.predict(NEW), model.predict(NEW))


def test_a_clone_shares_columns_and_prior(fitted):
    columns = Columns.of("length", [sum(cell.ops) for cell in every(1)])
    prior = PriorScores.of(fitted("gp"))
    model = make_small("default", prior=prior, columns=columns, calibration_folds=0)
    copied = clone(model)
    assert copied.get_params()["columns"] is columns
    assert copied.get_params()["prior"] is model.get_params()["prior"]
    predicted = [one.fit([2581, 7], [0.1, 0.2]).predict(NEW) for one in (model, copied)]
    np.testing.assert_array_equal(*predicted)


@each_kind
def test_copies_and_pickles_predict_the_same(kind, fitted):
    model = fitted(kind)
    expected = model.predict(NEW), *model.predict_interval(NEW)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        found = copied.predict(NEW), *copied.predict_interval(NEW)
        np.testing.assert_array_equal(found, expected)


@each_kind
def test_it_says_that_it_is_a_regressor(kind):
    predictor = make_small(kind)
    assert is_regressor(predictor)
    if not hasattr(sklearn.utils, "get_tags"):  # before 1.6
        return
    tags = sklearn.utils.get_tags(predictor)
    assert tags.estimator_type == "regressor"
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert tags.target_tags.single_output
    assert tags.input_tags.one_d_array


@each_kind
def test_whether_it_is_fitted_can_be_checked(kind, fitted):
    check_is_fitted(fitted(kind))
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(make_small(kind))
    for expected in (NotFittedError, ValueError, AttributeError):
        with pytest.raises(expected, match="expected fit before anything else"):
            make_small(kind).predict(NEW)
    assert not hasattr(make_small(kind), "targets")


@each_kind
@pytest.mark.parametrize("m", [1, 3])
def test_score_is_the_coefficient_of_determination(kind, m, fitted):
    cells, y, model = training_cells(), training_values(m), fitted(kind, m)
    weights = np.linspace(0, 1, len(cells))
    assert model.score(cells, y) == r2_score(y, model.predict(cells))
    weighted = r2_score(y, model.predict(cells), sample_weight=weights)
    assert model.score(cells, y, sample_weight=weights) == weighted
    with pytest.raises(InvalidInputError, match="y: expected shape"):
        model.score(cells, y[:-1])
    with pytest.raises(InvalidInputError, match="expected a list of architectures"):
        model.score(cells[0], y[0])


def test_score_takes_columns_by_their_names():
    cells, values = list(training_cells()), training_values(3)[:, :2]
    y = pd.DataFrame(values, columns=["a", "b"])
    model = forest().fit(cells, y)
    assert model.score(cells, y[["b", "a"]]) == model.score(cells, values)
    assert model.score(cells, values[:, ::-1]) < model.score(cells, values)


@each_container
def test_every_container_gives_the_same(contain):
    cells, y = list(training_cells()), training_values()
    expected = forest().fit(cells, y)
    model = forest().fit(contain(cells), y)
    np.testing.assert_array_equal(model.predict(contain(NEW)), expected.predict(NEW))
    scores = cross_val_score(forest(), contain(cells), y, cv=3)
    np.testing.assert_array_equal(scores, cross_val_score(forest(), cells, y, cv=3))


BAD = {
    "no column that is called so": (
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        "got columns ['a', 'b']",
    ),
    "no column": (pd.DataFrame(index=[0, 1]), "got columns []"),
    "a column twice": (
        pd.DataFrame([[1, 2]], columns=["code", "code"]),
        "got columns ['code', 'code']",
    ),
    "columns that disagree": (
        pd.DataFrame({"code": [323133], "architecture": ["323130"]}),
        "expected one cell",
    ),
    "a gap": (pd.Series([2581, None]), "expected a genotype"),
    "fractions": (pd.Series([2581.5, 3.0]), "expected a genotype"),
    "codes beside padded indices": (pd.Series(["001234", "2581"]), "indices alone, got both"),
    "no architecture": (pd.DataFrame({"code": [999999]}), "expected"),
    "six columns": (np.zeros((2, 6), dtype=int), "expected"),
    "bytes": (b"323133", "expected"),
    "None": (None, "expected"),
    "a set of nothing known": ({"cell"}, "expected"),
}


@pytest.mark.parametrize(("given", "told"), BAD.values(), ids=BAD.keys())
def test_other_containers_are_refused_in_one_line(given, told, fitted):
    with pytest.raises(InvalidInputError) as refused:
        fitted("random_forest").predict(given)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(InvalidInputError):
        forest().fit(given, [0.1, 0.2])


def test_targets_are_called_as_the_values_are():
    cells, y = list(training_cells()), training_values(3)
    frame = pd.DataFrame(y, columns=["clean", "pgd-8", "flat"])
    assert forest().fit(cells, frame).targets == ("clean", "pgd-8", "flat")
    assert forest().fit(cells, frame["pgd-8"]).targets == ("pgd-8",)
    assert forest().fit(cells, frame, targets=["a", "b", "c"]).targets == ("a", "b", "c")
    assert forest().fit(cells, pd.DataFrame(y)).targets == ("value-0", "value-1", "value-2")
    assert forest().fit(cells, pd.Series(y[:, 0])).targets == ("value",)
    assert forest().fit(cells, list(y[:, 0])).targets == ("value",)
    with pytest.raises(InvalidInputError, match="targets: expected 3 distinct names"):
        forest().fit(cells, frame.set_axis(["a", "a", "b"], axis=1))


@each_kind
def test_cross_validation(kind):
    cells, y = list(training_cells())[:24], training_values()[:24]
    predictor = make_small(kind, calibration_folds=0)
    scores = cross_val_score(predictor, cells, y, cv=2)
    found = cross_validate(
        predictor,
        pd.Series(cells),
        pd.Series(y),
        cv=2,
        scoring={"r2": "r2", "tau": kendall_scorer},
        return_estimator=True,
        return_train_score=True,
    )
    np.testing.assert_array_equal(found["test_r2"], scores)
    model = found["estimator"][0]
    assert found["test_tau"][0] == kendall_tau(y[:12], model.predict(cells[:12]))
    predicted = cross_val_predict(predictor, cells, y, cv=2)
    np.testing.assert_array_equal(predicted[:12], model.predict(cells[:12]))


def test_cross_validation_of_many_targets():
    cells = list(training_cells())
    y = pd.DataFrame(training_values(3)[:, :2], columns=["a", "b"], index=range(100, 160))
    r2 = cross_val_score(forest(), pd.Series(cells, index=range(7, 67)), y, cv=3)
    model = forest().fit(cells[20:], y[20:])
    assert r2[0] == r2_score(y[:20], model.predict(cells[:20]))
    tau = cross_val_score(forest(), cells, y, cv=3, scoring=kendall_scorer)
    each = [kendall_tau(y[:20][name], model.predict(cells[:20], as_frame=True)[name]) for name in y]
    assert tau[0] == pytest.approx(np.mean(each), rel=1e-12)
    alone = cross_val_score(forest(), cells, y["a"], cv=3, scoring=make_scorer(kendall_tau))
    by_ours = cross_val_score(forest(), cells, y["a"], cv=3, scoring=kendall_scorer)
    np.testing.assert_array_equal(alone, by_ours)


@each_kind
def test_grid_search(kind):
    cells, y = list(training_cells())[:24], training_values()[:24]
    predictor = make_small(kind, calibration_folds=0)
    search = GridSearchCV(predictor, {"seed": [0, 1]}, cv=2, scoring=kendall_scorer)
    search.fit(cells, y)
    assert search.best_estimator_.seed == search.best_params_["seed"]
    np.testing.assert_array_equal(search.predict(NEW), search.best_estimator_.predict(NEW))


@pytest.fixture
def workers_end() -> Iterator[None]:
    """End joblib's workers, which would wait for more work in the tests to come."""
    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("workers_end")
def test_randomised_search_and_workers():
    cells, y = pd.DataFrame({"code": [c.code for c in training_cells()]}), training_values()
    spread = {"trees": [2, 3, 5, 9], "column_share": [0.1, 0.3, 1.0]}
    found = [
        RandomizedSearchCV(forest(), spread, n_iter=4, cv=2, random_state=0, n_jobs=n).fit(cells, y)
        for n in (1, 2)
    ]
    assert found[0].best_params_ == found[1].best_params_
    np.testing.assert_array_equal(found[0].predict(NEW), found[1].predict(NEW))


def test_pipelines():
    cells, y = [cell.code for cell in training_cells()], training_values()
    # Codes that were read as numbers have lost the zeros in front.
    mend = FunctionTransformer(lambda numbers: [f"{number:06d}" for number in numbers])
    pipeline = make_pipeline(mend, forest())
    numbers = [int(code) for code in cells]
    pipeline.fit(numbers, y)
    np.testing.assert_array_equal(pipeline.predict(numbers), forest().fit(cells, y).predict(cells))
    assert pipeline.score(numbers, y) == forest().fit(cells, y).score(cells, y)
    search = GridSearchCV(pipeline, {"randomforest__trees": [2, 30]}, cv=3).fit(numbers, y)
    assert search.best_params_ == {"randomforest__trees": 30}
    check_is_fitted(pipeline)
    assert "RandomForest" in repr(pipeline)
    assert "RandomForest" in pipeline._repr_html_()


def test_learning_curves():
    cells, y = list(training_cells()), training_values()
    sizes, _, held_out = learning_curve(forest(), cells, y, train_sizes=[10, 40], cv=3)
    assert sizes.tolist() == [10, 40]
    assert held_out.shape == (2, 3)
    model = forest().fit(cells[20:60], y[20:60])
    assert held_out[1, 0] == model.score(cells[:20], y[:20])


def test_transformed_targets():
    cells, y = list(training_cells()), training_values()
    around = TransformedTargetRegressor(forest(), func=np.log, inverse_func=np.exp)
    predicted = around.fit(as_array(cells), y).predict(as_array(NEW))
    inner = forest().fit(cells, np.log(y))
    np.testing.assert_array_equal(predicted, np.exp(inner.predict(NEW)))


def test_the_page_lists_every_test_and_no_other():
    rows = re.findall(r"^\|[^|]*\|[^|]*\|\s*`(test_\w+)`", PAGE.read_text(), flags=re.MULTILINE)
    own = {name for name in globals() if name.startswith("test_")}
    assert len(rows) == len(set(rows))
    assert set(rows) == own - {"test_the_page_lists_every_test_and_no_other"}
