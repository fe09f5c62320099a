"""CSV of architectures: which columns name them, and what a column of numbers shows together."""

import json
import logging
import re

import pytest

from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture, NASBench201, read_rows

CELLS = [Architecture.parse(index) for index in (2581, 1000, 13714, 7)]


def quoted(value: object) -> str:
    return '"' + json.dumps(value).replace('"', '""') + '"'


COLUMNS = {
    "architecture": [CELLS[0].genotype, "1000", CELLS[2].code, quoted(CELLS[3].edges)],
    "arch": [cell.genotype for cell in CELLS],
    "arch_str": [cell.genotype for cell in CELLS],
    "genotype": [quoted({"op_indices": cell.op_indices}) for cell in CELLS],
    "index": [cell.index for cell in CELLS],
    " Index ": [f"{cell.index:06}" for cell in CELLS],
    '"INDEX"': [f'" {cell.index}"' for cell in CELLS],
    "code": [cell.code for cell in CELLS],
    "Code": [int(cell.code) for cell in CELLS],
    "op_indices": [f'"{cell.op_indices}"' for cell in CELLS],
    "edges": [f'"{cell.edges}"' for cell in CELLS],
}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_key_is_a_column(column: str) -> None:
    lines = [f"{column},x", *(f"{field},{n}" for n, field in enumerate(COLUMNS[column]))]
    rows = read_rows("\n".join(lines), "file")
    assert rows.cells == CELLS
    assert rows.names == ("x",)
    assert rows.fields == [["0"], ["1"], ["2"], ["3"]]
    assert rows.places == [f"file: line {n}" for n in (2, 3, 4, 5)]


@pytest.mark.parametrize("label", ["", "cell/", "cell__", "config_", "params_"])
@pytest.mark.parametrize("names", ["0->1 0->2 1->2 0->3 1->3 2->3", "0_1 0_2 1_2 0_3 1_3 2_3"])
def test_ops_stand_edge_by_edge(label: str, names: str) -> None:
    header = ",".join(label + name for name in names.split())
    lines = [header, *(",".join(cell.edges.values()) for cell in CELLS)]
    assert read_rows("\n".join(lines), "file").cells == CELLS


def test_all_codes_and_indices_survive_what_takes_them_for_numbers(space: NASBench201) -> None:
    codes = "\n".join(["code", *(str(int(cell.code)) for cell in space)])
    indices = "\n".join(["index", *(f"{cell.index:06}" for cell in space)])
    assert read_rows(codes, "file").cells == read_rows(indices, "file").cells == list(space)


def test_columns_that_agree_are_read_as_one() -> None:
    header = "index,architecture,code,op_indices,edges"
    lines = [
        f'{c.index},{c.genotype},{int(c.code)},"{c.op_indices}",{quoted(c.edges)}' for c in CELLS
    ]
    assert read_rows("\n".join([header, *lines]), "file").cells == CELLS


CONTRADICTIONS = [
    "index,genotype\n7,{0}\n8,{0}\n",
    "architecture,arch\n7,{0}\n2,3\n",
    "code,index\n{1},7\n{1},8\n",
    'op_indices,code\n"{2}",{1}\n"{2}",000000\n',
]


@pytest.mark.parametrize("text", CONTRADICTIONS)
def test_columns_that_contradict_each_other_are_refused(text: str) -> None:
    written = text.format(CELLS[3].genotype, CELLS[3].code, CELLS[3].op_indices)
    with pytest.raises(InvalidInputError, match=r"^file: line 3: architecture: expected"):
        read_rows(written, "file")


@pytest.mark.parametrize("first", ["", "Unnamed: 0"])
def test_row_numbers_of_pandas_are_no_column(first: str) -> None:
    rows = read_rows(f"{first},arch,x\n0,2581,a\n1,1000,b\n", "file")
    assert (rows.cells, rows.names, rows.fields) == (CELLS[:2], ("x",), [["a"], ["b"]])


def test_genotypes_may_stand_where_pandas_writes_row_numbers() -> None:
    text = f",x\n{CELLS[0].genotype},1\n{CELLS[1].genotype},2\n"
    assert read_rows(text, "file").cells == CELLS[:2]
    with pytest.raises(InvalidInputError, match=r"line 4: .*a name of its column, index or code"):
        read_rows(f"{text}2581,3\n", "file")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("index\n2581.0\n", "line 2: architecture: expected an index 0..15624 as index"),
        ("index\n-1\n", "as index, got '-1'"),
        ("index\n15625\n", "got 15625"),
        ("index\nTrue\n", "as index, got 'True'"),
        ("index\n\n7\nnan\n", "line 4: architecture: expected an index"),
        ("index\n" + "9" * 5000, "as index, got '999"),
        ("index\n٣\n", "as index, got"),
        ("code\n0323133\n", "six digits 0..4 as code, got '0323133'"),
        ("code\n-1\n", "six digits"),
        ("code\n5\n", "edge 2->3, got '5' in '000005'"),
        ("op_indices\n5\n", "op_indices"),
        ('op_indices\n"[0, 1, 2, 3, 4]"\n', "six integers"),
        ("op_indices\n[\n", "JSON"),
        ("edges\n{}\n", "0->1"),
        ("edges\n" + "[" * 100_000, "nested too deeply"),
        ('architecture\n"[0, 1, 2, 3, 4, 0]"\n', "as code"),
        ('architecture\n"(0, 1, 2, 3, 4, 0)"\n', "op_indices"),
        ('architecture\n"{""op_indices"": [0, 1]}"\n', "six integers"),
        ("0_1,0_2\nnone,none\n", "an op for 1_2"),
        ("index,Index\n7,7\n", "line 1: expected a column architecture, got it twice"),
        ("index;x\n7;1\n", "separated by commas, got 'index;x'"),
        ("value\n7\n", "a header with a column architecture"),
        ("index\n", "at least one row"),
        ("", "line 1: expected a header"),
    ],
)
def test_what_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_rows(text, "file")
    assert str(caught.value).startswith("file: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


PADDED, STRIPPED = "001234", "12340"

MIXED = {
    # numbers of one column, and what the line must name
    (PADDED, "2581"): "001234 may be a code, or the index 1234 that was padded",
    (PADDED, "2581", "323133"): "001234 may be a code",
    ("323133", PADDED, "7"): "line 3",
    ("323133", STRIPPED): "12340 may be an index, or the code 012340 that lost its zero",
    ("1000", "323133", "3", STRIPPED): "line 5: expected codes",
    (PADDED, "005678"): "an index that is padded is written",
    ("014999", "000123"): '{"index": 14999}',
}


@pytest.mark.parametrize("numbers", MIXED)
def test_a_column_of_which_both_readings_are_likely_is_refused(numbers: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(MIXED[numbers])):
        read_rows("\n".join(["architecture", *numbers]), "file")


TAKEN = {
    # numbers of one column, and what the log must say of them, if anything
    (PADDED,): "001234 is read as a code",
    ("000123", PADDED): "file: line 2: 000123 is read as a code",
    ("323133", "1000"): "1000 is read as an index",
    ("1000", CELLS[0].genotype, "323133"): "1000 is read as an index",
    (PADDED, "323133"): "",
    ("2581", "1000", "323133"): "",
    ("2581", "13714"): "",
    (CELLS[0].genotype, "12340"): "",
}


@pytest.mark.parametrize("numbers", TAKEN)
def test_other_numbers_are_read_one_by_one(
    numbers: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        rows = read_rows("\n".join(["architecture", *numbers]), "file")
    assert rows.cells == [Architecture.parse(number) for number in numbers]
    assert len(caplog.messages) == bool(TAKEN[numbers])
    assert TAKEN[numbers] in caplog.text


def test_a_column_that_says_what_it_holds_is_not_doubted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    numbers = [PADDED, STRIPPED, "1000", "14"]
    assert [c.index for c in read_rows("\n".join(["index", *numbers]), "f").cells] == [
        *(1234, 12340, 1000, 14)
    ]
    assert [c.code for c in read_rows("\n".join(["code", *numbers]), "f").cells] == [
        *("001234", "012340", "001000", "000014")
    ]
    assert not caplog.messages


def test_more_rows_or_columns_than_anybody_has_are_refused(monkeypatch):
    monkeypatch.setattr("surrobust.spaces.csv_rows.MAX_ROWS", 3)
    monkeypatch.setattr("surrobust.spaces.csv_rows._MOST_COLUMNS", 2)
    assert len(read_rows("index,x\n" + "1,2\n" * 3, "f").cells) == 3
    with pytest.raises(InvalidInputError, match="f: expected at most 3 rows, got more"):
        read_rows("index,x\n" + "1,2\n" * 4, "f")
    with pytest.raises(InvalidInputError, match="f: line 1: expected at most 2 fields, got 3"):
        read_rows("index,x,y\n1,2,3\n", "f")
