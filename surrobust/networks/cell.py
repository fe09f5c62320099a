"""The cell as a module: every convolution is computed, also one that zeros cut off."""

from torch import Tensor, nn

from ..spaces import EDGES, AnyArchitecture, Architecture, Genotype
from .blocks import ConvolutionNorm, Pool, Rectifier

_NONE, _SKIP, _CONV_1X1, _CONV_3X3, _POOL = range(5)
_KERNELS = {_CONV_1X1: 1, _CONV_3X3: 3}
_INPUT, _OUTPUT = 0, 3


def live_edges(ops: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of the edges that lie on a way from input to output without a zero."""
    reached, reaching = {_INPUT}, {_OUTPUT}
    # Edges are ordered by target, so that all into a node are seen before any out of it.
    for (source, target), op in zip(EDGES, ops, strict=True):
        if op != _NONE and source in reached:
            reached.add(target)
    # Backward the other way round: by source, all out of a node before any into it.
    for (source, target), op in sorted(zip(EDGES, ops, strict=True), reverse=True):
        if op != _NONE and target in reaching:
            reaching.add(source)
    return tuple(
        number
        for number, ((source, target), op) in enumerate(zip(EDGES, ops, strict=True))
        if op != _NONE and source in reached and target in reaching
    )


def computed_edges(ops: tuple[int, ...], *, learning: bool) -> tuple[int, ...]:
    """Return the numbers of the edges that have to be computed.

    Behind a convolution stands batch norm, whose offset is there even if nothing but zeros comes
    in; so of a node that only zeros feed, skips and pools may be left out, but no convolution.

    Args:
        ops: Of the cell.
        learning: Whether batch norm learns: then convolutions that nothing reads are computed too,
            as their statistics change.
    """
    filled = {_INPUT}
    for (source, target), op in zip(EDGES, ops, strict=True):
        if op in _KERNELS or (op != _NONE and source in filled):
            filled.add(target)
    # Backward, as a node is wanted by what stands behind it.
    wanted = {_OUTPUT}
    found = []
    for number in reversed(range(len(EDGES))):
        (source, target), op = EDGES[number], ops[number]
        fills = op in _KERNELS or (op != _NONE and source in filled)
        if fills and (target in wanted or (learning and op in _KERNELS)):
            wanted.add(source)
            found.append(number)
    return tuple(reversed(found))


def has_offsets(architecture: AnyArchitecture) -> bool:
    """Return whether an output depends on convolutions to which no signal comes.

    In 2140 of the 15625 cells, of which 156 are representatives, it does: what they give is what
    their batch norm has learnt.
    """
    if isinstance(architecture, Genotype):
        return False
    return computed_edges(architecture.ops, learning=False) != live_edges(architecture.ops)


def tell_network(architecture: AnyArchitecture) -> dict[str, str]:
    """Return what a record or checkpoint says of a network that earlier versions built otherwise.

    They left out convolutions to which no signal comes; nothing is said where there is none.
    """
    return {"network": "convolves zeros"} if has_offsets(architecture) else {}


class Cell(nn.Module):
    """One cell: each node is the sum of its edges, the output is the last node.

    An edge is ReLU, convolution, batch norm; a 3x3 average pool; the identity; or zero (Dong &
    Yang, ICLR 2020). As in the authors' code a convolution is computed wherever it stands. Where
    only zeros feed what it reads, its batch norm gives a learnt offset. Where nothing reads it, its
    statistics follow the images and its gradients are zero, so that weight decay shrinks it; in
    evaluation, where nothing depends on it, it is left out.

    Args:
        architecture: The cell.
        channels: Channels of every node.
    """

    def __init__(self, architecture: Architecture, channels: int) -> None:
        super().__init__()
        self.ops = architecture.ops
        self.live = live_edges(self.ops)
        self.computed = {way: computed_edges(self.ops, learning=way) for way in (False, True)}
        ways = [EDGES[number] for number in self.computed[True]]
        read = {source for source, _ in ways} | {_OUTPUT}
        self.unread = tuple(sorted({target for _, target in ways} - read))
        for (source, target), op in zip(EDGES, self.ops, strict=True):
            if op in _KERNELS:
                block = ConvolutionNorm(channels, channels, _KERNELS[op])
                self.add_module(f"edge_{source}{target}", block)
            elif op == _POOL:
                self.add_module(f"edge_{source}{target}", Pool())
        for source in range(_OUTPUT):
            pairs = zip(EDGES, self.ops, strict=True)
            readers = sum(edge[0] == source and op in _KERNELS for edge, op in pairs)
            if readers:
                self.add_module(f"rectify_{source}", Rectifier(readers))

    def unused(self) -> list[nn.Module]:
        """Return the modules of the edges that no signal passes."""
        dead = {f"edge_{s}{t}" for e, (s, t) in enumerate(EDGES) if e not in self.live}
        return [child for name, child in self.named_children() if name in dead]

    def forward(self, x: Tensor) -> Tensor:
        """Return the last node for the first, both ``(n, channels, h, w)``."""
        nodes: dict[int, Tensor] = {_INPUT: x}
        rectified: dict[int, Tensor] = {}
        for number in self.computed[self.training]:
            (source, target), op = EDGES[number], self.ops[number]
            # A function of the images still, unlike new zeros: their gradient is zero, not missing.
            if source not in nodes:
                nodes[source] = x * 0.0
            if op in _KERNELS and source not in rectified:
                rectified[source] = self.get_submodule(f"rectify_{source}")(nodes[source])
            value = rectified[source] if op in _KERNELS else nodes[source]
            if op != _SKIP:
                value = self.get_submodule(f"edge_{source}{target}")(value)
            nodes[target] = nodes[target] + value if target in nodes else value
        last = nodes[_OUTPUT] if _OUTPUT in nodes else x * 0.0
        for node in self.unread if self.training else ():
            last = last + nodes[node] * 0.0  # so that gradients are zero, not missing
        return last
