"""The cell as a module: what its zeros cut off exists, but is not computed."""

from torch import Tensor, nn

from ..spaces import EDGES, Architecture
from .blocks import ConvolutionNorm, Pool, Rectifier

_NONE, _SKIP, _CONV_1X1, _CONV_3X3, _POOL = range(5)
_KERNELS = {_CONV_1X1: 1, _CONV_3X3: 3}
_INPUT, _OUTPUT = 0, 3


def live_edges(ops: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of the edges that lie on a way from input to output without a zero."""
    reached, reaching = {_INPUT}, {_OUTPUT}
    for (source, target), op in zip(EDGES, ops, strict=True):
        if op != _NONE and source in reached:
            reached.add(target)
    for (source, target), op in sorted(zip(EDGES, ops, strict=True), reverse=True):
        if op != _NONE and target in reaching:
            reaching.add(source)
    return tuple(
        number
        for number, ((source, target), op) in enumerate(zip(EDGES, ops, strict=True))
        if op != _NONE and source in reached and target in reaching
    )


class Cell(nn.Module):
    """One cell: each node is the sum of its edges, the output is the last node.

    An edge is ReLU, convolution, batch norm; a 3x3 average pool; the identity; or zero (Dong &
    Yang, ICLR 2020). Convolutions on edges that no signal passes have their parameters, as in the
    published network, but are never run.

    Args:
        architecture: The cell.
        channels: Channels of every node.
    """

    def __init__(self, architecture: Architecture, channels: int) -> None:
        super().__init__()
        self.ops = architecture.ops
        self.live = live_edges(self.ops)
        for (source, target), op in zip(EDGES, self.ops, strict=True):
            if op in _KERNELS:
                block = ConvolutionNorm(channels, channels, _KERNELS[op])
                self.add_module(f"edge_{source}{target}", block)
            elif op == _POOL:
                self.add_module(f"edge_{source}{target}", Pool())
        for source in range(_OUTPUT):
            readers = sum(EDGES[e][0] == source and self.ops[e] in _KERNELS for e in self.live)
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
        for number in self.live:
            (source, target), op = EDGES[number], self.ops[number]
            if op in _KERNELS and source not in rectified:
                rectified[source] = self.get_submodule(f"rectify_{source}")(nodes[source])
            value = rectified[source] if op in _KERNELS else nodes[source]
            if op != _SKIP:
                value = self.get_submodule(f"edge_{source}{target}")(value)
            nodes[target] = nodes[target] + value if target in nodes else value
        return nodes[_OUTPUT] if _OUTPUT in nodes else x * 0.0
