"""The first layer: images in [0, 1] to zero mean and unit variance per channel."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor, nn

from .._checks import brief, check_choice
from ..errors import InvalidInputError

Statistics: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation of each channel, on the [0, 1] pixel scale."""


def _of_bytes(mean: Sequence[float], deviation: Sequence[float]) -> Statistics:
    return tuple(m / 255 for m in mean), tuple(d / 255 for d in deviation)


NORMALISATIONS: Mapping[str, Statistics] = MappingProxyType(
    {
        "cifar10": _of_bytes((125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
        "cifar100": _of_bytes((129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
        "imagenet16-120": _of_bytes((122.68, 116.66, 104.01), (63.22, 61.26, 65.09)),
        "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    }
)
"""Channel statistics by image set, as NAS-Bench-201 and NAS-RobBench-201 state them."""


class Normalise(nn.Module):
    """Subtract a mean and divide by a standard deviation, channel by channel.

    Args:
        channels: Channels of the images.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("deviation", torch.ones(channels, 1, 1))

    def set_statistics(self, statistics: Statistics) -> None:
        """Take over mean and standard deviation, one number per channel each."""
        for buffer, values in zip((self.mean, self.deviation), statistics, strict=True):
            buffer.copy_(torch.tensor(values, dtype=buffer.dtype).reshape(buffer.shape))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise images ``(n, c, h, w)``."""
        return (x - self.mean) / self.deviation


def find_statistics(normalisation: str | Statistics) -> Statistics:
    """Return the statistics of a name of :data:`NORMALISATIONS`, or those that were given.

    Raises:
        InvalidInputError: If the name is not known, or a standard deviation is not positive.
    """
    if isinstance(normalisation, str):
        return NORMALISATIONS[check_choice("normalisation", normalisation, NORMALISATIONS)]
    try:
        mean, deviation = (tuple(map(float, part)) for part in normalisation)
    except (TypeError, ValueError):
        mean, deviation = (), ()
    # Not ``any(d <= 0)``, which would let NaN pass.
    if not mean or len(mean) != len(deviation) or not all(d > 0 for d in deviation):
        msg = (
            "normalisation: expected a name or (means, positive standard deviations) by channel, "
            f"got {brief(normalisation)}"
        )
        raise InvalidInputError(msg)
    return mean, deviation
