"""NAS-Bench-201's network around a cell, built from a generator."""

import itertools
import math

import torch
from torch import Tensor, nn

from .._checks import check_integer
from ..spaces import Architecture
from .blocks import ConvolutionNorm, Head, Reduction
from .cell import Cell
from .normalisation import Normalise, Statistics, find_statistics

_STAGES = 3


class CellNetwork(nn.Module):
    """Normalisation, stem, three stages of N cells with a reduction between two, head.

    Dong & Yang, "NAS-Bench-201" (ICLR 2020, arXiv 2001.00326), section 2.1: the stem is a 3x3
    convolution with batch norm, the stages have C, 2C and 4C channels, the reductions are residual
    blocks of stride 2. Its ``state_dict`` has only tensors, under names that tell their place:
    ``stage_1.cell_1.edge_01.convolution.weight``.

    Args:
        architecture: The cell.
        channels: C, channels of the first stage.
        cells: N, cells per stage.
        classes: Outputs of the classifier.
        image_channels: Channels of the images.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        channels: int,
        cells: int,
        classes: int,
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        widths = [channels * 2**stage for stage in range(_STAGES)]
        self.architecture = architecture
        self.sizes = {"channels": channels, "cells": cells, "classes": classes}
        self.normalise = Normalise(image_channels)
        self.stem = ConvolutionNorm(image_channels, channels, 3)
        for stage, width in enumerate(widths, start=1):
            if stage > 1:
                self.add_module(f"reduction_{stage - 1}", Reduction(width // 2, width))
            named = ((f"cell_{n}", Cell(architecture, width)) for n in range(1, cells + 1))
            body = nn.Sequential()
            for name, cell in named:
                body.add_module(name, cell)
            self.add_module(f"stage_{stage}", body)
        self.head = Head(widths[-1], classes)

    def body(self, x: Tensor) -> Tensor:
        """Return what enters the head, ``(n, 4C, h/4, w/4)``, for images in [0, 1]."""
        x = self.stem(self.normalise(x))
        # In the order in which ``__init__`` added them.
        for name, module in self.named_children():
            if name.startswith(("stage", "reduction")):
                x = module(x)
        return x

    def features(self, x: Tensor) -> Tensor:
        """Return the feature maps before the global average pool, ``(n, 4C, h/4, w/4)``."""
        return self.head.features(self.body(x))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for images ``(n, c, h, w)`` in [0, 1]."""
        return self.head(self.body(x))

    def layers(self) -> list[nn.Conv2d | nn.Linear]:
        """Return every convolution and the classifier, first to last."""
        return [m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear)]

    def live_layers(self) -> list[nn.Conv2d | nn.Linear]:
        """Return the convolutions that the images' signal passes, and the classifier, in order."""
        unused = {id(module) for module in self._unused()}
        return [layer for layer in self.layers() if id(layer) not in unused]

    def _unused(self) -> itertools.chain[nn.Module]:
        """Return the modules of edges that no signal passes."""
        return itertools.chain.from_iterable(
            block.modules()
            for cell in self.modules()
            if isinstance(cell, Cell)
            for block in cell.unused()
        )


def build_network(
    architecture: Architecture,
    *,
    channels: int = 16,
    cells: int = 5,
    classes: int = 10,
    image_size: int = 32,
    normalisation: str | Statistics = "cifar10",
    generator: torch.Generator | None = None,
) -> CellNetwork:
    """Build the network of a cell in training mode, with float32 parameters on the CPU.

    Weights are drawn as PyTorch's layers do by default, which is what NAS-Bench-201's code and
    NAS-Bench-Suite-Zero's scores start from: uniform within 1 / sqrt(fan in). The same generator
    state gives the same weights.

    Args:
        architecture: The cell.
        channels: C, channels of the first stage.
        cells: N, cells per stage.
        classes: Outputs of the classifier.
        image_size: Height and width of the images in pixels; the two reductions halve it.
        normalisation: A name of ``NORMALISATIONS``, or mean and standard deviation per channel.
        generator: Source of the weights, on the CPU; a new one seeded with 0 if None.

    Raises:
        InvalidInputError: If a size is below 1 (images: 4), or the normalisation is not known.
    """
    check_integer("channels", channels, minimum=1)
    check_integer("cells", cells, minimum=1)
    check_integer("classes", classes, minimum=1)
    # Two reductions of stride 2.
    check_integer("image_size", image_size, minimum=4)
    statistics = find_statistics(normalisation)
    with torch.device("meta"):  # so that the layers do not draw from the global generator
        network = CellNetwork(
            architecture,
            channels=channels,
            cells=cells,
            classes=classes,
            image_channels=len(statistics[0]),
        )
    network.to_empty(device="cpu")
    network.normalise.set_statistics(statistics)
    initialise(network, generator or torch.Generator().manual_seed(0))
    return network


@torch.no_grad()
def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight and bias anew and reset batch norm, in the order of the modules."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            # Torch's ``kaiming_uniform_`` with a = sqrt(5): sqrt(6 / (1 + 5)) / sqrt(fan in).
            bound = 1 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters(recurse=False):
                parameter.uniform_(-bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
