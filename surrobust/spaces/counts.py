"""Parameters and FLOPs of the network that NAS-Bench-201 builds around a cell.

Stem (3x3 convolution, batch norm), three stages of N cells at C, 2C, 4C channels with a residual
block of stride 2 before the second and the third, then batch norm, ReLU, global average pool and
a linear classifier (Dong & Yang, ICLR 2020, section 2.1; the authors' ``TinyNetwork``). An edge
costs the same whether or not its output is used, so both counts are linear in the op counts.
"""

import itertools

from .._checks import check_integer
from .architecture import Architecture

CONV_1X1, CONV_3X3, POOL = 2, 3, 4
_KERNEL_AREA = {CONV_1X1: 1, CONV_3X3: 9}


def count_parameters(
    architecture: Architecture, *, channels: int = 16, cells: int = 5, classes: int = 10
) -> int:
    """Return the number of trainable parameters.

    Equal to the ``params`` column of NAS-Bench-Suite-Zero (there in millions) at the defaults.

    Args:
        architecture: The cell.
        channels: C, channels of the first stage.
        cells: N, cells per stage.
        classes: Outputs of the classifier.
    """
    _check_sizes(channels, cells, classes)
    widths = (channels, 2 * channels, 4 * channels)
    total = 9 * 3 * channels + 2 * channels  # stem
    total += sum(cells * _edge_parameters(op, width) for width in widths for op in architecture.ops)
    total += sum(
        (9 * old * new + 2 * new) + (9 * new * new + 2 * new) + old * new  # two convolutions, 1x1
        for old, new in itertools.pairwise(widths)
    )
    return total + 2 * widths[-1] + classes * (widths[-1] + 1)  # head


def _edge_parameters(op: int, width: int) -> int:
    if op not in _KERNEL_AREA:
        return 0
    # The kernel without bias; scale and offset of batch norm.
    return _KERNEL_AREA[op] * width * width + 2 * width


def count_flops(
    architecture: Architecture,
    *,
    channels: int = 16,
    cells: int = 5,
    classes: int = 10,
    image_size: int = 32,
) -> int:
    """Return the FLOPs of one image by the rule behind the published column.

    A multiply-accumulate counts once; batch norm counts 2 and ReLU 1 per element of its input; a
    pool counts its window per output element; a global pool over s x s counts (s + 1)^2 per
    channel; the classifier counts its weights without bias; skips and sums count nothing. At the
    defaults this equals the ``flops`` column of NAS-Bench-Suite-Zero (there in millions).

    Args:
        architecture: The cell.
        channels: C, channels of the first stage.
        cells: N, cells per stage.
        classes: Outputs of the classifier.
        image_size: Height and width of the image in pixels, a multiple of 4.
    """
    _check_sizes(channels, cells, classes)
    check_integer("image_size", image_size, minimum=4)
    widths = (channels, 2 * channels, 4 * channels)
    areas = tuple((image_size // factor) ** 2 for factor in (1, 2, 4))
    total = (9 * 3 + 2) * channels * areas[0]  # stem
    for width, area in zip(widths, areas, strict=True):
        total += sum(cells * _edge_flops(op, width, area) for op in architecture.ops)
    for stage in (1, 2):
        old, new, area = widths[stage - 1], widths[stage], areas[stage]
        total += old * areas[stage - 1] + (9 * old + 2) * new * area  # ReLU, strided convolution
        total += (1 + 9 * new + 2) * new * area  # second convolution
        total += (4 + new) * old * area  # 2x2 pool and 1x1 convolution of the shortcut
    side = image_size // 4
    return total + (3 * areas[2] + (side + 1) ** 2 + classes) * widths[2]  # head


def _edge_flops(op: int, width: int, area: int) -> int:
    if op == POOL:
        return 9 * width * area
    if op not in _KERNEL_AREA:
        return 0
    return (1 + _KERNEL_AREA[op] * width + 2) * width * area  # ReLU, convolution, batch norm


def _check_sizes(channels: int, cells: int, classes: int) -> None:
    check_integer("channels", channels, minimum=1)
    check_integer("cells", cells, minimum=1)
    check_integer("classes", classes, minimum=1)
