"""What a measurement has found so far, in a file that survives a crash."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from .._classifiers import find_modules
from .._files import read_json, write_json
from .._seals import check_seal, hash_tensor, seal
from ..attacks import AbstractAttack
from ..errors import InvalidInputError
from ..typing import AnyPath

Measurement = dict[str, Any]
"""What is measured: network, images, labels, attack and batch size, as JSON can say."""


@dataclass(frozen=True)
class Progress:
    """Outcomes of the first images.

    Args:
        path: Where it is kept; None nowhere.
        measurement: What is measured.
        correct: Whether each of the first images is classified right.
    """

    path: Path | None
    measurement: Measurement
    correct: list[bool]

    @property
    def done(self) -> int:
        """How many images are done."""
        return len(self.correct)

    @classmethod
    def start(cls, path: AnyPath | None, describe: Callable[[], Measurement]) -> "Progress":
        """Return what a file says, or nothing done where there is none.

        Raises:
            InvalidInputError: If the file is damaged, or of another measurement.
        """
        if path is None:
            return cls(None, {}, [])
        place, measurement = Path(path), describe()
        if not place.exists():
            return cls(place, measurement, [])
        found = read_json(place)
        correct = found.get("correct") if isinstance(found, dict) else None
        was = found.get("measurement") if isinstance(found, dict) else None
        if not isinstance(correct, str) or set(correct) - {"0", "1"} or not isinstance(was, dict):
            msg = f"{place}: expected the progress of a measurement, got another document"
            raise InvalidInputError(f"{msg} (delete it to measure anew)")
        check_seal(found, str(place), advice="delete it to measure anew")
        if was != measurement or len(correct) > measurement["n"]:
            other = [key for key in measurement if was.get(key) != measurement[key]]
            msg = f"{place}: expected the progress of this measurement, got one with another "
            raise InvalidInputError(msg + (", ".join(other) or "number of images"))
        return cls(place, measurement, [digit == "1" for digit in correct])

    def with_(self, correct: list[bool]) -> "Progress":
        """Return it with further outcomes, after writing it."""
        after = replace(self, correct=[*self.correct, *correct])
        if self.path is not None:
            outcomes = "".join("1" if right else "0" for right in after.correct)
            write_json(self.path, seal({"measurement": self.measurement, "correct": outcomes}))
        return after


def describe_measurement(
    network: Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    attack: AbstractAttack | None,
    batch_size: int,
) -> Measurement:
    """Return what tells a measurement from another: hashes of weights, images, labels, options."""
    states = [module.state_dict() for module in find_modules(network)]
    return {
        "network": _digest(*(tensor for state in states for tensor in state.values())),
        "images": _digest(x),
        "labels": _digest(y),
        "attack": None if attack is None else attack.describe(),
        "batch_size": batch_size,
        "n": len(x),
    }


def _digest(*tensors: Tensor) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        hash_tensor(found, tensor)
    return found.hexdigest()[:16]
