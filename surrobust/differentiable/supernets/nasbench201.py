"""All cells of NAS-Bench-201 at once: which stands where, and when a search has collapsed."""

import torch
from torch import Tensor, nn

from ..._checks import check_integer
from ...networks.blocks import ConvolutionNorm, Head, Pool, Rectifier, Reduction
from ...networks.cell import live_edges
from ...networks.normalisation import Normalise, Statistics, find_statistics
from ...spaces import EDGES, OPS, Architecture
from .base import AbstractSupernet, prepare

_OUTPUT = 3
_NONE, _SKIP, _CONV_1X1, _CONV_3X3, _POOL = range(len(OPS))
_STAGES = 3


class MixedCell(nn.Module):
    """A cell in which each edge is the weighted sum of its five ops.

    Args:
        channels: Channels of every node.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        for source in range(_OUTPUT):
            readers = sum(s == source for s, _ in EDGES)
            self.add_module(f"rectify_{source}", Rectifier(readers))
            # One for each node: a pool has no weights, so that all edges share what it gives.
            self.add_module(f"pool_{source}", Pool())
        for source, target in EDGES:
            for kernel in (1, 3):
                block = ConvolutionNorm(channels, channels, kernel)
                # Without scale and offset of its own, an op cannot undo its weight.
                block.norm = nn.BatchNorm2d(channels, affine=False)
                self.add_module(f"edge_{source}{target}_{kernel}", block)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Return the last node.

        Args:
            x: The first node, ``(n, channels, h, w)``.
            weights: Of each op on each edge, ``(6, 5)`` in the order of ``EDGES`` and ``OPS``.
        """
        nodes: list[Tensor] = [x]
        rectified: list[Tensor] = []
        pooled: list[Tensor] = []
        for target in range(1, _OUTPUT + 1):
            rectified.append(self.get_submodule(f"rectify_{target - 1}")(nodes[-1]))
            pooled.append(self.get_submodule(f"pool_{target - 1}")(nodes[-1]))
            total = torch.zeros_like(x)
            for number, (source, to) in enumerate(EDGES):
                if to != target:
                    continue
                # The zero adds nothing; its weight is what the others lack to 1.
                w, name = weights[number], f"edge_{source}{target}"
                total = total + w[_SKIP] * nodes[source] + w[_POOL] * pooled[source]
                for op, kernel in ((_CONV_1X1, 1), (_CONV_3X3, 3)):
                    total = total + w[op] * self.get_submodule(f"{name}_{kernel}")(
                        rectified[source]
                    )
            nodes.append(total)
        return nodes[_OUTPUT]


class CellSupernet(AbstractSupernet):
    """NAS-Bench-201's network with mixed cells; its residual reductions stay as they are.

    They stand at a third and two thirds of its 3N + 2 blocks, where ARNAS has its reduction cells.

    Args:
        channels: C, channels of the first stage.
        cells: N, cells per stage.
        classes: Outputs of the classifier.
        widths: Channels of the three stages, in multiples of C.
        placed: Whether accurate cells stand in the first two stages and robust ones in the third;
            otherwise the cell is the same everywhere.
        image_channels: Channels of the images.
    """

    def __init__(
        self,
        *,
        channels: int,
        cells: int,
        classes: int,
        widths: tuple[int, int, int] = (1, 2, 4),
        placed: bool = False,
        image_channels: int = 3,
    ) -> None:
        self.places = roles_at(_STAGES * cells + 2, placed=placed)
        roles = tuple(dict.fromkeys(role for role in self.places if role != REDUCTION))
        super().__init__(roles, len(EDGES), OPS)
        self.normalise = Normalise(image_channels)
        self.stem = ConvolutionNorm(image_channels, channels, 3)
        self.blocks = nn.ModuleList()
        stage = 0
        for role in self.places:
            old = channels * widths[stage]
            if role == REDUCTION:
                stage += 1
                self.blocks.append(Reduction(old, channels * widths[stage]))
            else:
                self.blocks.append(MixedCell(old))
        self.head = Head(channels * widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for images ``(n, c, h, w)`` in [0, 1]."""
        # Once for all cells of a role, (edges, ops) each.
        weights = dict(zip(self.roles, self.probabilities(), strict=True))
        x = self.stem(self.normalise(x))
        for role, block in zip(self.places, self.blocks, strict=True):
            x = block(x) if role == REDUCTION else block(x, weights[role])
        return self.head(x)

    def derive(self, *, zeros: bool = False) -> dict[str, Architecture]:
        """Return the cell of each role: on every edge the op of the largest weight.

        Args:
            zeros: Whether zeros may win, as in NAS-Bench-201's own runs of DARTS. In DARTS itself
                they may not (section 2.2 of its paper).
        """
        alphas = self.alphas.detach().clone()
        if not zeros:
            # Below every other, whatever their signs.
            alphas[..., _NONE] = -torch.inf
        chosen = alphas.argmax(-1).tolist()
        return {
            role: Architecture(tuple(ops)) for role, ops in zip(self.roles, chosen, strict=True)
        }


def build_cell_supernet(
    *,
    channels: int = 16,
    cells: int = 5,
    classes: int = 10,
    widths: tuple[int, int, int] = (1, 2, 4),
    placed: bool = False,
    normalisation: str | Statistics = "cifar10",
    generator: torch.Generator | None = None,
) -> CellSupernet:
    """Build the supernet of NAS-Bench-201 in training mode, in float32 on the CPU.

    Args:
        channels: C, channels of the first stage.
        cells: N, cells per stage.
        classes: Outputs of the classifier.
        widths: Channels of the three stages, in multiples of C.
        placed: Whether accurate and robust cells are searched for, or one cell.
        normalisation: A name of ``NORMALISATIONS``, or mean and standard deviation per channel.
        generator: Source of weights and architecture parameters, on the CPU; a new one seeded
            with 0 if None.

    Raises:
        InvalidInputError: If a size is below 1, or the normalisation is not known.
    """
    check_integer("channels", channels, minimum=1)
    check_integer("cells", cells, minimum=1)
    check_integer("classes", classes, minimum=1)
    statistics = find_statistics(normalisation)
    with torch.device("meta"):  # so that the layers do not draw from the global generator
        network = CellSupernet(
            channels=channels,
            cells=cells,
            classes=classes,
            widths=widths,
            placed=placed,
            image_channels=len(statistics[0]),
        )
    return prepare(network, statistics, generator)


ACCURATE, REDUCTION, ROBUST, CELL = "accurate", "reduction", "robust", "cell"
"""The roles of a cell; ``cell`` where one cell stands at every place that does not reduce."""


def roles_at(length: int, *, placed: bool) -> tuple[str, ...]:
    """Return the role at each of ``length`` positions, reductions included.

    Reductions stand at a third and at two thirds of the length, rounded down. Where ``placed``,
    accurate cells stand before the second of them and robust ones behind it (Ou, Feng & Sun,
    "Towards Accurate and Robust Architectures via Neural Architecture Search", CVPR 2024, section
    3); otherwise one cell stands everywhere, as in DARTS.

    Args:
        length: Cells and reductions, at least 3.
        placed: Whether there are accurate and robust cells.
    """
    reductions = (length // 3, 2 * length // 3)
    before, behind = (ACCURATE, ROBUST) if placed else (CELL, CELL)
    return tuple(
        REDUCTION if i in reductions else before if i < reductions[1] else behind
        for i in range(length)
    )


_SKIP_CONNECT = OPS.index("skip_connect")
_CONVOLUTIONS = (OPS.index("nor_conv_1x1"), OPS.index("nor_conv_3x3"))


def find_collapse(cell: Architecture) -> str | None:
    """Return in which way nothing learns of a cell's input, None if something does.

    Only edges on a way from input to output without a zero count, not offsets of convolutions of
    zeros. DARTS is known to end in skips alone (Zela et al., "Understanding and Robustifying
    Differentiable Architecture Search", ICLR 2020; Dong & Yang, ICLR 2020, table 5).
    """
    ops = {cell.ops[edge] for edge in live_edges(cell.ops)}
    if not ops:
        return "zeros: nothing passes from input to output"
    if ops == {_SKIP_CONNECT}:
        return "skips: nothing but identity passes from input to output"
    if not ops.intersection(_CONVOLUTIONS):
        return "no convolution: nothing but skips and pools passes from input to output"
    return None
