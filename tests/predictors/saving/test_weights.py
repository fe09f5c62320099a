"""The arrays of a predictor in one file: each is needed as it was declared, and none besides."""

import hashlib
import json
import shutil
from functools import cache

import numpy as np
import pytest

from surrobust._parts import pack, unpack
from surrobust._tensors import pack_tensors, unpack_tensors
from surrobust.encodings import Columns
from surrobust.errors import InvalidModelError
from surrobust.predictors import PREDICTORS, load_folder
from surrobust.predictors.saving.weights import WEIGHTS, pack_model, restore_model
from surrobust.processes.prior import PriorScores

from ..conftest import make_small

KINDS = [*PREDICTORS, "default with a prior", "gp with columns"]


@pytest.fixture(scope="module")
def known(fitted, toy_cells, toy_values):
    """``known(kind, m)``: a small predictor of a kind, and of what it may know beforehand."""

    @cache
    def get(kind, m=1):
        name, _, more = kind.partition(" with ")
        if not more:
            return fitted(kind, m)
        numbers = np.random.default_rng(0).normal(size=(15625, 2))
        numbers[::5] = np.nan
        columns = {"columns": Columns.of(("a", "b"), numbers)}
        options = {"prior": fitted("xgboost")} if more == "a prior" else columns
        values = np.stack([toy_values] * m, axis=1)
        return make_small(name, **options).fit(toy_cells, values)

    return get


@pytest.fixture
def saved(known, tmp_path):
    """``saved(kind, m)``: the folder of a small predictor, to be copied."""

    def get(kind, m=1):
        known(kind, m).save(tmp_path / "model")
        return tmp_path / "model"

    return get


def refused(folder, name, tensors):
    """Return why a folder is refused whose file ``name`` has these arrays, and a fitting card."""
    bad = folder.with_name("bad")
    shutil.copytree(folder, bad)
    content = pack_tensors(tensors)
    (bad / name).write_bytes(content)
    card = json.loads((bad / "card.json").read_text())
    card["files"][name] = hashlib.sha256(content).hexdigest()
    (bad / "card.json").write_text(json.dumps(card))
    with pytest.raises(InvalidModelError) as caught:
        load_folder(bad)
    shutil.rmtree(bad)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{bad}: ")
    # By what is declared, not by what predictions become of it.
    assert "fingerprint" not in text
    assert "that predict" not in text
    return text


def arrays_of(folder):
    """Return each file and all of its arrays."""
    for path in sorted(folder.glob("*.safetensors")):
        yield path.name, unpack_tensors(path.read_bytes(), name="x")


@pytest.mark.parametrize("kind", KINDS)
def test_names_say_what_an_array_is(kind, saved, known):
    tensors = unpack_tensors((saved(kind, 3) / WEIGHTS).read_bytes(), name="x")
    state = {"state.is_single", "state.n_train", "state.trained", "state.calibration.bends"}
    assert {"identity", "state.ranges.targets", *state} <= set(tensors)
    columns = {"columns"} if kind.endswith("columns") else set()
    assert {n.partition(".")[0] for n in tensors} == {"identity", "state", "model"} | columns
    identity = json.loads(json.loads(tensors["identity"].tobytes()))
    assert identity["kind"] == kind.partition(" ")[0]
    arrays, boosters = pack_model(known(kind, 3))
    assert {f"model.{name}" for name in arrays} == {n for n in tensors if n.startswith("model.")}
    for name, array in arrays.items():
        np.testing.assert_array_equal(tensors[f"model.{name}"], array)
    for name, content in boosters.items():
        assert (saved(kind, 3) / name).read_bytes() == content


@pytest.mark.parametrize("kind", KINDS)
def test_each_array_is_needed_of_its_type_and_shape_and_finite(kind, saved):
    folder, looked_at = saved(kind), 0
    for name, tensors in arrays_of(folder):
        for key, array in tensors.items():
            dropped = {other: a for other, a in tensors.items() if other != key}
            other_type = np.int32 if array.dtype == np.float64 else np.float64
            spoilt = {
                "dropped": dropped,
                "of another type": {**tensors, key: np.ones(array.shape, other_type)},
                "with an axis more": {**tensors, key: np.zeros((*array.shape, 2), array.dtype)},
            }
            if array.dtype.kind == "f" and array.size:
                spoilt["no number"] = {**tensors, key: np.full_like(array, np.nan)}
                spoilt["infinite"] = {**tensors, key: np.full_like(array, -np.inf)}
            for change in spoilt.values():
                refused(folder, name, change)
            looked_at += 1
    assert looked_at > 8


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_there_besides(kind, saved):
    folder = saved(kind)
    tensors = unpack_tensors((folder / WEIGHTS).read_bytes(), name="x")
    more = ("other", "state.other", "state.ranges.other", "model.other", "modelled", "columns.x")
    for name in more:
        text = refused(folder, WEIGHTS, {**tensors, name: np.zeros(3)})
        assert "expected" in text
    # Nor may an array that is declared be there under another name.
    for name in list(tensors)[::5]:
        moved = {(f"{key}x" if key == name else key): array for key, array in tensors.items()}
        refused(folder, WEIGHTS, moved)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_other_sizes_are_refused(kind, saved):
    """Of each array an axis is one shorter: whatever it is to fit tells."""
    folder = saved(kind, 3)
    alone = ("state.trained",)  # as many as they are
    for name, tensors in arrays_of(folder):
        for key, array in tensors.items():
            is_text = array.dtype == np.uint8
            for axis in range(array.ndim):
                if is_text or key in alone or not array.shape[axis]:
                    continue
                shorter = np.delete(array, -1, axis)
                if key.endswith("calibration.scores") and axis == 0:
                    continue  # as many as there are cells
                refused(folder, name, {**tensors, key: shorter})


def test_arrays_of_another_number_of_targets_are_refused(fitted):
    for kind in ("xgboost", "random_forest", "gnn"):
        tensors, files = pack_model(fitted(kind, 3))
        like = fitted(kind, 3)
        fresh = type(like)(**like.arguments)
        with pytest.raises(InvalidModelError, match=r"as float\d\d of shape"):
            restore_model(fresh, tensors, files, 1)
        restore_model(fresh, tensors, files, 3)


def test_boosters_that_nobody_has_are_refused(fitted):
    for kind in ("random_forest", "gnn"):
        tensors, files = pack_model(fitted(kind))
        like = fitted(kind)
        with pytest.raises(InvalidModelError, match=r"no files besides the arrays, got booster-0"):
            restore_model(type(like)(**like.arguments), tensors, {"booster-0.ubj": b""}, 1)
        assert not files


def test_columns_come_back_to_the_bit_and_only_sound_ones(tmp_path, rng):
    numbers = rng.normal(size=(6466, 3))
    numbers[::7, 0] = np.nan
    numbers[0, 1] = 1e300
    known = Columns(("a", "b", "c"), numbers, (2, 1))
    tensors = pack(known)
    again = unpack(Columns, tensors)
    assert again.sha256 == known.sha256
    assert again.widths == (2, 1)
    infinite = numbers.copy()
    infinite[0, 0] = np.inf
    for change in (
        {"numbers": infinite},
        {"numbers": numbers[:-1]},
        {"numbers": np.ones((6466, 3))},
        {"numbers": numbers[:, :2]},
        {"widths": tensors["names"]},
        {"names": tensors["widths"]},
    ):
        with pytest.raises(ValueError, match="expected"):
            unpack(Columns, {**tensors, **change})


def test_scores_of_a_prior_come_back_to_the_bit_and_only_its_own(rng):
    one, other = (
        PriorScores.of_columns({"a": rng.normal(size=6466), "b": rng.normal(size=6466)}, name=n)
        for n in ("one", "other")
    )
    again = unpack(PriorScores, pack(one))
    again.check_reference(one.reference)
    assert again.targets == ("a", "b")
    np.testing.assert_array_equal(again.scores, one.scores)
    for reference in (other.reference, {**one.reference, "name": "other"}, {"sha256": ""}):
        with pytest.raises(InvalidModelError, match="prior: expected sha256"):
            again.check_reference(reference)
    text = np.frombuffer(b'["a"]', dtype=np.uint8)
    with pytest.raises(InvalidModelError, match="expected 2 targets, got 1"):
        unpack(PriorScores, {**pack(one), "targets": text})
