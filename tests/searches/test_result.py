"""search.json: written, read back, and refused when it is damaged."""

import json

import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Evaluation, SearchResult, read_result
from surrobust.spaces import Architecture

TARGET = "nas-robbench-201/cifar10/pgd-8"


def result(target=TARGET, n=7):
    values = [0.1, 0.5, 0.3, 0.5, 0.2, 0.4, 0.05]
    cells = [Architecture.parse(i).representative for i in (0, 1, 2, 3, 4, 5, 6)]
    evaluations = tuple(Evaluation(cells[t], values[t], t, "table") for t in range(n))
    return SearchResult(target, "table", "random", 10, 3, evaluations)


def test_finalists_are_the_five_best_the_earlier_of_equals_first():
    assert [e.trial for e in result().finalists] == [1, 3, 5, 2, 4]
    assert [e.trial for e in result("hw-nas-bench/cifar10/fpga-latency").finalists][:2] == [6, 0]


def test_the_document_is_the_published_format():
    document = json.loads(result().to_json())
    assert list(document) == [
        "target",
        "objective",
        "strategy",
        "budget",
        "seed",
        "version",
        "evaluations",
        "finalists",
    ]
    first = document["evaluations"][0]
    assert first["architecture"] == Architecture.parse(first["index"]).genotype
    assert {k: first[k] for k in ("value", "trial", "source")} == {
        "value": 0.1,
        "trial": 0,
        "source": "table",
    }
    assert set(document["finalists"][0]) == {"architecture", "index", "value"}


@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("target", [TARGET, None])
def test_reading_is_the_inverse_of_writing(tmp_path, n, target):
    path = result(target, n).write(tmp_path)
    assert read_result(path) == read_result(tmp_path) == result(target, n)


def test_the_frame_has_one_row_per_trial():
    frame = result().to_frame()
    assert list(frame.columns) == ["architecture", "index", "value", "trial", "source"]
    assert frame["value"].tolist() == [e.value for e in result().evaluations]


def damaged(change):
    document = result().to_document()
    change(document)
    return json.dumps(document)


DAMAGES = {
    "empty": lambda: "",
    "truncated": lambda: result().to_json()[:-40],
    "a list": lambda: "[]",
    "nan": lambda: result().to_json().replace("0.3", "NaN"),
    "no seed": lambda: damaged(lambda d: d.pop("seed")),
    "seed as text": lambda: damaged(lambda d: d.update(seed="3")),
    "budget true": lambda: damaged(lambda d: d.update(budget=True)),
    "bad target": lambda: damaged(lambda d: d.update(target="pgd")),
    "evaluations as object": lambda: damaged(lambda d: d.update(evaluations={})),
    "row as number": lambda: damaged(lambda d: d["evaluations"].__setitem__(1, 5)),
    "row without value": lambda: damaged(lambda d: d["evaluations"][2].pop("value")),
    "value as text": lambda: damaged(lambda d: d["evaluations"][2].update(value="0.3")),
    "wrong trial": lambda: damaged(lambda d: d["evaluations"][2].update(trial=9)),
    "row left out": lambda: damaged(lambda d: d["evaluations"].pop(2)),
    "wrong index": lambda: damaged(lambda d: d["evaluations"][2].update(index=77)),
    "no cell": lambda: damaged(lambda d: d["evaluations"][2].update(architecture="x")),
    "other finalists": lambda: damaged(lambda d: d["finalists"].pop()),
    "bytes": lambda: None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, damage):
    text = DAMAGES[damage]()
    path = tmp_path / "search.json"
    if text is None:
        path.write_bytes(b"\xff\xfe\x00")
    else:
        path.write_text(text)
    with pytest.raises(InvalidInputError) as refused:
        read_result(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInputError, match=r"search\.json: expected a readable file"):
        read_result(tmp_path / "search.json")
