"""Drawings: well-formed, and where the numbers say."""

import re
from xml.etree import ElementTree

import pytest

from surrobust.report import draw_bars, draw_cell, draw_curve, draw_points
from surrobust.report.drawing import Axis, Bar, axis_around, format_number
from surrobust.spaces import Architecture


def test_an_axis_is_linear_with_round_ticks():
    axis = Axis(0.0, 2.0, 100.0, 300.0)
    assert (axis(0.0), axis(0.5), axis(2.0)) == (100.0, 150.0, 300.0)
    assert axis.ticks(5) == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert Axis(0.237, 0.482, 0, 1).ticks(5) == pytest.approx([0.25, 0.3, 0.35, 0.4, 0.45])


@pytest.mark.parametrize("numbers", [[0.0], [0.3, 0.3], [-5.0, 1e9], [1e-12, 2e-12]])
def test_an_axis_holds_any_numbers(numbers: list[float]):
    axis = axis_around(numbers, 0.0, 100.0)
    assert all(0.0 < axis(number) < 100.0 for number in numbers)
    assert 1 <= len(axis.ticks()) <= 12


def test_numbers_are_short():
    shown = [format_number(n) for n in (0.0, 0.48113, 0.5, 12.0, 559386.0, 1e-7)]
    assert shown == ["0", "0.4811", "0.5", "12", "559,386", "1e-07"]


def test_a_cell_has_its_six_operations():
    cell = Architecture.parse("012340")
    drawn = ElementTree.fromstring(draw_cell(cell))
    texts = [element.text for element in drawn.iter("text")]
    assert texts[:6] == ["none", "skip", "conv 1×1", "conv 3×3", "avg pool", "none"]
    assert texts[6:] == ["in", "1", "2", "out"]
    assert len(drawn.findall("path")) == 6
    assert cell.genotype in drawn.get("aria-label", "")


def test_the_incumbent_only_improves():
    drawn = draw_curve([0.3, 0.1, 0.4, 0.2], higher_is_better=True, label="pgd-8", best=0.5)
    tree = ElementTree.fromstring(drawn)
    assert len(tree.findall("circle")) == 4
    line = next(p.get("d", "") for p in tree.findall("path") if p.get("stroke") == "#1d4ed8")
    heights = [float(y) for y in re.findall(r"(?:^M\S+ |V)([\d.]+)", line)]
    assert heights[0] == heights[1] > heights[2] == heights[3]
    assert "best in the table 0.5" in drawn
    falling = draw_curve([3.0, 1.0, 2.0], higher_is_better=False, label="latency")
    line = re.findall(r'd="(M[^"]*H[^"]*V[^"]*)" fill="none" stroke="#1d4ed8"', falling)[0]
    heights = [float(y) for y in re.findall(r"(?:^M\S+ |V)([\d.]+)", line)]
    assert heights[0] < heights[1] == heights[2]


def test_bars_have_their_lengths_and_whiskers():
    bars = [Bar("clean", 0.5, (0.25, 0.75), 1.0), Bar("<b>", 0.0)]
    drawn = ElementTree.fromstring(draw_bars(bars, mark="measured"))
    paths = [path.get("d", "") for path in drawn.findall("path")]
    assert paths[1].startswith("M104 8H198.0V")
    assert paths[2] == "M151.0 15H245.0M151.0 11v8M245.0 11v8"
    assert paths[3].startswith("M292.0 ")
    assert [t.text for t in drawn.iter("text")] == ["clean", "0.5000", "<b>", "0.0000"]


def test_points_of_the_front_are_filled():
    points = [(0.1, 5.0), (0.2, 6.0), (0.15, 9.0)]
    drawn = ElementTree.fromstring(draw_points(points, points[:2], ("a & b", "c")))
    fills = [circle.get("fill") for circle in drawn.findall("circle")]
    assert fills == ["none"] * 3 + ["#1d4ed8"] * 2
    assert drawn.get("aria-label") == "a & b and c"
