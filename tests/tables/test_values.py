"""A user's CSV: what is read, and what is refused with its line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture
from surrobust.tables import read_value_columns, read_values_csv

CELLS = [Architecture.parse(index) for index in (2581, 9930, 2581)]


@pytest.fixture
def write(tmp_path):
    def put(content: str | bytes):
        path = tmp_path / "mine.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


def test_every_text_form_is_read_and_rows_are_kept_as_they_are(write):
    genotype = CELLS[2].genotype
    path = write(f"architecture,value\n2581,0.5\n{CELLS[1].code},.25\n{genotype},1e-3\n")
    cells, y = read_values_csv(path)
    assert cells == CELLS
    np.testing.assert_array_equal(y, [0.5, 0.25, 0.001])


def test_several_columns_with_their_names(write):
    path = write("a, architecture ,b\n1,2581,2\n-3,9930,+4.\n")
    cells, y, names = read_value_columns(path)
    assert names == ("a", "b")
    assert cells == CELLS[:2]
    np.testing.assert_array_equal(y, [[1, 2], [-3, 4]])
    np.testing.assert_array_equal(read_values_csv(path)[1], y)


@pytest.mark.parametrize(
    "content",
    [
        "architecture,value\r\n2581,0.5\r\n",
        "\ufeffarchitecture,value\n2581,0.5\n",
        "architecture,value\n\n  ,\t\n2581,0.5\n\n",
        '"architecture","value"\n"2581","0.5"',
        "architecture,value\n 2581 , 0.5 ",
        "value,architecture\n0.5,2581\n",
    ],
)
def test_ways_of_writing_csv(write, content):
    cells, y = read_values_csv(write(content))
    assert (cells, y.tolist()) == ([CELLS[0]], [0.5])


HEAD = "architecture,value\n"
GOOD = HEAD + "2581,0.5\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "line 1: expected a header with a column architecture"),
        ("\n\n", "line 1: expected a header with a column architecture"),
        ("2581,0.5\n", "line 1: expected a header with a column architecture"),
        ("architecture\n2581\n", "line 1: expected at least one column of values"),
        ("architecture;value\n2581;0.5\n", "separated by commas, got 'architecture;value'"),
        ("architecture\tvalue\n2581\t1\n", "line 1: expected a header with a column architecture"),
        (
            "architecture,architecture\n1,2\n",
            "line 1: expected a column architecture, got it twice",
        ),
        ("architecture,value,value\n1,2,3\n", "a name for each column, each once, got"),
        ("architecture,value,\n1,2,3\n", "a name for each column, each once, got"),
        ("Architecture,architecture,value\n1,1,2\n", "architecture, got it twice"),
        (HEAD, "expected at least one row below the header, got none"),
        (GOOD + "9930\n", "line 3: expected 2 fields, got 1"),
        (GOOD + "9930,1,2\n", "line 3: expected 2 fields, got 3"),
        (GOOD + "9930," + "," * 9_000, "line 3: expected 2 fields, got 9002"),
        (GOOD + "99300,1\n", "line 3: architecture: expected an index 0..15624"),
        (GOOD + "-1,1\n", "line 3: architecture: expected"),
        (GOOD + ",1\n", "line 3: architecture: expected"),
        (GOOD + "|none~0|,1\n", "line 3: architecture: expected three nodes"),
        (GOOD + "9930,\n", "line 3: expected a finite number as 'value', got ''"),
        (GOOD + "9930,nan\n", "line 3: expected a finite number as 'value', got 'nan'"),
        (GOOD + "9930,inf\n", "line 3: expected a finite number"),
        (GOOD + "9930,1e999\n", "line 3: expected a finite number"),
        (GOOD + "9930,1_0\n", "line 3: expected a finite number"),
        (GOOD + "9930,0x1\n", "line 3: expected a finite number"),
        (GOOD + "9930,50%\n", "line 3: expected a finite number"),
        (GOOD + "9930,٣\n", "line 3: expected a finite number"),
        (GOOD + '9930,"0,5"\n', "line 3: expected a finite number"),
        (GOOD + '9930,"0.5\n', "line 3: expected CSV, got unexpected end of data"),
        (GOOD + '"9930"x,0.5\n', "line 3: expected CSV, got"),
        (GOOD + '"9930\n\n",0.5\nx,1\n', "line 6: architecture"),
        (GOOD + "9930,\0\n", "line 3: expected text, got a NUL byte"),
        (GOOD + "9930," + "9" * 200_000 + "\n", "line 3: expected CSV, got field larger than"),
        (GOOD + "9" * 100_000 + ",1\n", "line 3: architecture: expected"),
        (GOOD.encode() + b"9930,\xff\n", "expected UTF-8 text, got byte 0xff"),
        (GOOD.encode("utf-16"), "expected UTF-8 text, got byte 0xff"),
        (b"PK\x03\x04\x14\x00\x00\x00", "line 1: expected text, got a NUL byte"),
    ],
)
def test_what_is_refused_with_its_line(write, content, told):
    path = write(content)
    with pytest.raises(InvalidInputError) as caught:
        read_values_csv(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert told in message
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300


def test_what_is_no_file_is_refused(tmp_path, write, monkeypatch):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InvalidInputError, match="expected a readable file, got"):
            read_values_csv(path)
    monkeypatch.setattr("surrobust.tables.values.MAX_BYTES", 10)
    with pytest.raises(InvalidInputError, match="expected at most"):
        read_values_csv(write(GOOD))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(GOOD.encode() + content)
    message = ""
    try:
        cells, y = read_values_csv(path)
    except InvalidInputError as error:
        message = str(error)
    else:
        assert len(cells) == len(y) >= 1
        assert np.isfinite(y).all()
    assert len(message.splitlines()) <= 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 15624), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_was_written_is_read_again(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "again.csv"
    cells = [Architecture.parse(index) for index, _, _ in rows]
    lines = [
        f"{cell.genotype if long else cell.code},{value!r}"
        for cell, (_, value, long) in zip(cells, rows, strict=True)
    ]
    path.write_text("\n".join(["architecture,value", *lines]))
    read, y = read_values_csv(path)
    assert read == cells
    assert y.tolist() == [value for _, value, _ in rows]
