"""Pieces of HTML: text is escaped, numbers are drawn where they belong."""

import math
import re
from xml.etree import ElementTree

from surrobust._html import fact_table, row_table, sparkline, titled

EVIL = "<b onclick='x'>&\""


def test_text_is_escaped():
    for html in (titled(EVIL), fact_table({EVIL: EVIL}), row_table([EVIL], [[EVIL]])):
        assert "<b" not in html
        assert "&lt;b" in html
        ElementTree.fromstring(html)


def test_tables_have_their_rows():
    tree = ElementTree.fromstring(row_table(["a", "b"], [[1, 2], [3, 4]]))
    assert [cell.text for cell in tree.iter("td")] == ["1", "2", "3", "4"]
    assert [cell.text for cell in tree.iter("th")] == ["a", "b"]
    tree = ElementTree.fromstring(fact_table({"a": 1}))
    assert [cell.text for cell in tree.iter()][-2:] == ["a", "1"]


def test_a_line_is_drawn_to_scale():
    svg = sparkline([0.0, 1.0, math.nan], [0.0, 1.0, 1.0])
    tree = ElementTree.fromstring(svg)
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in tree.iter("circle")]
    assert dots == [(4.0, 44.0), (120.0, 4.0)]
    assert re.search(r'points="4.0,44.0 120.0,4.0 236.0,4.0"', svg)


def test_equal_and_missing_numbers_are_drawn_too():
    assert sparkline([], []) == ""
    assert sparkline([math.nan, math.inf], [math.nan, math.nan]) == ""
    assert sparkline([5.0, 5.0], [5.0, 5.0]).count("44.0") == 4
    assert "4.0,44.0" in sparkline([5.0], [5.0])
