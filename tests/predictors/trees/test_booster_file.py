"""Boosters: whatever a file says, xgboost sees trees that can be followed, or none."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from surrobust.errors import InvalidModelError
from surrobust.predictors.trees.booster_file import rebuild_booster
from surrobust.predictors.trees.ubjson import read_ubjson, write_ubjson

Change = Callable[[dict[str, Any]], Any]

TREES, FEATURES = 4, 6


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).random((200, FEATURES), dtype=np.float32)


@pytest.fixture(scope="module")
def files(rows) -> dict[int, bytes]:
    """Small boosters of one and of three targets, as xgboost writes them."""
    import xgboost

    parameters = {
        "base_score": 0.0,
        "max_depth": 3,
        "nthread": 1,
        "multi_strategy": "multi_output_tree",
        "tree_method": "hist",
    }
    made = {}
    for m in (1, 3):
        data = xgboost.DMatrix(rows, np.random.default_rng(m).random((len(rows), m)))
        made[m] = bytes(xgboost.train(parameters, data, TREES).save_raw("ubj"))
    return made


def rebuild(content: bytes, m: int) -> bytes:
    shape = {"n_features": FEATURES, "n_targets": m, "n_trees": TREES}
    return rebuild_booster(content, name="b", **shape)


def predict(content: bytes, rows: np.ndarray) -> np.ndarray:
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    return np.asarray(booster.inplace_predict(rows))


def copy_of(value: Any) -> Any:
    """Return a document whose arrays can be changed."""
    if isinstance(value, dict):
        return {key: copy_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_of(item) for item in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def model_of(document: dict[str, Any]) -> Any:
    return document["learner"]["gradient_booster"]["model"]


def trees_of(document: dict[str, Any]) -> Any:
    return model_of(document)["trees"]


@pytest.mark.parametrize("m", [1, 3])
def test_a_rebuilt_booster_predicts_the_same_to_the_last_bit(m, files, rows):
    rebuilt = rebuild(files[m], m)
    np.testing.assert_array_equal(predict(rebuilt, rows), predict(files[m], rows))
    assert rebuild(rebuilt, m) == rebuilt


def as_before_3_2(document: dict[str, Any]) -> None:
    """Write what leaves with several values have as older versions did."""
    for tree in trees_of(document):
        is_leaf = tree["left_children"] == -1
        weights = tree.pop("leaf_weights").reshape(-1, 3)
        tree["base_weights"].reshape(-1, 3)[is_leaf] = weights[tree["right_children"][is_leaf]]
        tree["right_children"][is_leaf] = -1
        tree["split_conditions"][is_leaf] = np.nan
        del tree["loss_changes"], tree["sum_hessian"]
    document["learner"]["learner_model_param"]["base_score"] = "0E0"
    del model_of(document)["cats"]
    document["version"] = [2, 1, 4]


def with_leaves_in_another_order(document: dict[str, Any]) -> None:
    for tree in trees_of(document):
        is_leaf = tree["left_children"] == -1
        tree["right_children"][is_leaf] = np.arange(is_leaf.sum())[::-1]
        tree["leaf_weights"] = tree["leaf_weights"].reshape(-1, 3)[::-1].ravel()


@pytest.mark.parametrize("written", [as_before_3_2, with_leaves_in_another_order])
def test_what_other_versions_write_is_read(written, files, rows):
    document = copy_of(read_ubjson(rebuild(files[3], 3)))
    model_of(document)["cats"] = {"enc": [], "feature_segments": np.zeros(0, ">i4")}
    written(document)
    rebuilt = rebuild(write_ubjson(document), 3)
    np.testing.assert_array_equal(predict(rebuilt, rows), predict(files[3], rows))


def put(key: str, at: int, value: float) -> Change:
    def change(document: dict[str, Any]) -> None:
        trees_of(document)[1][key][at] = value

    return change


def tree(key: str, value: Any) -> Change:
    return lambda document: trees_of(document)[1].update({key: value})


def without(key: str) -> Change:
    return lambda document: trees_of(document)[1].pop(key)


def param(key: str, value: str) -> Change:
    return lambda document: trees_of(document)[1]["tree_param"].update({key: value})


def learner(key: str, value: Any) -> Change:
    return lambda document: document["learner"].update({key: value})


def shape(key: str, value: Any) -> Change:
    return lambda document: document["learner"]["learner_model_param"].update({key: value})


def model(key: str, value: Any) -> Change:
    return lambda document: model_of(document).update({key: value})


ARRAYS = (
    *("left_children", "right_children", "parents", "split_indices", "split_conditions"),
    *("split_type", "default_left", "base_weights", "loss_changes", "sum_hessian"),
    *("categories", "categories_nodes", "categories_segments", "categories_sizes"),
)

CHANGES: dict[str, Change] = {
    **{f"without {key}": without(key) for key in (*ARRAYS, "id", "tree_param")},
    **{f"short {key}": tree(key, np.zeros(2, ">i4")) for key in ARRAYS},
    "wrong type": tree("left_children", np.zeros(15, ">i8")),
    "no array": tree("parents", [0] * 15),
    "a flipped bit in parents": put("parents", 3, 1 ^ 2),
    "parent far away": put("parents", 3, 2**30),
    "no parent": put("parents", 3, -1),
    "root with a parent": put("parents", 0, 2),
    "child is the node": put("left_children", 1, 1),
    "child before its parent": put("left_children", 1, 0),
    "child far away": put("right_children", 1, 2**31 - 1),
    "child of two": put("left_children", 1, 5),
    "children alike": put("right_children", 0, 1),
    "negative child": put("left_children", 1, -2),
    "leaf that is none": put("left_children", 1, -1),
    "feature 6": put("split_indices", 0, FEATURES),
    "feature -1": put("split_indices", 0, -1),
    "categorical": put("split_type", 0, 1),
    "default 2": put("default_left", 0, 2),
    "nan threshold": put("split_conditions", 0, np.nan),
    "nan statistic": put("sum_hessian", 0, np.inf),
    "categories": tree("categories_nodes", np.array([0], ">i4")),
    "many nodes": param("num_nodes", "1000000"),
    "deleted nodes": param("num_deleted", "1"),
    "many values": param("size_leaf_vector", "1000000"),
    "other features": param("num_feature", "7"),
    "no number": param("num_nodes", "15.0"),
    "id of another": tree("id", 0),
    "id beyond": tree("id", TREES),
    "negative id": tree("id", -1),
    "all features": shape("num_feature", "7"),
    "targets": shape("num_target", "2"),
    "classes": shape("num_class", "3"),
    "base score": shape("base_score", "5E-1"),
    "no base score": shape("base_score", ""),
    "objective": learner("objective", {"name": "binary:logistic"}),
    "attributes": learner("attributes", {"best_iteration": "1"}),
    "names": learner("feature_names", ["a"]),
    "booster": lambda document: document["learner"]["gradient_booster"].update({"name": "dart"}),
    "tree count": model("gbtree_model_param", {"num_trees": "5", "num_parallel_tree": "1"}),
    "parallel trees": model("gbtree_model_param", {"num_trees": "4", "num_parallel_tree": "4"}),
    "ends of rounds": model("iteration_indptr", [0, 1, 2, 3, 1000]),
    "groups": model("tree_info", [0, 0, 0, 7]),
    "no trees": model("trees", []),
    "encoded categories": model("cats", {"enc": [1]}),
}


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("change", CHANGES)
def test_a_booster_that_is_no_booster_is_refused(change, m, files):
    document = copy_of(read_ubjson(rebuild(files[m], m)))
    CHANGES[change](document)
    with pytest.raises(InvalidModelError, match=r"^b: expected an xgboost booster as UBJSON, got"):
        rebuild(write_ubjson(document), m)


def test_leaves_are_finite_plausible_and_where_they_should_be(files):
    for value in (np.nan, np.inf, 1e30):
        document = copy_of(read_ubjson(files[1]))
        put("split_conditions", -1, value)(document)
        with pytest.raises(InvalidModelError, match="leaves"):
            rebuild(write_ubjson(document), 1)
    for key, value in (("leaf_weights", np.nan), ("leaf_weights", 1e30), ("right_children", 10**6)):
        document = copy_of(read_ubjson(rebuild(files[3], 3)))
        put(key, -1, value)(document)
        with pytest.raises(InvalidModelError, match="lea"):
            rebuild(write_ubjson(document), 3)


def test_many_trees_of_one_number_are_refused_at_once(files):
    document = read_ubjson(files[1])
    n, part = 20_000, model_of(document)
    part["trees"] = part["trees"][:1] * n
    part["tree_info"], part["iteration_indptr"] = [0] * n, list(range(n + 1))
    part["gbtree_model_param"]["num_trees"] = str(n)
    with pytest.raises(InvalidModelError, match="numbers of trees"):
        rebuild_booster(
            write_ubjson(document), name="b", n_features=FEATURES, n_targets=1, n_trees=n
        )


def test_a_chain_is_refused(files):
    """xgboost asks for the depth by recursion."""
    n = 2001
    here = np.arange(n)
    left = np.where((here % 2 == 0) & (here < n - 1), here + 1, -1)
    right = np.where(left >= 0, here + 2, -1)
    chain = {
        "left_children": left.astype(">i4"),
        "right_children": right.astype(">i4"),
        "parents": np.where(here, (here - 1) // 2 * 2, 2**31 - 1).astype(">i4"),
        "split_indices": np.zeros(n, ">i4"),
        **{key: np.zeros(n, ">u1") for key in ("split_type", "default_left")},
        **{key: np.zeros(n, ">f4") for key in ("split_conditions", "base_weights")},
        **{key: np.zeros(n, ">f4") for key in ("loss_changes", "sum_hessian")},
    }
    document = read_ubjson(files[1])
    first = trees_of(document)[0]
    first.update(chain)
    first["tree_param"]["num_nodes"] = str(n)
    with pytest.raises(InvalidModelError, match="deeper"):
        rebuild(write_ubjson(document), 1)


INTEGERS = (-2, -1, 0, 1, 2, 3, 7, 14, 15, 100, 10**6, 2**30, 2**31 - 1, -(2**31))
FLOATS = (np.nan, np.inf, -np.inf, 1e38, -1e38, 0.0, 1e-45)
TEXTS = ("", "-1", "0", "1", "2", "3", "15", "1e9", "4294967295", "nan", "dart", "[1E0,2E0]")


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each part of a document but the whole."""
    items = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else items:
        yield (*here, key)
        yield from places(item, (*here, key))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a booster with some bits, bytes, values, names or lengths changed."""
    if rng.random() < 0.3:
        changed = bytearray(content)
        for _ in range(rng.choice([1, 1, 3])):
            at = rng.randrange(len(changed))
            changed[at : at + 1] = rng.choice(
                [bytes([changed[at] ^ 1 << rng.randrange(8)]), b"", bytes([changed[at], 0])]
            )
        return bytes(changed)
    document = copy_of(read_ubjson(content))
    *way, last = rng.choice(list(places(document)))
    place: Any = document
    for key in way:
        place = place[key]
    value = place[last]
    if rng.random() < 0.2:
        del place[last]
    elif isinstance(value, np.ndarray) and value.size and rng.random() < 0.7:
        known = {"f": FLOATS, "u": (0, 1, 2, 255)}.get(value.dtype.kind, INTEGERS)
        value[rng.randrange(len(value))] = rng.choice(known)
    elif isinstance(value, np.ndarray):
        length = rng.choice([0, 1, len(value) + 1, 1000])
        kind = rng.choice([value.dtype, ">i4", ">i8", ">f4", ">u1"])
        place[last] = np.resize(value, length).astype(kind)
    elif isinstance(value, int):
        place[last] = rng.choice(INTEGERS)
    elif isinstance(value, str):
        place[last] = rng.choice(TEXTS)
    else:
        place[last] = rng.choice([[], {}, 0, "", np.zeros(3, ">i4")])
    return write_ubjson(document)


PREDICT = """
import sys
import numpy as np
import xgboost
from surrobust.predictors.trees.ubjson import read_ubjson

rows = np.random.default_rng(0).random((200, 6), dtype=np.float32)
for content in map(bytes, read_ubjson(sys.stdin.buffer.read())):
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    assert np.isfinite(booster.inplace_predict(rows)).all()
    booster.save_raw("ubj")
    print("predicted")
"""


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered in cast")
def test_a_damaged_booster_is_refused_or_predicts_finite_numbers(files):
    """In a process of its own, which xgboost may end."""
    accepted = []
    for seed in range(600):
        rng = random.Random(seed)
        m = rng.choice([1, 3])
        try:
            accepted.append(rebuild(damaged(files[m], rng), m))
        except InvalidModelError:
            continue
    assert 20 < len(accepted) < 300
    document = write_ubjson([np.frombuffer(content, ">u1") for content in accepted])
    run = subprocess.run([sys.executable, "-c", PREDICT], input=document, capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.split() == [b"predicted"] * len(accepted)
