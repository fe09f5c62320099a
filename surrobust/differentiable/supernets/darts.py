"""All cells of a DARTS-type space at once."""

import torch
from torch import Tensor, nn

from ..._checks import check_choice, check_integer
from ...errors import InvalidInputError
from ...networks.darts import cell_roles
from ...networks.darts_ops import preprocess
from ...networks.normalisation import Normalise, Statistics, find_statistics
from ...spaces.darts import (
    DARTS_SPACES,
    N_INPUTS,
    N_NODES,
    DARTSSpace,
    Genotype,
    Input,
    NodeCell,
    edges_of_cell,
)
from .base import AbstractSupernet, FullEdge, PartialEdge, prepare

_EDGES = edges_of_cell()
_EDGES_OF_NODES = [N_INPUTS + node for node in range(N_NODES)]
# As in ``networks.darts``: a genotype's network begins alike.
_STEM = 3


class MixedNodeCell(nn.Module):
    """A cell whose nodes read all before them, each by the weighted sum of all ops.

    Args:
        ops: Names of the ops of an edge.
        channels: Channels of the last cell but one, the last, and of this one's nodes.
        halves: Whether it reduces, and whether the cell before it did.
        partial: Every how many channels go through the ops; None is all.
    """

    def __init__(
        self,
        ops: tuple[str, ...],
        channels: tuple[int, int, int],
        halves: tuple[bool, bool],
        partial: int | None = None,
    ) -> None:
        super().__init__()
        older, old, new = channels
        reduces, reduced = halves
        # No batch norm of a search has scale and offset, as in the code of DARTS.
        self.preprocess_0 = preprocess(older, new, halve=reduced, affine=False)
        self.preprocess_1 = preprocess(old, new, halve=False, affine=False)
        self.edges = nn.ModuleList()
        for source, _ in _EDGES:
            stride = 2 if reduces and source < 2 else 1
            if partial is None:
                self.edges.append(FullEdge(ops, new, stride))
            else:
                self.edges.append(PartialEdge(ops, new, stride, partial))

    def forward(
        self, before: Tensor, last: Tensor, weights: Tensor, strengths: Tensor | None = None
    ) -> Tensor:
        """Return the output.

        Args:
            before: Output of the last cell but one.
            last: Output of the last cell.
            weights: Of each op on each edge, ``(14, ops)``.
            strengths: Of each edge, ``(14,)``, where channels are partial.
        """
        states = [self.preprocess_0(before), self.preprocess_1(last)]
        for node in range(2, 2 + N_NODES):
            total: Tensor | None = None
            for number, (source, target) in enumerate(_EDGES):
                if target != node:
                    continue
                edge = self.edges[number]
                if isinstance(edge, FullEdge):
                    parts = edge.parts(states[source], weights[number])
                else:
                    assert strengths is not None
                    parts = iter([strengths[number] * edge(states[source], weights[number])])
                for part in parts:
                    total = part if total is None else total + part
            assert total is not None
            states.append(total)
        return torch.cat(states[2:], dim=1)


class GenotypeSupernet(AbstractSupernet):
    """The search network: stem, mixed cells with reductions at thirds, pool, classifier.

    DARTS (ICLR 2019), section 3.1.1. With ``partial``, PC-DARTS (ICLR 2020, arXiv 1907.05737),
    where DSRNA takes its space from: the ops see a part of the channels (``mixing.PartialEdge``),
    and edges have weights of their own.

    Args:
        space: Which cells there are, and the channels between reductions.
        channels: C, channels of a node of the first cells.
        cells: Cells in all.
        classes: Outputs of the classifier.
        partial: Every how many channels go through the ops; None is all.
        image_channels: Channels of the images.
    """

    def __init__(
        self,
        space: DARTSSpace,
        *,
        channels: int,
        cells: int,
        classes: int,
        partial: int | None = None,
        image_channels: int = 3,
    ) -> None:
        super().__init__(space.roles, len(_EDGES), space.ops, normed=partial is not None)
        self.space, self.partial = space, partial
        self.places = cell_roles(space.name, cells)
        self.normalise = Normalise(image_channels)
        stem = nn.Conv2d(image_channels, _STEM * channels, 3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(_STEM * channels))
        self.cells = nn.ModuleList()
        older = old = _STEM * channels
        stage, reduced = 0, False
        for role in self.places:
            reduces = role == "reduce"
            stage += reduces
            new = channels * space.widths[stage]
            cell = MixedNodeCell(space.ops, (older, old, new), (reduces, reduced), partial)
            self.cells.append(cell)
            older, old, reduced = old, N_NODES * new, reduces
        self.linear = nn.Linear(old, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(n, classes)`` for images ``(n, c, h, w)`` in [0, 1]."""
        weights = dict(zip(self.roles, self.probabilities(), strict=True))
        strengths = dict(zip(self.roles, self.edge_weights(), strict=True))
        before = last = self.stem(self.normalise(x))
        for role, cell in zip(self.places, self.cells, strict=True):
            before, last = last, cell(before, last, weights[role], strengths[role])
        return self.linear(last.mean(dim=(2, 3)))

    def edge_weights(self) -> Tensor:
        """Return the weights of the edges, ``(roles, 14)``, those into each node summing to 1.

        PC-DARTS, section 3.3, equation 4. Without ``partial`` there are none, and all are 1.
        """
        if self.partial is None:
            return torch.ones_like(self.alphas[..., 0])
        # 14 edges, (roles, 14), as the 2, 3, 4 and 5 into each node.
        nodes = self.alphas[..., -1].split(_EDGES_OF_NODES, dim=-1)
        return torch.cat([node.softmax(-1) for node in nodes], dim=-1)

    def derive(self) -> Genotype:
        """Return the genotype: each node keeps its two strongest inputs, each its strongest op.

        Zeros do not count (DARTS, section 2.4). Of equals, the first is taken. Where edges have
        weights, an op is as strong as both weights multiplied (PC-DARTS, section 3.3).
        """
        chosen = (self.probabilities() * self.edge_weights()[..., None]).detach().clone()
        if "none" in self.ops:
            # Below every probability.
            chosen[..., self.ops.index("none")] = -1.0
        strength, best = (part.tolist() for part in chosen.max(-1))
        cells = []
        for r, role in enumerate(self.roles):
            inputs: list[Input] = []
            for node in range(2, 2 + N_NODES):
                into = [number for number, (_, target) in enumerate(_EDGES) if target == node]
                kept = sorted(into, key=lambda number: -strength[r][number])[:N_INPUTS]
                # By source again, as genotypes are published.
                inputs += [(self.ops[best[r][n]], _EDGES[n][0]) for n in sorted(kept)]
            cells.append((role, NodeCell(tuple(inputs))))
        return Genotype(self.space.name, tuple(cells))


def check_partial(partial: int | None, channels: int) -> None:
    """Check that channels can be divided among so many groups.

    Raises:
        InvalidInputError: If they cannot, or there are fewer than two.
    """
    if partial is None:
        return
    check_integer("partial", partial, minimum=2)
    if channels % partial:
        msg = f"channels: expected a multiple of {partial} as channels are partial, got {channels}"
        raise InvalidInputError(msg)


def build_genotype_supernet(
    space: str,
    *,
    channels: int = 16,
    cells: int = 8,
    classes: int = 10,
    partial: int | None = None,
    normalisation: str | Statistics = "cifar10",
    generator: torch.Generator | None = None,
) -> GenotypeSupernet:
    """Build the supernet of a DARTS-type space in training mode, in float32 on the CPU.

    Args:
        space: Name in ``DARTS_SPACES``.
        channels: C; 16 in DARTS and DSRNA, 24 in ARNAS.
        cells: Cells in all, at least 3, or 4 where accurate and robust cells are told apart.
        classes: Outputs of the classifier.
        partial: Every how many channels go through the ops, 4 in PC-DARTS and DSRNA; None is all.
            Images then have sides that 4 divides.
        normalisation: A name of ``NORMALISATIONS``, or mean and standard deviation per channel.
        generator: Source of weights and architecture parameters, on the CPU; a new one seeded
            with 0 if None.

    Raises:
        InvalidInputError: If a size is too small, or a name is not known.
    """
    chosen = DARTS_SPACES[check_choice("space", space, DARTS_SPACES)]
    check_integer("channels", channels, minimum=1)
    # Two reductions, and a cell of each other role.
    check_integer("cells", cells, minimum=2 + len(chosen.roles) - 1)
    check_integer("classes", classes, minimum=1)
    check_partial(partial, channels)
    statistics = find_statistics(normalisation)
    with torch.device("meta"):  # so that the layers do not draw from the global generator
        network = GenotypeSupernet(
            chosen,
            channels=channels,
            cells=cells,
            classes=classes,
            partial=partial,
            image_channels=len(statistics[0]),
        )
    return prepare(network, statistics, generator)
