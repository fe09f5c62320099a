"""The ops of DARTS-type cells, and what stands between cells."""

import torch
from torch import Tensor, nn

from .blocks import Pool, Rectifier


class StridedZero(nn.Module):
    """Zeros of the size that an op of this stride has.

    Args:
        stride: Step in pixels.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros."""
        # A function of x still, as in ``Cell.forward``.
        return x[:, :, :: self.stride, :: self.stride] * 0.0


class FactorizedReduction(nn.Module):
    """Half of the height and width: two 1x1 convolutions of stride 2, one shifted by a pixel.

    Args:
        old: Channels of the input.
        new: Channels of the output, even.
        affine: Whether batch norm has scale and offset.
    """

    def __init__(self, old: int, new: int, *, affine: bool) -> None:
        super().__init__()
        self.rectify = Rectifier(2)
        # Of stride 1 on every second pixel: a 1x1 convolution of stride 2 on images with channels
        # last corrupts memory in its backward pass (torch 2.13 on the CPU).
        self.even = nn.Conv2d(old, new // 2, 1, bias=False)
        self.odd = nn.Conv2d(old, new - new // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(new, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Halve, where an odd last row or column counts as followed by zeros."""
        x = self.rectify(x)
        shifted = nn.functional.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))[:, :, 1::2, 1::2]
        return self.norm(torch.cat([self.even(x[:, :, ::2, ::2]), self.odd(shifted)], dim=1))


def rectified_convolution(old: int, new: int, *, affine: bool) -> nn.Sequential:
    """Return ReLU, 1x1 convolution, batch norm."""
    convolution = nn.Conv2d(old, new, 1, bias=False)
    return nn.Sequential(Rectifier(), convolution, nn.BatchNorm2d(new, affine=affine))


def _depthwise(
    channels: int, kernel: int, stride: int, dilation: int, *, affine: bool
) -> list[nn.Module]:
    """Return ReLU, depthwise and 1x1 convolution, batch norm."""
    wide = nn.Conv2d(
        channels,
        channels,
        kernel,
        stride,
        # Half of the reach of a dilated kernel: stride 1 keeps the size.
        padding=dilation * (kernel // 2),
        dilation=dilation,
        groups=channels,
        bias=False,
    )
    narrow = nn.Conv2d(channels, channels, 1, bias=False)
    return [Rectifier(), wide, narrow, nn.BatchNorm2d(channels, affine=affine)]


def make_op(name: str, channels: int, stride: int, *, affine: bool, mixed: bool) -> nn.Module:
    """Return an op of DARTS by its name.

    Args:
        name: ``none``, or one of ``spaces.darts.CELL_OPS``.
        channels: Of input and output.
        stride: 1 or 2.
        affine: Whether batch norms have scale and offset.
        mixed: Whether pools are followed by batch norm, as where ops are mixed.
    """
    if name == "none":
        return StridedZero(stride)
    if name == "skip_connect":
        if stride == 1:
            return nn.Identity()
        return FactorizedReduction(channels, channels, affine=affine)
    if name.endswith("pool_3x3"):
        pool = nn.MaxPool2d(3, stride, padding=1) if name == "max_pool_3x3" else Pool(stride)
        # As in the code of DARTS: pools are mixed with convolutions that end in batch norm.
        return nn.Sequential(pool, nn.BatchNorm2d(channels, affine=affine)) if mixed else pool
    kernel = int(name[-1])
    if name.startswith("dil_conv"):
        return nn.Sequential(*_depthwise(channels, kernel, stride, 2, affine=affine))
    # Separable convolutions are applied twice, the stride by the first (DARTS, section 3.1.1).
    first = _depthwise(channels, kernel, stride, 1, affine=affine)
    return nn.Sequential(*first, *_depthwise(channels, kernel, 1, 1, affine=affine))


def preprocess(old: int, new: int, *, halve: bool, affine: bool) -> nn.Module:
    """Return what brings the output of an earlier cell to a cell's channels and size."""
    if halve:
        return FactorizedReduction(old, new, affine=affine)
    return rectified_convolution(old, new, affine=affine)
