"""The parts of NAS-Bench-201's network: convolutions with batch norm, reductions, the head."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Rectifier(nn.Module):
    """A ReLU that several convolutions may read, computed once.

    Args:
        readers: How many convolutions read it; NAS-Bench-201 gives each of them a ReLU of its own.
    """

    def __init__(self, readers: int = 1) -> None:
        super().__init__()
        # Not needed here: ``nwot`` counts each ReLU of the published network (``batch_pass``).
        self.readers = readers

    def forward(self, x: Tensor) -> Tensor:
        """Rectify."""
        return functional.relu(x)


class ConvolutionNorm(nn.Module):
    """A convolution without bias, then batch norm; padded so that stride 1 keeps the size.

    Args:
        old: Channels of the input.
        new: Channels of the output.
        kernel: Side of the kernel, 1 or 3.
        stride: Step in pixels.
    """

    def __init__(self, old: int, new: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        # Batch norm would subtract a bias again.
        self.convolution = nn.Conv2d(old, new, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(new)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve and normalise."""
        return self.norm(self.convolution(x))


class Pool(nn.Module):
    """The average of each 3x3 window, of what lies inside the image only.

    Args:
        stride: Step in pixels; 1 keeps the size.
    """

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Pool."""
        if x.is_cuda:
            return average_padded(x, self.stride)
        return functional.avg_pool2d(x, 3, self.stride, padding=1, count_include_pad=False)


def average_padded(x: Tensor, stride: int) -> Tensor:
    """Return what :class:`Pool` does, of images padded beforehand.

    Where a pool pads by itself, PyTorch's gradient by images with channels last is wrong on a GPU,
    silently, in 2.11 and others (https://github.com/pytorch/pytorch/issues/188344, mended there in
    July 2026).
    """
    # Sums of nine pixels, and of ones, ``(1, 1, h', w')``: how many of the nine lie inside.
    images, inside = (
        functional.avg_pool2d(functional.pad(pixels, [1] * 4), 3, stride, divisor_override=1)
        for pixels in (x, x.new_ones((1, 1, *x.shape[2:])))
    )
    return images / inside


class Reduction(nn.Module):
    """The residual block of stride 2 between two stages.

    Args:
        old: Channels of the input.
        new: Channels of the output, at half the height and width.
    """

    def __init__(self, old: int, new: int) -> None:
        super().__init__()
        self.rectify_a = Rectifier()
        self.block_a = ConvolutionNorm(old, new, 3, stride=2)
        self.rectify_b = Rectifier()
        self.block_b = ConvolutionNorm(new, new, 3)
        self.shortcut = nn.Conv2d(old, new, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Add the two convolutions to the averaged and convolved shortcut."""
        # The shortcut has neither ReLU nor batch norm, as in the authors' ``ResNetBasicblock``.
        inner = self.rectify_b(self.block_a(self.rectify_a(x)))
        return self.shortcut(functional.avg_pool2d(x, 2)) + self.block_b(inner)


class Head(nn.Module):
    """Batch norm, ReLU, global average pool, linear classifier.

    Args:
        channels: Channels of the input.
        classes: Outputs.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.rectify = Rectifier()
        self.linear = nn.Linear(channels, classes)

    def features(self, x: Tensor) -> Tensor:
        """Return the feature maps before the global average pool."""
        return self.rectify(self.norm(x))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)``."""
        return self.linear(torch.mean(self.features(x), dim=(2, 3)))
