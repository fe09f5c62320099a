"""Drawings as SVG text: axes, a cell, a curve of evaluations, points, bars with intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..spaces import EDGES, OPS, Architecture


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis.

    Args:
        low: Number at ``start``.
        high: Number at ``stop``.
        start: Place of ``low`` on the drawing, in pixels.
        stop: Place of ``high``.
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, number: float) -> float:
        """Return the place of a number, rounded to a tenth of a pixel."""
        share = (number - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, n: int = 5) -> list[float]:
        """Return about ``n`` round numbers on the axis."""
        raw = (self.high - self.low) / n
        power = 10.0 ** math.floor(math.log10(raw))
        # Steps and ends are quotients: what misses one by rounding alone is on it, here and below.
        step = next(s * power for s in (1.0, 2.0, 5.0, 10.0) if s * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


def axis_around(numbers: Sequence[float], start: float, stop: float) -> Axis:
    """Return an axis that holds all numbers with a little air.

    Args:
        numbers: Finite, at least one.
        start: Place of the lower end.
        stop: Place of the upper end.
    """
    low, high = min(numbers), max(numbers)
    # Around equal numbers a tenth of their size, around zeros 1, so that the axis has a length.
    air = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return Axis(low - air, high + air, start, stop)


def format_number(number: float) -> str:
    """Return a number as an axis or a table shows it."""
    if 1e4 <= abs(number) < 1e9:
        return f"{number:,.0f}"
    if number == 0 or 1e-3 <= abs(number) < 1e4:
        return f"{number:.4f}".rstrip("0").rstrip(".") if abs(number) < 100 else f"{number:.5g}"
    return f"{number:.3g}"


COLOURS = ("#b8b8b8", "#6b7280", "#c2710c", "#1d4ed8", "#15803d")
"""Of the ops, in the order of ``OPS``."""

LABELS = ("none", "skip", "conv 1×1", "conv 3×3", "avg pool")
"""Of the ops as drawings write them."""

_NODES = (30, 130, 230, 330)
_LEVEL = 100
_BENDS = {(0, 2): -76, (1, 3): 76, (0, 3): -156}  # of the control point; the arc goes half as far


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of accuracies.

    Args:
        label: What it shows.
        value: Its length, a fraction in [0, 1].
        interval: Lower and upper end of its whisker; None for none.
        mark: Another value of the same, drawn as a line; None for none.
    """

    label: str
    value: float
    interval: tuple[float, float] | None = None
    mark: float | None = None


def draw_cell(cell: Architecture) -> str:
    """Draw a cell as a graph: four nodes, an arrow per edge with its operation."""
    parts = []
    for (source, target), op in zip(EDGES, cell.ops, strict=True):
        x0, x1 = _NODES[source], _NODES[target]
        bend = _BENDS.get((source, target), 0)
        # Straight arrows end at the circles, of radius 12, bent ones above or below them.
        inset = 13 if bend == 0 else 8
        lift = (10 if bend > 0 else -10) if bend else 0
        middle = ((x0 + x1) / 2, _LEVEL + (lift + bend) / 2)
        path = (
            f"M{x0 + inset} {_LEVEL + lift}Q{middle[0]:g} {_LEVEL + bend} "
            f"{x1 - inset} {_LEVEL + lift}"
        )
        dashes = ' stroke-dasharray="2 4"' if OPS[op] == "none" else ""
        parts.append(
            f'<path d="{path}" fill="none" stroke="{COLOURS[op]}" stroke-width="2.5"{dashes}/>'
            f'<text x="{middle[0]:g}" y="{middle[1] - 5:g}" text-anchor="middle" '
            f'fill="{COLOURS[op]}">{LABELS[op]}</text>'
        )
    for number, x in enumerate(_NODES):
        label = {0: "in", 3: "out"}.get(number, str(number))
        parts.append(
            f'<circle cx="{x}" cy="{_LEVEL}" r="12" fill="#fff" stroke="#111"/>'
            f'<text x="{x}" y="{_LEVEL + 4}" text-anchor="middle">{label}</text>'
        )
    return _svg(360, 160, "".join(parts), f"cell {cell.code}: {cell.genotype}")


def draw_curve(
    values: Sequence[float], *, higher_is_better: bool, label: str, best: float | None = None
) -> str:
    """Draw the values of a search, the incumbent, and the best there is.

    Args:
        values: By trial, NaN where there is none; at least one number.
        higher_is_better: Whether the incumbent is the largest so far.
        label: Of the values.
        best: The best value there is, if that is known.
    """
    width, height = 680, 260
    known = [(i, v) for i, v in enumerate(values, start=1) if not math.isnan(v)]
    running = np.maximum.accumulate if higher_is_better else np.minimum.accumulate
    incumbent = running([v for _, v in known]).tolist()
    x = Axis(0.5, len(values) + 0.5, 64, width - 12)
    y = axis_around([v for _, v in known] + ([] if best is None else [best]), height - 40, 22)
    dots = "".join(f'<circle cx="{x(i)}" cy="{y(v)}" r="2.5" fill="#6b7280"/>' for i, v in known)
    steps = [f"M{x(known[0][0])} {y(incumbent[0])}"]
    steps += [f"H{x(i)}V{y(v)}" for (i, _), v in zip(known[1:], incumbent[1:], strict=True)]
    line = f'<path d="{"".join(steps)}H{x(len(values) + 0.5)}" fill="none" stroke="#1d4ed8" '
    line += 'stroke-width="2"/>'
    top = ""
    if best is not None:
        top = (
            f'<path d="M64 {y(best)}H{width - 12}" stroke="#15803d" stroke-dasharray="6 4"/>'
            f'<text x="{width - 14}" y="{y(best) - 5}" text-anchor="end" fill="#15803d">'
            f"best in the table {format_number(best)}</text>"
        )
    frame = _frame(x, y, width, height, "evaluation", label)
    return _svg(width, height, frame + dots + line + top, f"{label} by evaluation")


def draw_points(
    points: Sequence[tuple[float, float]],
    front: Sequence[tuple[float, float]],
    labels: tuple[str, str],
) -> str:
    """Draw evaluations by two objectives, those of the front filled.

    Args:
        points: At least one.
        front: Those that no other dominates.
        labels: Of both axes.
    """
    width, height = 680, 320
    x = axis_around([p[0] for p in points], 64, width - 12)
    y = axis_around([p[1] for p in points], height - 40, 12)
    drawn = [
        f'<circle cx="{x(a)}" cy="{y(b)}" r="3" fill="none" stroke="#6b7280"/>' for a, b in points
    ]
    drawn += [f'<circle cx="{x(a)}" cy="{y(b)}" r="4" fill="#1d4ed8"/>' for a, b in front]
    frame = _frame(x, y, width, height, *labels)
    return _svg(width, height, frame + "".join(drawn), " and ".join(labels))


def draw_bars(bars: Sequence[Bar], *, mark: str = "") -> str:
    """Draw accuracies as bars with their intervals.

    Args:
        bars: At least one.
        mark: What the line across a bar is, for the description.
    """
    width, line = 340, 22
    height = line * len(bars) + 8
    x = Axis(0.0, 1.0, 104, width - 48)
    parts = []
    for number, bar in enumerate(bars):
        y = 4 + line * number
        value = x(bar.value)
        parts.append(
            f'<text x="98" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>'
            f'<path d="M104 {y + 4}H{x(1.0)}V{y + 18}H104z" fill="#f1f2f4"/>'
            f'<path d="M104 {y + 4}H{value}V{y + 18}H104z" fill="#7c9cf0"/>'
            f'<text x="{width - 44}" y="{y + 15}">{bar.value:.4f}</text>'
        )
        if bar.interval is not None:
            low, high = x(bar.interval[0]), x(bar.interval[1])
            parts.append(
                f'<path d="M{low} {y + 11}H{high}M{low} {y + 7}v8M{high} {y + 7}v8" '
                'stroke="#111" fill="none"/>'
            )
        if bar.mark is not None:
            parts.append(
                f'<path d="M{x(bar.mark)} {y + 1}v20" stroke="#b91c1c" stroke-width="2.5"/>'
            )
    told = ", ".join(f"{bar.label} {bar.value:.4f}" for bar in bars)
    return _svg(width, height, "".join(parts), f"{told}; line: {mark}" if mark else told)


def _frame(x: Axis, y: Axis, width: int, height: int, below: str, beside: str) -> str:
    parts = [f'<path d="M64 12V{height - 40}H{width - 12}" fill="none" stroke="#111"/>']
    for tick in x.ticks(8):
        parts.append(
            f'<text x="{x(tick)}" y="{height - 24}" text-anchor="middle">'
            f"{format_number(tick)}</text>"
        )
    for tick in y.ticks(5):
        parts.append(
            f'<path d="M64 {y(tick)}H{width - 12}" stroke="#e5e7eb"/>'
            f'<text x="58" y="{y(tick) + 4}" text-anchor="end">{format_number(tick)}</text>'
        )
    parts.append(
        f'<text x="{(64 + width) / 2:g}" y="{height - 6}" text-anchor="middle">'
        f"{escape(below)}</text>"
        f'<text transform="translate(11 {height / 2 - 14:g}) rotate(-90)" text-anchor="middle">'
        f"{escape(beside)}</text>"
    )
    return "".join(parts)


def _svg(width: int, height: int, content: str, told: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(told)}">{content}</svg>'
    )
