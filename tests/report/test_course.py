"""The drawing beside ``search.json``: well-formed by itself, with the regret where it is known."""

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from surrobust.report import course, write_course
from surrobust.searches import Bound, SearchResult


class Table:
    """One whose best is .45."""

    def __contains__(self, target: object) -> bool:
        return True

    def best(self, _: object) -> tuple[None, float]:
        return None, 0.45


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "find_table", lambda *_, **__: Table())


def texts(path: Path) -> str:
    root = ET.fromstring(path.read_text())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return " ".join(root.itertext())


def test_the_regret_is_told(result: SearchResult, tmp_path: Path):
    assert course.regret_of(result) == pytest.approx(0.04)
    path = write_course(tmp_path, result)
    assert path == tmp_path / "search.svg"
    assert "regret 0.0400" in texts(path)
    assert "best in the table" in texts(path)


@pytest.mark.parametrize(
    "change", [{"objective": "surrogate"}, {"bounds": (Bound("params", 5e5, is_upper=True),)}]
)
def test_where_the_best_is_not_the_same_question_there_is_none(
    result: SearchResult, tmp_path: Path, change: dict
):
    other = replace(result, **change)
    assert course.regret_of(other) is None
    path = write_course(tmp_path, other)
    assert path is not None
    assert "regret" not in texts(path)


def test_failed_evaluations_are_left_out(result: SearchResult, tmp_path: Path):
    failed = [replace(result.evaluations[i], value=math.nan, error="nan") for i in (0, 3)]
    rows = (failed[0], *result.evaluations[1:3], failed[1], *result.evaluations[4:])
    some = replace(result, evaluations=rows)
    assert course.regret_of(some) == pytest.approx(0.045)
    path = write_course(tmp_path, some)
    assert path is not None
    assert path.read_text().count("<circle") == len(rows) - 2
    assert "nan" not in path.read_text()
    none = replace(result, evaluations=tuple(failed))
    assert course.regret_of(none) is None
    assert write_course(tmp_path, none) is None


def test_of_several_objectives_it_is_the_front(result: SearchResult, tmp_path: Path):
    rows = tuple(replace(e, values=(e.value, float(e.trial))) for e in result.evaluations)
    several = replace(
        result,
        evaluations=rows,
        targets=(str(result.target), "params"),
        directions=("maximize", "minimize"),
    )
    path = write_course(tmp_path, several)
    assert path is not None
    assert "params" in texts(path)


def test_nothing_is_drawn_of_nothing(result: SearchResult, tmp_path: Path):
    assert write_course(tmp_path, replace(result, evaluations=())) is None
    assert not list(tmp_path.iterdir())
