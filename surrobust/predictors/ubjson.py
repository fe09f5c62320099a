"""Boosters read before xgboost sees them: UBJSON in full, and the trees for their sense.

xgboost trusts its files: indices out of range are followed. What passes here has only trees whose
children, features and targets exist and whose numbers are finite.
"""

import struct
from typing import Any

import numpy as np

from ..errors import InvalidModelError

_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_CONSTANTS = {"Z": None, "T": True, "F": False}
_DEEPEST = 32
_NODE_ARRAYS = (
    "left_children",
    "right_children",
    "split_indices",
    "split_conditions",
    "split_type",
)


class _Reader:
    """A cursor over UBJSON bytes (ubjson.org, draft 12)."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.content):
            msg = f"{len(self.content)} bytes that end inside a value"
            raise ValueError(msg)
        self.at += size
        return self.content[self.at - size : self.at]

    def peek(self) -> str:
        return self.content[self.at : self.at + 1].decode("latin-1")

    def mark(self) -> str:
        return self.take(1).decode("latin-1")

    def value(self, mark: str, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            msg = "values nested too deeply"
            raise ValueError(msg)
        if mark in _NUMBERS:
            kind = np.dtype(_NUMBERS[mark])
            return np.frombuffer(self.take(kind.itemsize), kind)[0].item()
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark == "S":
            return self.text()
        if mark == "[":
            return self.array(depth)
        if mark == "{":
            return self.object(depth)
        msg = f"the mark {mark!r} at byte {self.at - 1}"
        raise ValueError(msg)

    def text(self) -> str:
        return self.take(self.length()).decode()

    def length(self) -> int:
        mark = self.mark()
        if mark not in "iUIlL":
            msg = f"the mark {mark!r} for a length at byte {self.at - 1}"
            raise ValueError(msg)
        return int(self.value(mark))

    def array(self, depth: int) -> Any:
        kind = None
        if self.peek() == "$":
            self.mark()
            kind = self.mark()
        if self.peek() == "#":
            self.mark()
            size = self.length()
            if kind in _NUMBERS:
                dtype = np.dtype(_NUMBERS[kind])
                return np.frombuffer(self.take(size * dtype.itemsize), dtype)
            if kind is not None or size < 0 or size > len(self.content):
                msg = f"an array of {size} values of {kind!r}"
                raise ValueError(msg)
            return [self.value(self.mark(), depth + 1) for _ in range(size)]
        values = []
        while (mark := self.mark()) != "]":
            values.append(self.value(mark, depth + 1))
        return values

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.peek() != "}":
            name = self.text()
            if name in found:
                msg = f"the name {name!r} twice in one object"
                raise ValueError(msg)
            found[name] = self.value(self.mark(), depth + 1)
        self.mark()
        return found


def read_ubjson(content: bytes) -> Any:
    """Return a UBJSON document: typed arrays of numbers as numpy arrays, the rest as in JSON.

    Raises:
        ValueError: If it is not one, or bytes are left over.
    """
    reader = _Reader(content)
    document = reader.value(reader.mark())
    if reader.at != len(content):
        msg = f"{len(content) - reader.at} bytes after the end"
        raise ValueError(msg)
    return document


def check_booster(content: bytes, *, name: str, n_features: int, n_targets: int) -> None:
    """Make sure that bytes are a booster of regression trees that can be followed safely.

    Raises:
        InvalidModelError: If not; the message begins with the file's ``name``.
    """
    try:
        _check_learner(read_ubjson(content)["learner"], n_features, n_targets)
    except (ValueError, TypeError, LookupError, AttributeError, struct.error) as error:
        text = " ".join(str(error).split())
        msg = f"{name}: expected an xgboost booster as UBJSON, got: {text}"
        raise InvalidModelError(msg) from None


def _check_learner(learner: dict[str, Any], n_features: int, n_targets: int) -> None:
    shape = learner["learner_model_param"]
    _expect("features", int(shape["num_feature"]), n_features)
    _expect("targets", int(shape["num_target"]), n_targets)
    _expect("classes", int(shape["num_class"]), 0)
    _expect("objective", learner["objective"]["name"], "reg:squarederror")
    _expect("booster", learner["gradient_booster"]["name"], "gbtree")
    model = learner["gradient_booster"]["model"]
    trees = model["trees"]
    _expect("trees", int(model["gbtree_model_param"]["num_trees"]), len(trees))
    _expect("groups of trees", list(model["tree_info"]), [0] * len(trees))
    for tree in trees:
        _check_tree(tree, n_features, n_targets)


def _check_tree(tree: dict[str, Any], n_features: int, n_targets: int) -> None:
    n = int(tree["tree_param"]["num_nodes"])
    _expect("values in a leaf", int(tree["tree_param"]["size_leaf_vector"]), n_targets)
    left, right, split, value, kind = (np.asarray(tree[key]) for key in _NODE_ARRAYS)
    if n < 1 or any(array.shape != (n,) for array in (left, right, split, value, kind)):
        msg = "a tree with arrays of different lengths"
        raise ValueError(msg)
    inner, nodes = left != -1, np.arange(n)
    # Children come after their parent, so no walk goes round in a circle.
    if any(((child <= nodes) | (child >= n))[inner].any() for child in (left, right)):
        msg = "a tree with children that do not exist"
        raise ValueError(msg)
    if ((split < 0) | (split >= n_features))[inner].any() or (kind != 0).any():
        msg = "a tree that splits on what is not a feature"
        raise ValueError(msg)
    if not np.isfinite(value).all():
        msg = "a tree with numbers that are not finite"
        raise ValueError(msg)
    if n_targets == 1:
        _expect("right children of leaves", set(right[~inner].tolist()), {-1})
    else:
        _check_leaf_vectors(np.asarray(tree["leaf_weights"]), right[~inner], n_targets)


def _check_leaf_vectors(weights: np.ndarray, places: np.ndarray, n_targets: int) -> None:
    """Leaves with several values say where those are in the place of a right child."""
    n_leaves = len(places)
    if weights.shape != (n_leaves * n_targets,) or not np.isfinite(weights).all():
        msg = "a tree without a finite value for each leaf and target"
        raise ValueError(msg)
    if ((places < 0) | (places >= n_leaves)).any():
        msg = "a leaf whose values do not exist"
        raise ValueError(msg)


def _expect(what: str, got: Any, expected: Any) -> None:
    if got != expected:
        msg = f"{what} {got!r} instead of {expected!r}"
        raise ValueError(msg)
