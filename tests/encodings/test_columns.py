"""Columns: by hand, isomorphic cells, what is unknown, what is refused."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from surrobust.encodings import Columns
from surrobust.errors import InvalidArchitectureError, InvalidInputError
from surrobust.spaces import Architecture, representative_indices, representatives_by_index

FIRST = [Architecture.parse(index) for index in representative_indices()[:5]]
N = len(representative_indices())


def test_scores_by_hand():
    columns = Columns.of("a", [10.0, 1e9, -3.0, np.nan], FIRST[:4])
    normal = ndtri([0.5, 5 / 6, 1 / 6])
    expected = [*(normal / normal.std()), 0.0, 0.0]
    rows = columns.encode(FIRST)
    np.testing.assert_allclose(rows[:, 0], expected, atol=1e-12)
    np.testing.assert_array_equal(rows[:, 1], [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(columns.numbers[:3, 0], [10, 1e9, -3])


def test_isomorphic_cells_share_the_mean_of_what_is_known():
    representatives = np.array(representatives_by_index())
    numbers = np.full((15625, 2), np.nan)
    one = int(np.flatnonzero(np.bincount(representatives) >= 3)[0])
    members = np.flatnonzero(representatives == one)
    numbers[members[:3], 0] = [1.0, np.nan, 4.0]
    numbers[FIRST[-1].index] = [7.0, 8.0]
    numbers[FIRST[-2].index] = [7.0, 9.0]
    columns = Columns.of(["a", "b"], numbers)
    row = list(representative_indices()).index(one)
    assert columns.numbers[row, 0] == 2.5
    assert np.isnan(columns.numbers[row, 1])
    rows = columns.encode([Architecture.parse(int(i)) for i in members])
    np.testing.assert_array_equal(rows, rows[:1].repeat(len(members), axis=0))
    assert rows[0, 2] == 0.5


def test_sources_stay_apart_side_by_side():
    a = Columns.of(["a", "b"], [[1, 2], [3, 5], [4, np.nan]], FIRST[:3])
    b = Columns.of(["c"], [[1], [3]], FIRST[2:4])
    both = a.beside(b)
    assert (both.names, both.widths, both.size) == (("a", "b", "c"), (2, 1), 5)
    assert both.slices == (slice(0, 3), slice(3, 5))
    np.testing.assert_array_equal(both.encode(FIRST)[:, :3], a.encode(FIRST))
    np.testing.assert_array_equal(both.encode(FIRST)[:, 3:], b.encode(FIRST))
    with pytest.raises(InvalidInputError, match="once"):
        a.beside(a)


def test_a_frame_is_taken_by_its_index():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, np.nan]}, index=[c.index for c in FIRST[:2]])
    frame.loc[FIRST[2].index] = [5.0, 6.0]
    found = Columns.from_frame(frame)
    same = Columns.of(["a", "b"], [[1, 0], [2, np.nan], [5, 6]], FIRST[:3])
    assert found.names == ("a", "b")
    assert found.sha256 == same.sha256
    with pytest.raises(InvalidArchitectureError):
        Columns.from_frame(pd.DataFrame({"a": [1.0, 2.0]}, index=["x", "y"]))


def test_the_checksum_tells_columns_apart():
    a = Columns.of(["a", "b"], [[1, 2], [3, 5]], FIRST[:2])
    others = [
        Columns.of(["a", "c"], [[1, 2], [3, 5]], FIRST[:2]),
        Columns.of(["a", "b"], [[1, 2], [3, 6]], FIRST[:2]),
        Columns.of(["a", "b"], [[1, 2], [3, 5]], FIRST[1:3]),
        dataclasses.replace(a, widths=(1, 1)),
    ]
    assert len({a.sha256, *(other.sha256 for other in others)}) == 5
    assert a.reference == {"names": ["a", "b"], "sha256": a.sha256}
    with pytest.raises(ValueError, match="read-only"):
        a.numbers[0] = 0


def test_what_is_no_column_is_refused():
    refused = [
        ([], np.empty((2, 0))),
        (["a", "a"], [[1, 2], [3, 4]]),
        (["a", ""], [[1, 2], [3, 4]]),
        (["a"], [[1, 2], [3, 4]]),
        (["a"], [1, 2, 3]),
        (["a"], ["x", "y"]),
        (["a"], [1.0, np.inf]),
        (["a"], [1.0, 1.0]),
        (["a"], [np.nan, np.nan]),
    ]
    for names, numbers in refused:
        with pytest.raises(InvalidInputError, match="columns: expected"):
            Columns.of(names, numbers, FIRST[:2])
    with pytest.raises(InvalidInputError, match="shape"):
        Columns(("a",), np.zeros((3, 1)))
    for widths in ((2,), (1, 0), (-1, 2)):
        with pytest.raises(InvalidInputError, match="widths"):
            Columns(("a",), np.arange(N, dtype=float)[:, None], widths)


@pytest.mark.tables
def test_published_proxies_become_columns(data_dir):
    from surrobust.tables import load_proxy_columns

    columns = Columns.of(*load_proxy_columns(data_dir=data_dir))
    assert columns.size == 14
    assert (~np.isnan(columns.numbers)).sum(axis=0).min() >= 6284
    assert np.abs(columns.encode(FIRST)).max() < 4
