"""What a search's result says of itself."""

import math
import re

import pytest

from surrobust.searches import Bound, Evaluation, SearchResult
from surrobust.spaces import Architecture

TARGET = "nas-robbench-201/cifar10/pgd-8"
CELLS = [Architecture.parse(index).representative for index in range(8)]


def result(values, target=TARGET, **fields):
    evaluations = tuple(
        Evaluation(CELLS[n], value, n, "table", error="lost" if math.isnan(value) else "")
        for n, value in enumerate(values)
    )
    return SearchResult(target, "table", "random", 10, 3, evaluations, **fields)


def front():
    points = [(0.5, 10.0), (0.4, 5.0), (0.3, 7.0)]
    evaluations = tuple(
        Evaluation(CELLS[n], point[0], n, "table", point) for n, point in enumerate(points)
    )
    return SearchResult(
        TARGET,
        "table",
        "nsga2",
        10,
        3,
        evaluations,
        targets=(TARGET, "params"),
        directions=("maximize", "minimize"),
    )


def test_a_line_says_what_was_found():
    said = repr(result([0.1, 0.5, 0.3]))
    expected = f"random on {TARGET}: 3 of 10 evaluations; best 0.5, cell {CELLS[1].index}"
    assert said == f"SearchResult({expected})"
    assert "2 failed" in repr(result([0.1, math.nan, math.nan]))
    assert "nothing found" in repr(result([math.nan]))
    assert "nothing found" in repr(result([]))
    assert f"cell {CELLS[3].index} is ranked first" in repr(result([], ranked=(CELLS[3],)))
    assert "on a callable" in repr(result([0.1], target=None))
    assert f"random on {TARGET}, params" not in repr(result([0.1]))
    assert f"nsga2 on {TARGET}, params: 3 of 10 evaluations; 2 on the front" in repr(front())


def polyline(html):
    (points,) = re.findall(r'<polyline points="([^"]*)"', html)
    return [tuple(map(float, point.split(","))) for point in points.split()]


def test_a_curve_shows_the_best_so_far():
    html = result([0.1, 0.5, 0.3, 0.6])._repr_html_()
    assert html.count("<circle") == 4
    heights = [y for _, y in polyline(html)]
    assert heights[0] > heights[1] == heights[2] > heights[3]  # upwards is towards 0
    lower = result([0.3, 0.5, 0.1], target="hw-nas-bench/cifar10/fpga-latency")
    heights = [y for _, y in polyline(lower._repr_html_())]
    assert heights[0] == heights[1] < heights[2]


def test_what_failed_or_breaks_a_bound_is_never_the_best():
    bounded = SearchResult(
        TARGET,
        "table",
        "random",
        10,
        3,
        tuple(
            Evaluation(CELLS[n], value, n, "table", bounded=(size,))
            for n, (value, size) in enumerate([(0.9, 5.0), (0.2, 1.0), (0.4, 1.0)])
        ),
        bounds=(Bound("params", 2.0, True),),
    )
    points = polyline(bounded._repr_html_())
    assert len(points) == 2  # none before there is one
    assert "params &lt;= 2" in bounded._repr_html_()
    html = result([math.nan, 0.2])._repr_html_()
    assert html.count("<circle") == 1
    assert "<svg" not in result([math.nan])._repr_html_()
    assert "<svg" not in result([])._repr_html_()


def test_the_table_has_the_finalists():
    html = result([0.1, 0.5, 0.3])._repr_html_()
    assert CELLS[1].genotype in html
    assert html.index("<td>0.5</td>") < html.index("<td>0.3</td>") < html.index("<td>0.1</td>")
    html = front()._repr_html_()
    assert "<th>params</th>" in html
    assert CELLS[2].genotype not in html
    assert "<svg" not in html
    assert not re.search(r"<script|javascript|href|src=|\son\w+=", html)


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>"])
def test_text_is_escaped(evil):
    html = result([0.1], prior=evil)._repr_html_()
    assert "&lt;" in html
    assert evil not in html
