"""Malformed CSVs of a user's own measurements, as ``surrobust fit --data`` reads them."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from surrobust.errors import InvalidInputError
from surrobust.tables import read_values_csv

Refused = Callable[..., str]

FIT = ["fit", "--data", "values.csv", "--predictor", "xgboost", "--out", "model"]
HEADER = b"architecture,value\n"
CONTENTS: dict[str, tuple[bytes, str]] = {
    # what the line must name
    "empty": (b"", "header"),
    "blank": (b"\n \n", "header"),
    "header only": (HEADER, "row"),
    "no header": (b"2581,0.5\n1000,0.4\n", "header"),
    "no values": (b"architecture\n2581\n", "column"),
    "another key": (b"cell,value\n2581,0.5\n", "architecture"),
    "the key twice": (b"architecture,architecture,value\n1,1,0.5\n", "architecture"),
    "a column twice": (b"architecture,value,value\n1,0.5,0.5\n", "each once"),
    "a column without name": (b"architecture,\n1,0.5\n", "name"),
    "semicolons": (b"architecture;value\n1;0.5\n", "commas"),
    "tabs": (b"architecture\tvalue\n1\t0.5\n", "commas"),
    "too few fields": (HEADER + b"1\n", "line 2"),
    "too many fields": (HEADER + b"1,0.5,0.6\n", "line 2"),
    "unquoted comma": (HEADER + b"1,0,5\n", "line 2"),
    "no architecture": (HEADER + b"1,0.5\n,0.5\n", "line 3"),
    "unknown architecture": (HEADER + b"1,0.5\nx,0.5\n", "line 3"),
    "index too large": (HEADER + b"15625,0.5\n", "15624"),
    "code too large": (HEADER + b"555555,0.5\n", "line 2"),
    "op indices": (HEADER + b'"(0, 1, 2, 3, 4, 0)",0.5\n', "line 2"),
    "no value": (HEADER + b"1,0.5\n2,\n", "line 3"),
    "a word": (HEADER + b"1,high\n", "number"),
    "a percentage": (HEADER + b"1,50%\n", "number"),
    "a decimal comma": (HEADER + b'1,"0,5"\n', "number"),
    "a fraction": (HEADER + b"1,1/2\n", "number"),
    "nan": (HEADER + b"1,nan\n", "number"),
    "NaN": (HEADER + b"1,NaN\n", "number"),
    "inf": (HEADER + b"1,inf\n", "number"),
    "minus infinity": (HEADER + b"1,-Infinity\n", "number"),
    "overflow": (HEADER + b"1,1e400\n", "number"),
    "underscores": (HEADER + b"1,1_0\n", "number"),
    "hexadecimal": (HEADER + b"1,0x1p-1\n", "number"),
    "a list": (HEADER + b'1,"[0.5]"\n', "number"),
    "true": (HEADER + b"1,True\n", "number"),
    "another script": (HEADER + "1,٠٫٥\n".encode(), "number"),
    "second column": (b"architecture,a,b\n1,0.5,0.5\n2,0.5,x\n", "'b'"),
    "open quote": (HEADER + b'"1,0.5\n2,0.5\n', "CSV"),
    "text after a quote": (HEADER + b'"1"x,0.5\n', "CSV"),
    "huge field": (HEADER + b"1," + b"1" * 200_000 + b"\n", "line 2"),
    "nul": (HEADER + b"1,0.\x005\n", "NUL"),
    "latin-1": (HEADER + b"1,0.5\xa0\n", "UTF-8"),
    "utf-16": ("architecture,value\n1,0.5\n".encode("utf-16"), "UTF-8"),
    "pickle": (b"\x80\x04\x95.", "UTF-8"),
    "json": (b'[{"architecture": 1, "value": 0.5}]', "header"),
    "html": (b"<!doctype html>\n<title>404</title>\n", "header"),
    "one row": (HEADER + b"1,0.5\n", "2"),
}


ACCEPTED: dict[str, bytes] = {
    "plain": HEADER + b"1,0.5\n2,0.25\n",
    "no line end": HEADER + b"1,0.5\n2,0.25",
    "windows line ends": b"architecture,value\r\n1,0.5\r\n2,0.25\r\n",
    "byte order mark": b"\xef\xbb\xbf" + HEADER + b"1,0.5\n2,0.25\n",
    "blank lines": HEADER + b"\n1,0.5\n\n2,0.25\n\n",
    "quotes": b'"architecture","value"\n"1","5e-1"\n2,.25\n',
    "another order": b"value,architecture\n0.5,1\n0.25,2\n",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_harmless_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "values.csv").write_bytes(ACCEPTED[name])
    cells, y = read_values_csv(tmp_path / "values.csv")
    assert [cell.index for cell in cells] == [1, 2]
    assert y.ravel().tolist() == [0.5, 0.25]


def test_a_sound_csv_is_fitted_to(
    run_cli: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values.csv").write_bytes(ACCEPTED["plain"])
    code, _, err = run_cli(FIT)
    assert code == 0, err
    assert (tmp_path / "model" / "card.json").is_file()


@pytest.mark.parametrize("name", CONTENTS)
def test_a_malformed_csv_is_refused(refused: Refused, tmp_path: Path, name: str) -> None:
    content, told = CONTENTS[name]
    (tmp_path / "values.csv").write_bytes(content)
    line = refused(FIT)
    assert told in line
    assert "values.csv" in line or name == "one row"


def test_what_is_no_file_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("folder.csv", "nowhere.csv"):
        line = refused(["fit", "--data", name, "--predictor", "xgboost", "--out", "model"])
        assert name in line


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    header=st.lists(st.sampled_from(["architecture", "value", "a", "", "é"]), max_size=4),
    rows=st.lists(
        st.lists(
            st.sampled_from(["2581", "323133", "0.5", "x", "", "nan", '"', "1e999", "\n", "-1"])
            | st.text(max_size=3),
            max_size=4,
        ),
        max_size=4,
    ),
)
@example(header=["architecture", "value"], rows=[["2581", "0.5"], ["323133", "-1"]])
def test_any_csv_is_read_or_refused_in_one_line(
    header: list[str], rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    path = tmp_path_factory.getbasetemp() / "values.csv"
    path.write_bytes(text.getvalue().encode())
    refusal, cells = "", []
    try:
        cells, y = read_values_csv(path)
        assert len(y) == len(cells)
    except InvalidInputError as error:
        refusal = str(error)
    assert cells or "values.csv" in refusal
    assert "\n" not in refusal
