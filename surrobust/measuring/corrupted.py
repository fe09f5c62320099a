"""The share of images that a network gets right under common corruptions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..errors import InvalidInputError
from ..images.corruptions import CORRUPTIONS, OWN_CORRUPTIONS, SEVERITIES, corrupt, load_published
from ..typing import AnyPath
from .accuracy import measure_accuracy

MADE, DRAWN, OWN = "as published", "as published, ice drawn", "own"
"""Sources of corruptions that are computed here: with the published arithmetic, with or without the
photographs of frost, or our own, which all of them were in earlier versions."""

_95 = 1.959963984540054
"""The normal quantile of .975, for two sides of 95 %."""


@dataclass(frozen=True, eq=False)
class CorruptedAccuracy:
    """Mean accuracy over corruptions and severities, and its 95 % interval.

    The images are what was drawn: the interval is that of a mean of n images, each with the share
    of its corrupted versions that are classified right.

    Args:
        value: The mean, a fraction.
        n: Number of images, each in all versions.
        lower: Lower end of the interval, at least 0.
        upper: Upper end of the interval, at most 1.
        by: Accuracies at each severity by corruption.
        source: Name of the published arrays, or what was computed: ``as published``, ``as
            published, ice drawn`` where frost was made without photographs, or ``own`` where some
            were of ``OWN_CORRUPTIONS``.
    """

    value: float
    n: int
    lower: float
    upper: float
    by: Mapping[str, tuple[float, ...]]
    source: str


def measure_corrupted(
    network: Callable[[Tensor], Tensor],
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    *,
    corruptions: Iterable[str] = tuple(CORRUPTIONS),
    severities: Sequence[int] = SEVERITIES,
    published: AnyPath | None = None,
    frost: AnyPath | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    checkpoint: AnyPath | None = None,
) -> CorruptedAccuracy:
    """Return the mean accuracy over corruptions (Hendrycks & Dietterich, 2019, section 4.1).

    Args:
        network: Maps images to logits.
        images: ``(n, 3, h, w)`` uint8, not corrupted.
        labels: Their classes, ``(n,)``.
        corruptions: Names in ``CORRUPTIONS`` or ``OWN_CORRUPTIONS``.
        severities: 1 to 5.
        published: Folder of the published arrays; the first n images of each severity are taken
            from there, with their own classes. None corrupts ``images`` here.
        frost: Folder of the photographs that frost is made of; see ``corrupt``.
        seed: Of the corruptions computed here.
        batch_size: See :func:`measure_accuracy`.
        device: See :func:`measure_accuracy`.
        checkpoint: Beginning of the names of JSON files, one per corruption and severity, that are
            continued from where they exist; None for none.

    Raises:
        ChecksumError: If a photograph is not the published one.
        InvalidInputError: If an argument or a file is not what was expected.
        MissingMeasurementError: If a photograph is not there.
        OSError: If a checkpoint cannot be written.
    """
    names = list(corruptions)
    if not names or not severities:
        msg = "corruptions: expected at least one, at one severity at least, got none"
        raise InvalidInputError(msg)
    shares = np.zeros(len(images))
    by: dict[str, tuple[float, ...]] = {}
    for name in names:
        found = []
        for severity in severities:
            if published is None:
                x, y = corrupt(images, name, severity, seed=seed, frost=frost), labels
            else:
                x, y = load_published(published, name, severity)
                x, y = x[: len(images)], y[: len(images)]
            one = measure_accuracy(
                network,
                x,
                y,
                batch_size=batch_size,
                device=device,
                checkpoint=checkpoint and f"{checkpoint}.{name}-{severity}.json",
            )
            found.append(one.value)
            # Published arrays may have fewer images; those that all versions have count.
            shares = shares[: one.n] + one.correct
        by[name] = tuple(found)
    shares /= len(by) * len(severities)
    source = name_source(names, published=published, frost=frost)
    return _summary(shares, by, source)


def name_source(
    corruptions: Iterable[str] = tuple(CORRUPTIONS),
    *,
    published: AnyPath | None,
    frost: AnyPath | None,
) -> str:
    """Return the source of corruptions; see :class:`CorruptedAccuracy`.

    Args:
        corruptions: Their names.
        published: Folder of the published arrays; None computes them.
        frost: Folder of the photographs of frost; None draws ice.
    """
    if published is not None:
        return Path(published).name
    names = set(corruptions)
    if names & set(OWN_CORRUPTIONS):
        return OWN
    return DRAWN if frost is None and "frost" in names else MADE


def _summary(shares: Any, by: dict[str, tuple[float, ...]], source: str) -> CorruptedAccuracy:
    value, n = float(shares.mean()), len(shares)
    # One image says nothing of the spread: the whole range.
    half = _95 * float(shares.std(ddof=1)) / n**0.5 if n > 1 else 1.0
    low, high = max(0.0, value - half), min(1.0, value + half)
    return CorruptedAccuracy(value, n, low, high, MappingProxyType(by), source)
