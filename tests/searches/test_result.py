"""search.json: written, read back, and refused when it is damaged."""

import json
from dataclasses import replace

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.searches import Bound, Evaluation, SearchResult, read_result
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
        "checksum",
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


LATENCY = "hw-nas-bench/cifar10/raspi4-latency"


def several(target=TARGET):
    """Three objectives of a target, or two of a callable, and a bound that trial 2 breaks."""
    rows = [(0.1, 3.0, 5.0), (0.5, 8.0, 7.0), (0.6, 1.0, 1.0), (0.5, 9.0, 6.0), (0.1, 4.0, 5.0)]
    keep = slice(None) if target else slice(2)
    cells = [Architecture.parse(i).representative for i in range(5)]
    evaluations = tuple(
        Evaluation(cells[t], row[0], t, "table", row[keep], (12.0 if t == 2 else 8.0,))
        for t, row in enumerate(rows)
    )
    return SearchResult(
        target,
        "table",
        "nsga2",
        10,
        3,
        evaluations,
        targets=(TARGET, LATENCY, "params") if target else (),
        directions=("maximize", "minimize", "minimize")[keep],
        bounds=(Bound(LATENCY, 10.0, is_upper=True),),
    )


def test_finalists_of_several_objectives_are_the_front():
    assert [e.trial for e in several().finalists] == [1, 3, 0]
    assert [e.trial for e in several(None).finalists] == [1, 0]
    assert several().front == several().finalists


def test_the_front_of_one_objective_is_the_best():
    assert [e.trial for e in result().front] == [1, 3]


def test_one_value_of_a_callable_may_be_minimised(tmp_path):
    search = replace(result(None), directions=("minimize",))
    assert [e.trial for e in search.finalists] == [6, 0, 4, 2, 5]
    assert read_result(search.write(tmp_path)) == search
    assert "value_0" not in search.to_frame()


def test_hypervolume_by_hand():
    # Against 0.0 and 10.0: 0.1 x 7 of trial 0 and 0.5 x 2 of trial 1, of which 0.1 x 2 is in both.
    assert several(None).hypervolume((0.0, 10.0)) == pytest.approx(0.7 + 1.0 - 0.2)
    assert result().hypervolume([0.1]) == pytest.approx(0.4)
    with pytest.raises(InvalidInputError, match="reference: expected 2 finite numbers"):
        several(None).hypervolume([0.0])


def test_the_document_of_several_objectives():
    document = several().to_document()
    assert document["targets"] == [TARGET, LATENCY, "params"]
    assert document["directions"] == ["maximize", "minimize", "minimize"]
    assert document["bounds"] == [{"quantity": LATENCY, "max": 10.0}]
    assert document["evaluations"][0]["values"] == [0.1, 3.0, 5.0]
    assert document["evaluations"][2]["bounded"] == [12.0]
    assert document["finalists"][0] == {
        "architecture": document["evaluations"][1]["architecture"],
        "index": document["evaluations"][1]["index"],
        "value": 0.5,
        "values": [0.5, 8.0, 7.0],
        "bounded": [8.0],
    }


@pytest.mark.parametrize("target", [TARGET, None])
def test_several_objectives_are_read_as_they_were_written(tmp_path, target):
    assert read_result(several(target).write(tmp_path)) == several(target)


def test_the_frame_has_a_column_of_each_objective():
    assert several().to_frame()[[TARGET, "params"]].to_numpy().tolist()[1] == [0.5, 7.0]
    assert several(None).to_frame()["value_1"].tolist() == [3.0, 8.0, 1.0, 9.0, 4.0]
    bounded = several(None).to_frame()[LATENCY]
    assert bounded.tolist() == [8.0, 8.0, 12.0, 8.0, 8.0]


SEVERAL_DAMAGES = {
    "other directions": lambda d: d.update(directions=["maximize"] * 3),
    "no directions": lambda d: d.pop("directions"),
    "directions as text": lambda d: d.update(directions="maximize"),
    "one direction": lambda d: d.update(directions=["maximize"], targets=[TARGET]),
    "no targets": lambda d: d.pop("targets"),
    "other first target": lambda d: d["targets"].reverse(),
    "unknown target": lambda d: d["targets"].__setitem__(2, "speed"),
    "targets as text": lambda d: d.update(targets=TARGET),
    "no target": lambda d: d.update(target=None),
    "a value too few": lambda d: d["evaluations"][1]["values"].pop(),
    "a value as text": lambda d: d["evaluations"][1].update(values=[0.5, "8", 7.0]),
    "values as a number": lambda d: d["evaluations"][1].update(values=3),
    "no values": lambda d: d["evaluations"][1].pop("values"),
    "no bounded": lambda d: d["evaluations"][1].pop("bounded"),
    "value is not the first": lambda d: d["evaluations"][1].update(value=0.4),
    "bounds as object": lambda d: d.update(bounds={}),
    "bound without limit": lambda d: d["bounds"][0].pop("max"),
    "bound of nothing": lambda d: d["bounds"][0].update(quantity="x"),
    "both limits": lambda d: d["bounds"][0].update(min=1.0),
    "limit as text": lambda d: d["bounds"][0].update(max="10"),
    "finalist not of the front": lambda d: d["finalists"].append(d["evaluations"][4]),
}


@pytest.mark.parametrize("damage", SEVERAL_DAMAGES)
def test_a_damaged_file_of_several_objectives_is_refused(tmp_path, damage):
    document = several().to_document()
    del document["checksum"]
    SEVERAL_DAMAGES[damage](document)
    (tmp_path / "search.json").write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match=r"^.*search\.json: [^\n]*$"):
        read_result(tmp_path)


def damaged(change):
    document = result().to_document()
    del document["checksum"]
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
    "no value": lambda: damaged(lambda d: d["evaluations"][2].update(value=None)),
    "failed with a value": lambda: damaged(lambda d: d["evaluations"][2].update(failed=True)),
    "failed without a reason": lambda: damaged(
        lambda d: d["evaluations"][2].update(value=None, failed=True)
    ),
    "not failed, without a value": lambda: damaged(
        lambda d: d["evaluations"][2].update(value=None, failed=False, error="nan")
    ),
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


def test_a_frame_says_what_failed_where_something_did():
    assert "failed" not in result().to_frame()
    failed = Evaluation(Architecture.parse(7), float("nan"), 9, "table", error="x")
    frame = replace(result(), evaluations=(*result().evaluations, failed)).to_frame()
    assert frame["failed"].tolist() == [False] * len(result().evaluations) + [True]
    assert frame["value"].isna().tolist() == frame["failed"].tolist()


def test_no_change_of_a_letter_is_read_as_if_it_were_none(tmp_path):
    path = result().write(tmp_path)
    good = path.read_bytes()
    path.write_bytes(good.replace(b"\n", b"\n "))
    assert read_result(path) == result()
    rng = np.random.default_rng(0)
    for at in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[at] = rng.choice([b for b in b'09aez",:. {}[]|~' if b != good[at]])
        path.write_bytes(damaged)
        with pytest.raises(InvalidInputError):
            read_result(path)


def test_a_file_of_before_there_were_checksums_is_read(tmp_path):
    document = result().to_document()
    assert document.pop("checksum")
    (tmp_path / "search.json").write_text(json.dumps(document))
    assert read_result(tmp_path) == result()
