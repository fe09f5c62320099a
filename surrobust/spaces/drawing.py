"""Cells of DARTS-type networks as pictures, plain SVG."""

from html import escape

from .darts import CONVOLUTIONS, Genotype, NodeCell

_STEP, _RISE, _TOP, _HEIGHT = 120, 26, 40, 250
"""Pixels from node to node, of an arc's height for each node passed, above arcs, and of a cell."""
_BASE = 190
"""Where nodes stand, in pixels from a cell's top."""
_COLOURS = {"skip_connect": "#888888", "max_pool_3x3": "#b36b00", "avg_pool_3x3": "#b36b00"}
_CONVOLUTION = "#1f5fa8"


def draw_genotype(genotype: Genotype) -> str:
    """Return an SVG document: the cells below each other, an arc with its op for each input.

    Args:
        genotype: Of a DARTS-type space; a cell for each of its roles is drawn.
    """
    width = _STEP * 7
    parts = [
        f'<g transform="translate(0,{_HEIGHT * number})">{_cell(role, cell)}</g>'
        for number, (role, cell) in enumerate(genotype.cells)
    ]
    height = _HEIGHT * len(genotype.cells)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(parts)}</svg>\n'
    )


def _cell(role: str, cell: NodeCell) -> str:
    names = ["k-2", "k-1", "2", "3", "4", "5", "out"]
    parts = [f'<text x="12" y="22" font-size="14" font-weight="bold">{escape(role)}</text>']
    for position, (op, source) in enumerate(cell.inputs):
        parts.append(_arc(source, 2 + position // 2, op))
    for node in range(2, 6):
        parts.append(_line(node))
    for place, name in enumerate(names):
        x = _x(place)
        parts.append(f'<circle cx="{x}" cy="{_BASE}" r="14" fill="#f2f2f2" stroke="black"/>')
        parts.append(f'<text x="{x}" y="{_BASE + 4}" text-anchor="middle">{name}</text>')
    return "".join(parts)


def _arc(source: int, target: int, op: str) -> str:
    a, b = _x(source), _x(target)
    lift = min(_RISE * (target - source) + 12, _BASE - _TOP)
    colour = _CONVOLUTION if op in CONVOLUTIONS else _COLOURS[op]
    # The top of a quadratic curve is half way to its control point.
    label = f'<text x="{(a + b) / 2}" y="{_BASE - lift - 3}" text-anchor="middle" fill="{colour}">'
    curve = f"M {a} {_BASE - 14} Q {(a + b) / 2} {_BASE - 2 * lift + 14} {b} {_BASE - 14}"
    path = f'<path d="{curve}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    return f"{path}{label}{escape(op)}</text>"


def _line(node: int) -> str:
    a, b, depth = _x(node), _x(6), _BASE + 14 + 8 * (6 - node)
    curve = f"M {a} {_BASE + 14} Q {(a + b) / 2} {2 * depth - _BASE - 14} {b} {_BASE + 14}"
    return f'<path d="{curve}" fill="none" stroke="#cccccc"/>'


def _x(place: int) -> float:
    return _STEP * (place + 0.5)
