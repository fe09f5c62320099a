"""NAS-RobBench-201: 6466 cells trained adversarially on three image sets.

Wu, Liu, Simon-Gabriel, Chrysos, Cevher, "Robust NAS under adversarial training: benchmark,
theory, and beyond" (ICLR 2024, arXiv 2403.13134). PGD-7 training at Linf 8/255; clean, FGSM and
PGD-20 accuracies are means of three runs, AutoAttack (torchattacks' "standard") is one run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..._checks import brief
from ..._files import read_json
from ...errors import InvalidInputError
from ...spaces import representative_indices
from ...targets import Target, targets_of
from ...typing import FloatArray
from .formats import layout_error, read_meta, read_page_copy

NAME = "nas-robbench-201"
OFFICIAL_FILE = "NAS-RobBench-201_all.json"
META_FILE = "meta.json"
MEAN = "threeseed"
"""The key under which the official file has the mean of the three runs."""

_PAGE_FILE = "NAS-RobBench-201_html.json"
_IMAGES = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}
_PAGE_METRICS = {
    "clean": "val_acc",
    "fgsm-3": "val_fgsm_3_acc",
    "pgd-3": "val_pgd_3_acc",
    "fgsm-8": "val_fgsm_8_acc",
    "pgd-8": "val_pgd_8_acc",
    "autoattack-8": "autoattack",
}
_OFFICIAL_METRICS = {
    "clean": "val_acc",
    "fgsm-3": "val_fgsm_3.0_acc",
    "pgd-3": "val_pgd_3.0_acc",
    "fgsm-8": "val_fgsm_8.0_acc",
    "pgd-8": "val_pgd_8.0_acc",
    "autoattack-8": "autoattack",
}


def read(files: Mapping[str, bytes]) -> FloatArray:
    """Read the copy behind the project page.

    Args:
        files: The bytes of ``NAS-RobBench-201_html.json``, by file name.

    Returns:
        Fractions ``(6466, 18)``, rows by ascending representative, columns by target.

    Raises:
        InvalidInputError: If the file is laid out otherwise.
    """
    targets = [Target.parse(key) for key in targets_of(NAME)]
    columns = [f"{_IMAGES[t.images]}#{_PAGE_METRICS[t.metric]}" for t in targets]
    return read_page_copy(files[_PAGE_FILE], name=_PAGE_FILE, columns=columns)


def read_official(folder: Path, *, run: str = MEAN) -> tuple[FloatArray, list[Path]]:
    """Read the authors' own download.

    Args:
        folder: Has ``NAS-RobBench-201_all.json`` and ``meta.json``.
        run: ``threeseed``, the mean over runs, or one run such as ``1``, which is what the
            authors' helper returns. AutoAttack was run once and is the same for all.

    Returns:
        Fractions as from :func:`read`, and the files that were read.

    Raises:
        InvalidInputError: If a file is missing or laid out otherwise, or there is no such run.
    """
    paths = [folder / META_FILE, folder / OFFICIAL_FILE]
    read_meta(paths[0])
    document = read_json(paths[1])
    columns = [_column(document, Target.parse(key), run, str(paths[1])) for key in targets_of(NAME)]
    # From (18, 6466), a row per target, to (6466, 18).
    return np.array(columns, dtype=np.float64).T, paths


def _column(document: Any, target: Target, run: str, name: str) -> list[float]:
    images, metric = _IMAGES[target.images], _OFFICIAL_METRICS[target.metric]
    cells = document.get(images) if isinstance(document, dict) else None
    if not isinstance(cells, dict):
        raise layout_error(name, f"an object with the key {images}", "one without it")
    column = []
    for index in representative_indices():
        entry = cells.get(str(index))
        value = entry.get(metric) if isinstance(entry, dict) else None
        # Run once only: a number there, not an object by run.
        if metric != "autoattack":
            value = _of_run(value, run, f"{name}: {images}, cell {index}, {metric}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            where = f"{name}: {images}, cell {index}"
            raise layout_error(where, f"a number as {metric}", brief(value))
        column.append(float(value))
    return column


def _of_run(values: Any, run: str, name: str) -> Any:
    if not isinstance(values, dict):
        raise layout_error(name, "an object from run to accuracy", brief(values))
    if run not in values:
        msg = f"run: expected one of {brief(', '.join(map(str, values)))}; got {brief(run)}"
        raise InvalidInputError(msg)
    return values[run]
