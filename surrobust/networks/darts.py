"""The network of a DARTS-type genotype, and that of an architecture of whichever space."""

from typing import Any

import torch
from torch import Tensor, nn

from .._checks import check_integer
from ..errors import InvalidInputError
from ..spaces import AnyArchitecture, Genotype
from ..spaces.darts import DARTS_SPACES, N_NODES, NodeCell
from .blocks import Rectifier
from .darts_ops import make_op, preprocess
from .network import CellNetwork, build_network, initialise
from .normalisation import Normalise, Statistics, find_statistics

# ``stem_multiplier`` in the code of DARTS.
_STEM = 3
"""Channels of the stem in multiples of C."""


def cell_roles(space: str, cells: int) -> tuple[str, ...]:
    """Return the role at each position of a network.

    Reductions stand at a third and two thirds of the length, rounded down. In ``arnas`` accurate
    cells stand before the second of them and robust ones behind.

    Args:
        space: Name in ``DARTS_SPACES``.
        cells: Cells in all.
    """
    roles = DARTS_SPACES[space].roles
    first, second = cells // 3, 2 * cells // 3
    # The reduction is always the second of the roles.
    before, behind = (roles[0], roles[0]) if len(roles) == 2 else (roles[0], roles[2])
    return tuple(
        "reduce" if i in (first, second) else before if i < second else behind for i in range(cells)
    )


class GenotypeCell(nn.Module):
    """A cell: each node is the sum of two ops, the output the concatenation of the nodes.

    Args:
        cell: Which.
        channels: Channels of the last cell but one, the last, and of this one's nodes.
        halves: Whether it reduces, and whether the cell before it did.
    """

    def __init__(
        self, cell: NodeCell, channels: tuple[int, int, int], halves: tuple[bool, bool]
    ) -> None:
        super().__init__()
        older, old, new = channels
        reduces, reduced = halves
        self.inputs = cell.inputs
        # Behind a reduction the output of the last cell but one still has twice the side.
        self.preprocess_0 = preprocess(older, new, halve=reduced, affine=True)
        self.preprocess_1 = preprocess(old, new, halve=False, affine=True)
        self.ops = nn.ModuleList(
            # Stride 2 where a reduction reads its inputs; its nodes are half as large already.
            make_op(op, new, 2 if reduces and source < 2 else 1, affine=True, mixed=False)
            for op, source in self.inputs
        )

    def forward(self, before: Tensor, last: Tensor, paths: Tensor | None = None) -> Tensor:
        """Return the output for those of the last two cells.

        Args:
            before: Output of the last cell but one.
            last: Output of the last cell.
            paths: What each op's output of each image is multiplied by, ``(8, n)``; the identity
                is not. None is 1.
        """
        states = [self.preprocess_0(before), self.preprocess_1(last)]
        for node in range(N_NODES):
            first, second = (self._edge(i, states, paths) for i in (2 * node, 2 * node + 1))
            states.append(first + second)
        return torch.cat(states[2:], dim=1)

    def _edge(self, number: int, states: list[Tensor], paths: Tensor | None) -> Tensor:
        op = self.ops[number]
        value = op(states[self.inputs[number][1]])
        if paths is None or isinstance(op, nn.Identity):
            return value
        # One number an image, (n,), for all channels and pixels of it.
        return value * paths[number].to(value.dtype)[:, None, None, None]


class AuxiliaryHead(nn.Sequential):
    """A classifier on the feature maps two thirds into the network, for training alone.

    DARTS has it for maps of 8 x 8 pixels, of images of 32 x 32: an average over 5 x 5 pixels makes
    2 x 2 of them. Unlike there, the average is over a little more than half of maps of any side
    from 2, so that it makes as many.

    Args:
        channels: Channels of the feature maps.
        classes: Outputs.
        side: Height and width of the feature maps in pixels.
    """

    def __init__(self, channels: int, classes: int, side: int = 8) -> None:
        # With this stride there are two places a side, which the 2 x 2 convolution needs; side - 1
        # is less where the side is 2. Of 8 pixels: windows of 5, stride 3, as in DARTS.
        window = min(side // 2 + 1, side - 1)
        super().__init__(
            Rectifier(),
            nn.AvgPool2d(window, stride=side - window, count_include_pad=False),
            # 128 and 768 as in the code of DARTS, ``AuxiliaryHeadCIFAR``.
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            Rectifier(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            Rectifier(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )


class GenotypeNetwork(nn.Module):
    """Normalisation, stem, cells with reductions at thirds, pool, classifier.

    DARTS (ICLR 2019), section 3.1.2 and appendix A.

    Args:
        genotype: The cells.
        channels: C, channels of a node of the first cells.
        cells: Cells in all.
        classes: Outputs of the classifier.
        auxiliary: Whether there is a second classifier for training.
        image_size: Height and width of the images, which that one is made for.
        image_channels: Channels of the images.
    """

    def __init__(
        self,
        genotype: Genotype,
        *,
        channels: int,
        cells: int,
        classes: int,
        auxiliary: bool = False,
        image_size: int = 32,
        image_channels: int = 3,
    ) -> None:
        super().__init__()
        widths = DARTS_SPACES[genotype.space].widths
        self.genotype = genotype
        self.sizes = {"channels": channels, "cells": cells, "classes": classes}
        self.normalise = Normalise(image_channels)
        stem = nn.Conv2d(image_channels, _STEM * channels, 3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(_STEM * channels))
        self.cells = nn.ModuleList()
        older = old = _STEM * channels
        stage, reduced = 0, False
        self.auxiliary: AuxiliaryHead | None = None
        for position, role in enumerate(cell_roles(genotype.space, cells)):
            reduces = role == "reduce"
            stage += reduces
            new = channels * widths[stage]
            cell = GenotypeCell(genotype[role], (older, old, new), (reduces, reduced))
            self.cells.append(cell)
            older, old, reduced = old, N_NODES * new, reduces
            # Where the second reduction stands; that is why maps are a quarter of the image.
            if auxiliary and position == 2 * cells // 3:
                self.auxiliary = AuxiliaryHead(old, classes, _quarter(image_size))
        self.linear = nn.Linear(old, classes)

    def both(self, x: Tensor, paths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return logits and the auxiliary classifier's logits; None if there is none.

        Args:
            x: Images ``(n, c, h, w)`` in [0, 1].
            paths: See :meth:`forward`.
        """
        outputs = self._cell_outputs(x, paths)
        middle = outputs[2 * len(self.cells) // 3]
        extra = None if self.auxiliary is None else self.auxiliary(middle)
        return self.linear(outputs[-1].mean(dim=(2, 3))), extra

    def forward(self, x: Tensor, paths: Tensor | None = None) -> Tensor:
        """Return logits ``(n, classes)`` for images ``(n, c, h, w)`` in [0, 1].

        Args:
            x: The images.
            paths: What the output of each op but the identity is multiplied by, ``(cells, 8, n)``;
                None is 1. With zeros and ``1 / share kept``, paths are dropped (Larsson, Maire &
                Shakhnarovich, "FractalNet", ICLR 2017; here op by op, as in DARTS).
        """
        return self.linear(self._cell_outputs(x, paths)[-1].mean(dim=(2, 3)))

    def _cell_outputs(self, x: Tensor, paths: Tensor | None) -> list[Tensor]:
        # Before the first cell there are no two: the stem is both of its inputs.
        outputs = [self.stem(self.normalise(x))] * 2
        for number, cell in enumerate(self.cells):
            outputs.append(cell(*outputs[-2:], None if paths is None else paths[number]))
        return outputs[2:]


def _quarter(side: int) -> int:
    """Return the side of feature maps behind two reductions."""
    # Rounded up, as each stride of 2 leaves half of the pixels rounded up.
    return -(-side // 4)


def build_genotype_network(
    genotype: Genotype,
    *,
    channels: int = 36,
    cells: int = 20,
    classes: int = 10,
    image_size: int = 32,
    auxiliary: bool = False,
    normalisation: str | Statistics = "cifar10",
    generator: torch.Generator | None = None,
) -> GenotypeNetwork:
    """Build the network of a genotype in training mode, in float32 on the CPU.

    Args:
        genotype: The cells.
        channels: C; 36 in DARTS and DSRNA, 64 in ARNAS.
        cells: Cells in all.
        classes: Outputs of the classifier.
        image_size: Height and width of the images in pixels.
        auxiliary: Whether there is a second classifier, for images of at least 5 pixels.
        normalisation: A name of ``NORMALISATIONS``, or mean and standard deviation per channel.
        generator: Source of the weights, on the CPU; a new one seeded with 0 if None.

    Raises:
        InvalidInputError: If a size is too small, or the normalisation is not known.
    """
    check_integer("channels", channels, minimum=1)
    # Of two, both would be reductions.
    check_integer("cells", cells, minimum=3)
    check_integer("classes", classes, minimum=1)
    check_integer("image_size", image_size, minimum=4)
    if auxiliary and _quarter(image_size) < 2:
        msg = f"image_size: expected at least 5 with an auxiliary classifier, got {image_size}"
        raise InvalidInputError(msg)
    statistics = find_statistics(normalisation)
    with torch.device("meta"):  # so that the layers do not draw from the global generator
        network = GenotypeNetwork(
            genotype,
            channels=channels,
            cells=cells,
            classes=classes,
            auxiliary=auxiliary,
            image_size=image_size,
            image_channels=len(statistics[0]),
        )
    network.to_empty(device="cpu")
    network.normalise.set_statistics(statistics)
    initialise(network, generator or torch.Generator().manual_seed(0))
    return network


def build_any_network(
    architecture: AnyArchitecture, **options: Any
) -> CellNetwork | GenotypeNetwork:
    """Build a network by :func:`build_network` or :func:`build_genotype_network`.

    Args:
        architecture: A cell, or a genotype; ``cells`` then counts all cells, not those of a stage.
        **options: Of either function.
    """
    if isinstance(architecture, Genotype):
        return build_genotype_network(architecture, **options)
    return build_network(architecture, **options)
