"""Cells that a gradient search ends in when it has gone wrong: they can learn nothing."""

from ..networks.cell import live_edges
from ..spaces import OPS, Architecture

_SKIP = OPS.index("skip_connect")
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
    if ops == {_SKIP}:
        return "skips: nothing but identity passes from input to output"
    if not ops.intersection(_CONVOLUTIONS):
        return "no convolution: nothing but skips and pools passes from input to output"
    return None
