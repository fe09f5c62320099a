"""Recorded values beside what their source says, when a search is resumed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from surrobust.errors import InvalidInputError
from surrobust.objectives import Objective, sources
from surrobust.objectives.goals import several_objective
from surrobust.objectives.sources import TOLERANCE, Recall, recall_each
from surrobust.searches import Evaluation
from surrobust.sessions import search
from surrobust.sessions.folders import check_recorded
from surrobust.spaces import Architecture
from surrobust.tables import append_record, read_records

TARGET = "jung2023/cifar10/pgd-1"
CELLS = [Architecture.parse(code).representative for code in ("333333", "222222")]


def value(cell):
    return cell.index / 15625


def edit(path, trial, change):
    """Change a value as by hand, in a file of before there were checksums."""
    document = json.loads(path.read_text())
    del document["checksum"]
    row = document["evaluations"][trial]
    row["value"] = change(row["value"])
    best = sorted(document["evaluations"], key=lambda e: -e["value"])[:5]
    document["finalists"] = [{k: e[k] for k in ("architecture", "index", "value")} for e in best]
    path.write_text(json.dumps(document))
    return row["value"]


@pytest.fixture
def table(monkeypatch):
    objective = Objective("table", value, recalls=(recall_each(value),))
    monkeypatch.setattr(sources, "table_objective", lambda *_, **__: objective)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_value_that_the_table_has_not_is_named(tmp_path, workers):
    begun = search(TARGET, budget=6, strategy="random", objective="table", out=tmp_path)
    right, cell = begun.evaluations[3].value, begun.evaluations[3].architecture
    wrong = edit(tmp_path / "search.json", 3, lambda v: v + 1e-9)
    before = (tmp_path / "search.json").read_bytes()
    with pytest.raises(InvalidInputError) as refused:
        search(out=tmp_path, resume=True, budget=9, workers=workers)
    assert str(refused.value) == (
        f"evaluations: expected {right!r} for {cell.code} (trial 3) as the source (table) says, "
        f"got {wrong!r}"
    )
    assert (tmp_path / "search.json").read_bytes() == before
    edit_back = json.loads(before)
    edit_back["evaluations"][3]["value"] = right
    (tmp_path / "search.json").write_text(json.dumps({**edit_back, "finalists": rows(begun)}))
    assert search(out=tmp_path, resume=True, budget=9).evaluations[:6] == begun.evaluations


def rows(result):
    return result.to_document()["finalists"]


@pytest.mark.usefixtures("table")
def test_a_value_of_a_study_that_the_table_has_not_is_named(tmp_path):
    given = {"budget": 4, "strategy": "random", "storage": tmp_path / "journal"}
    search(TARGET, **given)
    lines = (tmp_path / "journal").read_text().splitlines()
    (at,) = [i for i, line in enumerate(lines) if '"values":[' in line and '"trial_id":2,' in line]
    log = json.loads(lines[at])
    del log["checksum"]
    log["values"][0] += 0.25
    lines[at] = json.dumps(log, separators=(",", ":"))
    (tmp_path / "journal").write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidInputError, match=r"\(trial 2\) as the source \(table\) says, got"):
        search(TARGET, **given, resume=True)


def test_a_predictor_may_differ_in_the_last_bits(tmp_path, toy_shipped):
    begun = search(budget=5, strategy="random", objective="surrogate", out=tmp_path)
    edit(tmp_path / "search.json", 1, lambda v: np.nextafter(v, 1.0))
    assert len(search(out=tmp_path, resume=True, budget=6).evaluations) == 6
    edit(tmp_path / "search.json", 1, lambda v: v * (1 + 3 * TOLERANCE))
    told = rf"{begun.evaluations[1].architecture.code} \(trial 1\) as the source \(surrogate\)"
    with pytest.raises(InvalidInputError, match=told):
        search(out=tmp_path, resume=True, budget=7)


def test_another_version_is_told_of():
    wrong = [Evaluation(CELLS[0], 0.5, 0, "surrogate")]
    objective = Objective("surrogate", value, recalls=(recall_each(value, TOLERANCE),))
    with pytest.raises(InvalidInputError, match=r", got 0\.5, recorded by version 0\.0\.1$"):
        check_recorded(wrong, objective, version="0.0.1")


def test_each_number_of_several_has_its_source(toy_shipped):
    given = {"target": ["nas-robbench-201/cifar10/pgd-8", "params"], "minimum": {"clean": 0.01}}
    result = search(**given, budget=4, strategy="nsga2", objective="surrogate")
    objective = several_objective(result)
    check_recorded(result.evaluations, objective)
    first, second, *rest = result.evaluations
    values, bounded = second.values, second.bounded
    for wrong in (
        replace(second, value=0.9, values=(0.9, values[1])),
        replace(second, values=(values[0], values[1] + 1)),
        replace(second, bounded=(bounded[0] + 0.01,)),
    ):
        with pytest.raises(
            InvalidInputError, match=r"\(trial 1\) as the source \(surrogate\) says"
        ):
            check_recorded([first, wrong, *rest], objective)


def test_what_failed_or_has_no_source_is_believed():
    failed = Evaluation(CELLS[0], float("nan"), 0, "table", error="x")
    other = Evaluation(CELLS[1], 0.9, 1, "train")
    check_recorded([failed], Objective("table", value, recalls=(recall_each(value),)))
    check_recorded([other], Objective("train", value, recalls=(Recall(lambda _: [()]),)))
    check_recorded([other], Objective("callable", value))
    check_recorded([], Objective("surrogate", value, recalls=(Recall(lambda _: 1 / 0),)))
    with pytest.raises(InvalidInputError, match=r"expected 0\.1 or 0\.2 for .*, got 0\.9"):
        check_recorded(
            [other], Objective("train", value, recalls=(Recall(lambda _: [(0.1, 0.2)]),))
        )


def test_a_training_is_compared_with_its_record(tmp_path):
    training = {"recipe": "smoke", "images": "digits", "device": "cpu", "epochs": 1}
    training |= {"channels": 2, "n_images": 60, "n_test": 20}
    target = "nas-robbench-201/cifar10/fgsm-8"
    given = {"strategy": "random", "objective": "train", "training": training}
    search(target, budget=1, out=tmp_path, **given)
    (record,) = read_records(tmp_path / "records.jsonl")
    # Others in the file are of another training, or stopped at a rung.
    append_record(tmp_path / "records.jsonl", {**record, "seed": 5})
    path = tmp_path / "search.json"
    good = path.read_text()
    wrong = edit(path, 0, lambda v: v + 0.05)
    with pytest.raises(InvalidInputError, match=rf"\(train\) says, got {wrong!r}$"):
        search(out=tmp_path, resume=True)
    path.write_text(good)
    assert len(search(out=tmp_path, resume=True).evaluations) == 1
