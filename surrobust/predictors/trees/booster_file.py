"""Boosters between a file and xgboost, which trusts what it reads.

Indices are followed there, and lengths believed. So it reads no file: what says how to predict is
read here, checked, and written anew.

Versions differ. The values of leaves with several targets were in ``base_weights`` until 3.1, and
are in ``leaf_weights`` since 3.2; ``base_score`` is a list since 3.1, which 3.0 reads as one half.
What is written here all of them from 2.1 on read alike, whichever wrote the file.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..._checks import brief
from ...errors import InvalidModelError
from ...typing import IntArray
from .ubjson import read_ubjson, write_ubjson

_LEFT, _RIGHT, _PARENT, _AT = "left_children", "right_children", "parents", "split_conditions"
_NODES = {
    _LEFT: ">i4",
    _RIGHT: ">i4",
    _PARENT: ">i4",
    _AT: ">f4",
    "split_indices": ">i4",
    "split_type": ">u1",
    "default_left": ">u1",
}
_STATISTICS = ("loss_changes", "sum_hessian")
_CATEGORIES = {
    "categories": ">i4",
    "categories_nodes": ">i4",
    "categories_segments": ">i8",
    "categories_sizes": ">i8",
}
_OBJECTIVE = "reg:squarederror"
_NONE = -1
_NO_PARENT = 2**31 - 1
"""The parent of a root where there is one target; it is ``_NONE`` where there are several."""

_DEEPEST = 256
_LARGEST = 1e6
"""No leaf has a larger value, in units of its target's spread."""


def rebuild_booster(
    content: bytes, *, name: str, n_features: int, n_targets: int, n_trees: int
) -> bytes:
    """Return a booster of regression trees as xgboost may read it.

    Args:
        content: What xgboost wrote as UBJSON, if the file is what it should be.
        name: Of the file.
        n_features: How many the booster must know.
        n_targets: How many each leaf must predict.
        n_trees: How many it must have.

    Raises:
        InvalidModelError: If it is another; the message begins with the file's ``name``.
    """
    try:
        trees = _trees_of(read_ubjson(content)["learner"], n_features, n_targets, n_trees)
        nodes, starts = _nodes_of(trees, n_features, n_targets)
        _check_structure(nodes, starts, n_features)
        values = _leaf_values(trees, nodes, starts, n_targets)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        text = " ".join(str(error).split())
        msg = f"{name}: expected an xgboost booster as UBJSON, got: {text}"
        raise InvalidModelError(msg) from None
    documents = _documents(nodes, values, starts, n_features)
    return write_ubjson(_document(documents, n_features, n_targets))


def _trees_of(learner: Any, n_features: int, n_targets: int, n_trees: int) -> list[Any]:
    """Return the trees of a learner in which nothing else says how to predict."""
    shape = learner["learner_model_param"]
    _expect("features", int(shape["num_feature"]), n_features)
    _expect("targets", int(shape["num_target"]), n_targets)
    _expect("classes", int(shape["num_class"]), 0)
    scores = [float(score) for score in shape["base_score"].strip("[]").split(",")]
    # Training sets 0: any other would be added to every prediction.
    _expect("base scores", set(scores), {0.0})
    _expect("objective", learner["objective"]["name"], _OBJECTIVE)
    for key, none in (("attributes", {}), ("feature_names", []), ("feature_types", [])):
        _expect(key, learner[key], none)
    _expect("booster", learner["gradient_booster"]["name"], "gbtree")
    model = learner["gradient_booster"]["model"]
    trees: list[Any] = model["trees"]
    _expect("trees", len(trees), n_trees)  # before anything of that size is made
    places = list(range(n_trees + 1))
    _expect("number of trees", int(model["gbtree_model_param"]["num_trees"]), n_trees)
    _expect("trees at once", int(model["gbtree_model_param"]["num_parallel_tree"]), 1)
    _expect("groups of trees", list(model["tree_info"]), [0] * n_trees)
    _expect("ends of rounds", list(model["iteration_indptr"]), places)
    _expect("numbers of trees", [tree["id"] for tree in trees], places[:-1])
    for key, part in model.get("cats", {}).items():
        _expect(key, len(part), 0)
    return trees


def _nodes_of(
    trees: Sequence[Any], n_features: int, n_targets: int
) -> tuple[dict[str, np.ndarray], IntArray]:
    """Return what each node has, one tree after the other, ``(nodes,)``, and where trees begin.

    ``base_weights`` are ``(nodes, m)``; the last of the beginnings, ``(trees + 1,)``, is the end.
    """
    sizes = [len(tree[_LEFT]) for tree in trees]
    for tree, n in zip(trees, sizes, strict=True):
        given = tree["tree_param"]
        _require(n > 0, "a tree without nodes")
        _expect("nodes", int(given["num_nodes"]), n)
        _expect("deleted nodes", int(given["num_deleted"]), 0)
        _expect("features of a tree", int(given["num_feature"]), n_features)
        _expect("values in a leaf", int(given["size_leaf_vector"]), n_targets)
        for key, kind in _CATEGORIES.items():
            _array(tree, key, kind, 0)
    nodes = {key: _joined(trees, key, kind, sizes) for key, kind in _NODES.items()}
    weights = _joined(trees, "base_weights", ">f4", [n * n_targets for n in sizes])
    nodes["base_weights"] = weights.reshape(-1, n_targets)
    # Versions before 3.2 write none of trees with several targets.
    has_none = n_targets > 1 and not any(key in tree for tree in trees for key in _STATISTICS)
    for key in _STATISTICS:
        none = np.zeros(sum(sizes), np.float32)
        nodes[key] = none if has_none else _joined(trees, key, ">f4", sizes)
    return nodes, np.cumsum([0, *sizes])


def _check_structure(nodes: dict[str, np.ndarray], starts: IntArray, n_features: int) -> None:
    """Make sure that every node of a tree is reached from its root, on one way, and can decide."""
    sizes = np.diff(starts)
    first, size = np.repeat(starts[:-1], sizes), np.repeat(sizes, sizes)
    here = np.arange(len(first)) - first
    inner = np.flatnonzero(nodes[_LEFT] != _NONE)
    children = np.stack([nodes[_LEFT][inner], nodes[_RIGHT][inner]]).astype(np.int64)
    # Children come after their parent, so no walk goes round in a circle.
    exist = (children > here[inner]) & (children < size[inner])
    _require(exist.all(), "a tree with children that do not exist")
    parents = np.full(len(here), _NONE)
    parents[children + first[inner]] = here[inner]
    is_root = here == 0
    is_reached = (parents >= 0) | is_root
    # Two children for each inner node, and as many children as nodes that are no
    # roots: then each reached node is the child of one.
    once = 2 * len(inner) == len(here) - len(sizes) and is_reached.all()
    _require(once, "a tree with nodes that are not reached on one way")
    # Both ways of writing that a root has no parent count as one.
    given = np.where(is_root & (nodes[_PARENT] == _NO_PARENT), _NONE, nodes[_PARENT])
    _require((given == parents).all(), "a tree with parents that are not its children's")
    features = nodes["split_indices"][inner]
    exist = (features >= 0) & (features < n_features)
    are_numbers = exist.all() and not nodes["split_type"].any()
    _require(are_numbers, "a tree that splits on what is not a feature")
    _require((nodes["default_left"] <= 1).all(), "a tree with unknown default directions")
    at = starts[:-1]
    for _ in range(_DEEPEST + 1):
        at = at[nodes[_LEFT][at] != _NONE]
        at = (first[at] + [nodes[_LEFT][at], nodes[_RIGHT][at]]).ravel()
    _require(not len(at), f"a tree deeper than {_DEEPEST}")


def _leaf_values(
    trees: Sequence[Any], nodes: dict[str, np.ndarray], starts: IntArray, n_targets: int
) -> np.ndarray:
    """Return the values of leaves, ``(nodes, m)``, and anything in the place of other nodes."""
    is_leaf, right = nodes[_LEFT] == _NONE, nodes[_RIGHT]
    values = nodes[_AT][:, None] if n_targets == 1 else nodes["base_weights"]
    if n_targets > 1 and any("leaf_weights" in tree for tree in trees):
        n_leaves = np.add.reduceat(is_leaf, starts[:-1], dtype=np.int64)
        sizes = (n_leaves * n_targets).tolist()
        weights = _joined(trees, "leaf_weights", ">f4", sizes).reshape(-1, n_targets)
        # A leaf says in the place of its right child where its values are.
        first = np.repeat(np.cumsum(n_leaves) - n_leaves, n_leaves)
        places = first + right[is_leaf]
        exist = (right[is_leaf] >= 0) & (right[is_leaf] < np.repeat(n_leaves, n_leaves))
        is_each_once = exist.all() and (np.sort(places) == np.arange(len(places))).all()
        _require(is_each_once, "leaves whose values are not there, each once")
        values = np.zeros_like(values)
        values[is_leaf] = weights[places]
    _require(n_targets > 1 or (right[is_leaf] == _NONE).all(), "a leaf with a child")
    _require(np.isfinite(nodes[_AT][~is_leaf]).all(), "a tree that splits at what is not finite")
    is_plausible = (np.abs(values[is_leaf]) <= _LARGEST).all()
    _require(is_plausible, f"leaves that are not of numbers up to {_LARGEST:g}")
    return values


def _documents(
    nodes: dict[str, np.ndarray], values: np.ndarray, starts: IntArray, n_features: int
) -> list[Any]:
    """Return trees with values ``(nodes, m)`` of their leaves, as all versions of xgboost read."""
    m, is_leaf = values.shape[1], nodes[_LEFT] == _NONE
    written = {**nodes, "split_indices": np.where(is_leaf, 0, nodes["split_indices"])}
    if m > 1:
        number = np.cumsum(is_leaf) - is_leaf
        # Leaves are numbered anew in each tree.
        number -= np.repeat(number[starts[:-1]], np.diff(starts))
        written[_RIGHT] = np.where(is_leaf, number, nodes[_RIGHT]).astype(np.int32)
        written[_AT] = np.where(is_leaf, np.float32(0), nodes[_AT])
        written["base_weights"] = np.where(is_leaf[:, None], values, nodes["base_weights"])
    categories = {key: np.empty(0, kind) for key, kind in _CATEGORIES.items()}
    trees = []
    for i, (start, end) in enumerate(pairwise(starts.tolist())):
        tree: dict[str, Any] = {key: array[start:end].ravel() for key, array in written.items()}
        param = {"num_deleted": "0", "num_feature": str(n_features)}
        param |= {"num_nodes": str(end - start), "size_leaf_vector": str(m)}
        if m > 1:
            tree["leaf_weights"] = values[start:end][is_leaf[start:end]].ravel()
        trees.append({"id": i, "tree_param": param, **categories, **tree})
    return trees


def _document(trees: list[Any], n_features: int, n_targets: int) -> dict[str, Any]:
    """Return the booster of trees, which every version of xgboost reads."""
    n = len(trees)
    shape = {"num_feature": str(n_features), "num_target": str(n_targets), "num_class": "0"}
    return {
        "version": [2, 1, 0],
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "learner_model_param": {**shape, "base_score": "0E0", "boost_from_average": "0"},
            "objective": {
                "name": _OBJECTIVE,
                "reg_loss_param": {"scale_pos_weight": "1"},
            },
            "gradient_booster": {
                "name": "gbtree",
                "model": {
                    "gbtree_model_param": {"num_trees": str(n), "num_parallel_tree": "1"},
                    "iteration_indptr": list(range(n + 1)),
                    "tree_info": [0] * n,
                    "trees": trees,
                },
            },
        },
    }


def _joined(trees: Sequence[Any], key: str, kind: str, sizes: Sequence[int]) -> np.ndarray:
    """Return an array of all trees, one after the other."""
    each = [_array(tree, key, kind, n) for tree, n in zip(trees, sizes, strict=True)]
    joined = np.concatenate(each)
    is_number = key == _AT or joined.dtype.kind != "f" or np.isfinite(joined).all()
    _require(is_number, f"{key} that are not finite")
    return joined


def _array(tree: Any, key: str, kind: str, n: int) -> np.ndarray:
    found = tree[key]
    is_right = isinstance(found, np.ndarray) and found.dtype == kind and len(found) == n
    _require(is_right, f"a tree without {n} {key} of type {kind}")
    array: np.ndarray = found
    return array


def _expect(what: str, got: Any, expected: Any) -> None:
    # By type too: to Python True is 1 and 1 is 1.0, to xgboost they are not.
    is_same = type(got) is type(expected) and got == expected
    _require(is_same, f"{what} {brief(got)} instead of {brief(expected)}")


def _require(condition: Any, got: str) -> None:
    if not condition:
        raise ValueError(got)
