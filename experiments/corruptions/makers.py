"""The makers' own functions, from their ``make_cifar_c.py``, which needs what README says."""

import os
import sys
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Make = Callable[[np.ndarray, str, int], np.ndarray]
"""From images ``(n, 3, 32, 32)``, a corruption and a severity to corrupted images."""


@cache
def load_maker(path: Path) -> Make:
    """Return the published functions, brought to today's names of what they call."""
    text = path.read_text().split("import collections")[0]
    today = {
        "multichannel=True": "channel_axis=-1",
        "np.float_)": "np.float64)",
        "scipy.ndimage.interpolation": "scipy.ndimage",
        "np.fromstring": "np.frombuffer",
        "./frost": f"{path.parent}/frost/frost",
    }
    for before, after in today.items():
        text = text.replace(before, after)
    for name in ("torchvision", "torchvision.datasets", "torchvision.transforms"):
        sys.modules.setdefault(name, types.ModuleType(name))  # not used by what is called
    sys.modules["torchvision"].datasets = sys.modules["torchvision.datasets"]
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    functions: dict[str, Any] = {}
    exec(compile(text, os.fspath(path), "exec"), functions)

    def make(x: np.ndarray, name: str, severity: int) -> np.ndarray:
        np.random.seed(0)  # noqa: NPY002
        found = [
            np.uint8(functions[name](Image.fromarray(np.ascontiguousarray(image)), severity))
            for image in x.transpose(0, 2, 3, 1)
        ]
        return np.stack(found).transpose(0, 3, 1, 2)

    return make
