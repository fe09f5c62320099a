"""Message passing in which a node's op gates what flows into it, for several members at once.

Members of an ensemble differ in their weights only, so they share every batch: tensors carry a
leading member dimension and each product is one batched matrix product.
"""

import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

with warnings.catch_warnings():  # torch-geometric calls what the newest torch has deprecated
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.nn import MessagePassing


_FARTHEST = 4.0


@dataclass(frozen=True, slots=True)
class GraphBatch:
    """The disjoint union of g graphs with v nodes.

    Args:
        kinds: ``(v,)`` what each node is.
        flow: ``(2, e)`` sources and targets over 2v ports: 2i stands for node i in the direction
            of the data, 2i + 1 for node i against it. An edge that counts two is there twice.
        ends: ``(g,)`` the output node of each graph.
        owners: ``(v,)`` the graph of each node.
        shares: ``(g, 1)`` one over the number of nodes.
    """

    kinds: Tensor
    flow: Tensor
    ends: Tensor
    owners: Tensor
    shares: Tensor


def collate(kinds: Tensor, counts: Tensor) -> GraphBatch:
    """Join graphs given at fixed width, see :func:`surrobust.encodings.graphs.pack_graphs`.

    Args:
        kinds: ``(g, width)`` int64, -1 where there is no node.
        counts: ``(g, width, width)`` int64 counts of the edges, source first.
    """
    there = kinds >= 0
    number = (there.flatten().cumsum(0) - 1).view_as(kinds)
    graph, source, target = counts.nonzero(as_tuple=True)
    # A term that is summed twice flows twice: its edge is listed as often as it counts.
    repeats = counts[graph, source, target]
    sources = 2 * number[graph, source].repeat_interleave(repeats)
    targets = 2 * number[graph, target].repeat_interleave(repeats)
    sizes = there.sum(1)
    return GraphBatch(
        kinds=kinds[there],
        # Along: 2s to 2t. Against: 2t + 1 to 2s + 1. One pass of messages does both.
        flow=torch.stack([torch.cat([sources, targets + 1]), torch.cat([targets, sources + 1])]),
        ends=sizes.cumsum(0) - 1,
        owners=torch.arange(len(kinds), device=kinds.device).repeat_interleave(sizes),
        shares=1 / sizes[:, None],
    )


class GatedFlow(MessagePassing):
    """One layer: what flows into a node, in either direction, passes the gates of its op.

    Follows the flow layer of GATES (Ning et al., ECCV 2020, arXiv 2004.01899),
    ``sigmoid(W_o o) * (A X W) + X W``, with X the states, A the adjacency and o the op's embedding.
    Unlike the paper, it runs along and against the edges at once and the state passes on through
    its own weights.

    Args:
        members: Networks side by side.
        width: Length of a state.
        op_width: Length of an op's embedding.
        generator: Draws the initial weights.
    """

    def __init__(
        self, members: int, width: int, op_width: int, *, generator: torch.Generator
    ) -> None:
        super().__init__(aggr="add", node_dim=-2)
        self.width = width
        # One product for three: the state itself, what flows along, what flows against.
        self.mix = normal(members, width, 3 * width, fan_in=width, generator=generator)
        self.gate = normal(members, op_width, 2 * width, fan_in=op_width, generator=generator)

    def forward(self, states: Tensor, ops: Tensor, batch: GraphBatch) -> Tensor:
        """Return ``(members, v, width)`` from states of that shape and ops (members, kinds, ·)."""
        members, nodes, width = states.shape
        mixed = states @ self.mix
        # (members, v, 2 width) to (members, 2 v, width): the rows 2i and 2i + 1 are node i's ports.
        ports = mixed[..., width:].reshape(members, 2 * nodes, width)
        flowed = self.propagate(batch.flow, x=ports).view(members, nodes, 2 * width)
        gates = torch.sigmoid(ops @ self.gate).index_select(1, batch.kinds)
        along, against = (gates * flowed).split(width, dim=-1)
        return mixed[..., :width] + along + against

    def message(self, x_j: Tensor) -> Tensor:
        """Return the states at the sources of the edges."""
        return x_j

    def aggregate(self, inputs: Tensor, index: Tensor, dim_size: int) -> Tensor:
        """Return the sums at the targets; faster here than torch-geometric's own scatter."""
        sums = inputs.new_zeros(len(inputs), dim_size, inputs.shape[-1])
        return sums.index_add(1, index, inputs)


class FlowNetwork(nn.Module):
    """Gated flow layers with residuals, then a head on what they make of a graph and on features.

    The head reads the output node, the mean of all nodes, and the graph's features in units of
    their spread, at most ``_FARTHEST`` of them.

    Args:
        kinds: How many kinds of nodes there are.
        features: Features of a graph, d; may be 0.
        outputs: Targets, m.
        members: Networks side by side.
        width: Length of a state.
        layers: Flow layers; the longest path of a cell has four edges.
        generator: Draws the initial weights, on the CPU.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        *,
        kinds: int,
        features: int,
        outputs: int,
        members: int,
        width: int,
        layers: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        # An embedding adds nothing up: its own numbers have unit variance.
        self.start = normal(members, kinds, width, fan_in=1, generator=generator)
        self.ops = normal(members, kinds, width, fan_in=1, generator=generator)
        self.flows = nn.ModuleList(
            GatedFlow(members, width, width, generator=generator) for _ in range(layers)
        )
        self.scales = nn.Parameter(torch.ones(layers, members, 1, width))
        self.shifts = nn.Parameter(torch.zeros(layers, members, 1, width))
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        hidden, read = 2 * width, 2 * width + features
        # Twice the variance, as ReLU takes half of it (He et al., ICCV 2015, equation 10).
        self.hidden = normal(members, read, hidden, fan_in=read / 2, generator=generator)
        self.hidden_shift = nn.Parameter(torch.zeros(members, 1, hidden))
        self.head = normal(members, hidden, outputs, fan_in=hidden, generator=generator)
        self.head_shift = nn.Parameter(torch.zeros(members, 1, outputs))

    def see_features(self, features: Tensor) -> None:
        """Take centres and spreads from the training cells' features ``(n, d)``."""
        self.centre = features.mean(0)
        spread = (features - self.centre).square().mean(0).sqrt()
        # A constant column may have a spread of rounding errors.
        is_constant = spread <= 1e-5 * self.centre.abs()
        self.scale = torch.where(is_constant, 1.0, 1 / spread)

    def forward(self, batch: GraphBatch, features: Tensor) -> Tensor:
        """Return the scores of the targets, ``(members, g, m)``.

        Args:
            batch: The graphs.
            features: Theirs, ``(g, d)``.
        """
        states = self.start.index_select(1, batch.kinds)
        for flow, scale, shift in zip(self.flows, self.scales, self.shifts, strict=True):
            flowed = functional.layer_norm(flow(states, self.ops, batch), states.shape[-1:])
            states = states + functional.relu(torch.addcmul(shift, flowed, scale))
        sums = states.new_zeros(len(states), len(batch.ends), states.shape[-1])
        means = sums.index_add(1, batch.owners, states) * batch.shares
        # What hardly varies among few training cells may be many of its spreads off elsewhere.
        rows = ((features - self.centre) * self.scale).clamp(-_FARTHEST, _FARTHEST)
        parts = [states.index_select(1, batch.ends), means, rows.expand(len(states), -1, -1)]
        read = torch.cat(parts, dim=-1)
        hidden = functional.relu(torch.baddbmm(self.hidden_shift, read, self.hidden))
        return torch.baddbmm(self.head_shift, hidden, self.head)


def normal(*shape: int, fan_in: float, generator: torch.Generator) -> nn.Parameter:
    """Return a parameter drawn from a normal distribution with sd ``fan_in ** -0.5``."""
    # On the CPU and then moved, so that every device begins with the same weights.
    drawn = torch.empty(shape).normal_(generator=generator)
    return nn.Parameter(drawn / math.sqrt(fan_in))
