"""Architectures on the way in, in every form and file format."""

import csv
import io
import json
from pathlib import Path

import pytest

from surrobust.cli.inputs import read_architectures
from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture

CELLS = [Architecture.parse(index) for index in (2581, 1000, 13714)]
GENOTYPES = [cell.genotype for cell in CELLS]

NNI_EDGES = ("0_1", "0_2", "1_2", "0_3", "1_3", "2_3")


def every_form(cell: Architecture) -> list:
    ops = list(cell.edges.values())
    return [
        cell.genotype,
        cell.index,
        cell.code,
        {"architecture": cell.genotype},
        {"architecture": cell.index},
        {"arch": cell.code},
        {"op_indices": list(cell.op_indices)},
        {"edges": cell.edges},
        {name: op.removeprefix("nor_") for name, op in zip(NNI_EDGES, ops, strict=True)},
        {f"hp_x{i}": op for i, op in enumerate(ops)},
    ]


@pytest.mark.parametrize("form", every_form(CELLS[0]), ids=str)
def test_every_written_form_is_read_inline(form: object) -> None:
    inline = form if isinstance(form, str) else json.dumps(form)
    assert read_architectures([inline]) == [CELLS[0]]


def test_the_order_and_repetitions_of_the_arguments_are_kept() -> None:
    assert read_architectures(["1000", "2581", "1000"]) == [CELLS[1], CELLS[0], CELLS[1]]


def test_a_json_file_holds_one_or_a_list_of_any_forms(tmp_path: Path) -> None:
    path = tmp_path / "cells.json"
    path.write_text(json.dumps(every_form(CELLS[0])))
    assert read_architectures([str(path)]) == [CELLS[0]] * 10
    path.write_text('"323133"')
    assert read_architectures([str(path)]) == [CELLS[0]]


def test_indices_in_a_list_are_read_unless_they_may_be_six_ops() -> None:
    assert read_architectures(["[2581, 1000, 13714]"]) == CELLS
    with pytest.raises(InvalidInputError, match=r"op_indices.*code"):
        read_architectures(["[0, 1, 2, 3, 4, 0]"])
    with pytest.raises(InvalidInputError, match=r"op_indices.*code"):
        read_architectures(["(0, 1, 2, 3, 4, 0)"])


@pytest.mark.parametrize("ending", ["jsonl", "ndjson", "txt"])
def test_json_lines(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cells.{ending}"
    lines = [json.dumps(form) for form in every_form(CELLS[0])]
    path.write_text("\n\n".join(lines[3:] + lines[:3]) + "\n")
    assert read_architectures([str(path)]) == [CELLS[0]] * 10


@pytest.mark.parametrize("column", ["architecture", "arch", " Architecture "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_csv_reads_the_column_and_ignores_the_others(
    tmp_path: Path, column: str, newline: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(["net", column, "value"])
    for cell, written in zip(CELLS, (CELLS[0].genotype, 1000, CELLS[2].code), strict=True):
        writer.writerow([cell.op_indices, written, 0.5])
    path = tmp_path / "cells.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    assert read_architectures([str(path)]) == CELLS


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GENOTYPES),
        json.dumps(GENOTYPES, indent=2),
        "\n".join(json.dumps({"architecture": genotype}) for genotype in GENOTYPES),
        "\n".join(map(json.dumps, GENOTYPES)),
        "architecture,value\n" + "\n".join(f"{genotype},1" for genotype in GENOTYPES),
        '"architecture"\n' + "\n".join(f'"{genotype}"' for genotype in GENOTYPES),
        "\n".join(GENOTYPES),
        "\r\n".join(["", "2581", "", "132013", " 13714 ", ""]),
    ],
)
def test_the_format_of_standard_input_is_recognised(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert read_architectures(["-"]) == CELLS


@pytest.mark.parametrize("key", ["finalists", "predictions", "architectures"])
def test_the_packages_own_documents_are_read(tmp_path: Path, key: str) -> None:
    listed = [{"architecture": c.genotype, "index": c.index, "value": 0.5} for c in CELLS]
    path = tmp_path / "search.json"
    path.write_text(json.dumps({"target": "t", key: listed}))
    assert read_architectures([str(path)]) == CELLS


def test_a_file_without_ending_and_a_file_named_like_a_code(tmp_path: Path) -> None:
    (tmp_path / "cells").write_text("2581\n")
    (tmp_path / "323133").write_text("1000\n")
    assert read_architectures([str(tmp_path / "cells")]) == [CELLS[0]]
    assert read_architectures([str(tmp_path / "323133")]) == [CELLS[1]]


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "txt"])
def test_more_architectures_than_anybody_has_are_refused(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrobust.cli.inputs.MAX_ROWS", 3)
    monkeypatch.setattr("surrobust.spaces.csv_rows.MAX_ROWS", 3)
    path = tmp_path / f"x.{ending}"
    for n in (3, 4):
        rows = [str(number) for number in range(n)]
        text = json.dumps(rows) if ending == "json" else "\n".join(rows)
        path.write_text(f"index\n{text}" if ending == "csv" else text)
        if n == 3:
            assert len(read_architectures([str(path)])) == 3
            continue
        with pytest.raises(InvalidInputError, match=r"expected at most 3 (rows|architectures)"):
            read_architectures([str(path)])
