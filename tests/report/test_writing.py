"""Reports: what they say, that they need nothing else, and that nothing in a file is believed."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from surrobust.errors import InvalidInputError
from surrobust.report import write_report
from surrobust.report.verifying import record_sections
from surrobust.searches import Bound, Evaluation, SearchResult
from surrobust.spaces import Architecture
from surrobust.tables import append_record

pytestmark = pytest.mark.usefixtures("toy_shipped")


class Reader(HTMLParser):
    """Collects texts, attributes, and tags that were not closed."""

    VOID = ("meta", "link", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(path: Path) -> tuple[str, Reader]:
    """Read a report; it has to be whole and to need nothing else."""
    text = path.read_text()
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    names = {name for name, _ in reader.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    attributes = {key for _, own in reader.tags for key in own}
    assert not {key for key in attributes if key.startswith("on")} | attributes & {"src", "href"}
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?:", text)
    return " ".join(reader.texts), reader


def test_a_search(result: SearchResult, tmp_path: Path):
    result.write(tmp_path)
    path = write_report(tmp_path, data_dir=tmp_path)
    assert path == tmp_path / "report.html"
    text, reader = read(path)
    for told in (
        "Search: nas-robbench-201/cifar10/pgd-8",
        "10 evaluations, 7 made",
        "Best value 0.41, at evaluation 4 of 7.",
        "The published tables are not here",
    ):
        assert told in text
    assert "Regret" not in text
    labels = [own["aria-label"] or "" for tag, own in reader.tags if tag == "svg"]
    drawn = [label for label in labels if label.startswith("cell ")]
    assert drawn == [
        f"cell {e.architecture.code}: {e.architecture.genotype}" for e in result.finalists
    ]
    assert sum(label.startswith("clean ") for label in labels) == 5


@pytest.mark.tables
def test_regret_and_measured_values_where_the_table_is(
    result: SearchResult, tmp_path: Path, data_dir: Path
):
    result.write(tmp_path)
    text, _ = read(write_report(tmp_path, data_dir=data_dir))
    assert "Regret, the distance to the best in the table: 0.0711." in text
    assert "Red line: in the published table" in text
    elsewhere = replace(result, objective="surrogate")
    elsewhere.write(tmp_path)
    text, _ = read(write_report(tmp_path, data_dir=data_dir))
    assert "Regret" not in text


def test_several_objectives_and_bounds(tmp_path: Path):
    cells = [Architecture.parse(i).representative for i in (10, 11, 12)]
    values = [(0.3, 5.0), (0.4, 4.0), (0.2, 1.0)]
    result = SearchResult(
        None,
        "callable",
        "nsga2",
        3,
        0,
        tuple(
            Evaluation(cell, own[0], t, "callable", own, (0.1 * t,))
            for t, (cell, own) in enumerate(zip(cells, values, strict=True))
        ),
        directions=("maximize", "minimize"),
        bounds=(Bound("params", 0.5, True),),
    )
    result.write(tmp_path)
    text, reader = read(write_report(tmp_path))
    assert "maximize objective 0, minimize objective 1" in text
    assert "params <= 0.5" in text
    scatter = [own for tag, own in reader.tags if tag == "circle" and own.get("r") == "4"]
    assert len(scatter) == 2


def test_a_ranking_without_evaluations(tmp_path: Path):
    ranked = (Architecture.parse(10), Architecture.parse(11))
    SearchResult(
        "nas-robbench-201/cifar10/pgd-8", "table", "zero_cost", 0, 0, (), ranked=ranked
    ).write(tmp_path)
    text, _ = read(write_report(tmp_path, data_dir=tmp_path))
    assert "0 evaluations, 0 made" in text
    assert "index 10, code" in text
    assert "nan" not in text


def test_records_attack_by_attack(record: dict[str, Any], tmp_path: Path):
    file = tmp_path / "mine.jsonl"
    weaker = {**record, "seed": 1, "accuracy": {"clean": 0.99, "pgd-8": 0.2}, "intervals": 3}
    cut = {**record, "seed": 2, "accuracy": {}, "pruned": True}
    for one in (weaker, cut, record):
        append_record(file, one)
    text, reader = read(write_report(file, out=tmp_path / "x.html"))
    assert "3 records of 1 cells." in text
    labels = [own["aria-label"] or "" for tag, own in reader.tags if tag == "svg"]
    bars = [label for label in labels if label.startswith("clean ")]
    assert bars == ["clean 0.9600, pgd-8 0.9300", "clean 0.9900, pgd-8 0.2000"]
    assert "cut short" in text
    assert "4c0d371bca47" in text
    assert "15.8" in text  # seconds of the three trainings


def test_records_of_other_images_or_recipes_are_told_apart(record: dict[str, Any]):
    identity = {"recipe": {}, "train": {"sha256": "a" * 64}, "test": {"sha256": "b" * 64}}
    known = {**record, "identity": identity}
    other = {**record, "identity": {**identity, "train": {"sha256": "c" * 64}}}
    records = [record, known, known, other, {**record, "recipe": "fast"}]
    (page,) = record_sections("it", records)[1:]
    assert page.count("digits (sha256: train aaaaaaaaaaaa, test bbbbbbbbbbbb)") == 1
    assert page.count("digits (sha256: train cccccccccccc, test bbbbbbbbbbbb)") == 1
    assert page.count("fast") == 1
    assert page.count("seconds of training") == 4


def test_one_name_for_two_attacks_is_told(record: dict[str, Any]):
    (metric,) = (name for name in record["accuracy"] if name.startswith("pgd"))
    other = {**record, "attacks": {metric: {"name": "pgd", "epsilon": 8 / 255, "steps": 40}}}
    told = "".join(record_sections("a", [record, other]))
    assert "pgd (steps 40): do not compare" in told
    assert f"{metric} is not one attack but pgd (steps 20, restarts 1" in told
    assert "not one attack" not in "".join(record_sections("a", [record, record]))


def test_a_search_with_its_records(result: SearchResult, record: dict[str, Any], tmp_path: Path):
    result.write(tmp_path)
    append_record(tmp_path / "verified.jsonl", record)
    text, _ = read(write_report(tmp_path, data_dir=tmp_path))
    assert "Finalists" in text
    assert "Verified: verified.jsonl" in text


def test_markup_in_a_record_is_text(record: dict[str, Any], tmp_path: Path):
    hostile = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    record |= {"recipe": hostile, "images": hostile, "device": hostile, "commit": hostile}
    record |= {"started": hostile, "versions": {hostile: hostile}, "accuracy": {hostile: 0.5}}
    record["train"] = {hostile: hostile, "seconds": hostile}
    append_record(tmp_path / "a.jsonl", record)
    text, _ = read(write_report(tmp_path))
    assert text.count("alert(1)") > 6


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (None, "", "expected a folder with search.json"),
        ("search.json", "{", "expected JSON"),
        ("search.json", "[]", "expected an object"),
        ("a.jsonl", "", "expected verification records, got none"),
        ("a.jsonl", '{"index": 1}\n', "architecture: expected str"),
    ],
)
def test_what_cannot_be_reported(tmp_path: Path, name: str | None, content: str, told: str):
    if name is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InvalidInputError, match=re.escape(told)):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_command(
    run_cli: Any, result: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    result.write(tmp_path / "run")
    code, out, err = run_cli(["report", "run", "--data-dir", tmp_path])
    assert (code, out, err) == (0, f"{Path('run', 'report.html')}\n", "")
    code, out, _ = run_cli(["report", "run/search.json", "--out", "new/r.html", "--json"])
    assert (code, json.loads(out)) == (0, {"report": str(Path("new", "r.html"))})
    for more in (["nowhere"], ["run", "--out", "run"], ["run", "--out", "run/search.json/r.html"]):
        code, out, err = run_cli(["report", *more])
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_failed_evaluations_are_told(result: SearchResult, tmp_path: Path):
    first = replace(result.evaluations[0], value=math.nan, error="the loss is <nan>")
    replace(result, evaluations=(first, *result.evaluations[1:])).write(tmp_path)
    text, _ = read(write_report(tmp_path))
    assert "failed: the loss is <nan>" in text
    assert "7 made, 1 of them failed" in text
    assert "Best value 0.41, at evaluation 4 of 7" in text
    replace(result, evaluations=(first,)).write(tmp_path)
    text, _ = read(write_report(tmp_path))
    assert "None: nothing was measured" in text
