"""Files of records: appended to, repaired, read as tables."""

import errno
import json
import math
import os
import random
import string
from pathlib import Path

import pytest
from killed import stopped

from surrobust._places import shipped_folder
from surrobust._seals import seal
from surrobust.errors import InvalidInputError, MissingMeasurementError
from surrobust.spaces import Architecture
from surrobust.tables import (
    append_record,
    load_table,
    loading,
    read_records,
    records,
    records_table,
)
from surrobust.tables.records import check_record


def record(cell: object = 2581, *, seed: int = 0, **changes: object) -> dict:
    architecture = Architecture.parse(cell)
    train = {"epochs": 2, "channels": 4, "cells": 1, "n_images": 100, "precision": "fp32"}
    made = {
        "architecture": architecture.genotype,
        "index": architecture.index,
        "images": "digits",
        "recipe": "smoke",
        "seed": seed,
        "device": "cpu",
        "versions": {"torch": "2.13"},
        "train": {**train, "seconds": 1.5},
        "accuracy": {"clean": 0.75, "pgd-8": 0.5},
        "n_test": 100,
        "started": "2026-01-01T00:00:00+00:00",
        "commit": None,
    }
    return {**made, **changes}


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "new" / "records.jsonl"
    append_record(path, record())
    append_record(path, record(1000, seed=3))
    assert read_records(path) == [seal(record()), seal(record(1000, seed=3))]
    assert path.read_text().count("\n") == 2
    assert read_records(tmp_path / "none.jsonl") == []


def test_a_half_written_line_is_left_out_and_stays_alone(tmp_path, caplog):
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    whole = path.read_bytes()
    path.write_bytes(whole + json.dumps(record(1000)).encode()[:150])
    assert read_records(path) == [seal(record())]
    assert "line 2: half-written, left out" in caplog.text
    append_record(path, record(12))
    assert read_records(path) == [seal(record()), seal(record(12))]
    assert path.read_bytes().startswith(whole)


@pytest.mark.skipif(os.name != "posix", reason="pread and ftruncate")
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    before = path.read_bytes()
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:40]))
    with pytest.raises(OSError, match="No space left on device") as caught:
        append_record(path, record(1000))
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_device_that_is_full():
    with pytest.raises(OSError, match="No space left on device") as caught:
        append_record("/dev/full", record())
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"index": 1000}, "record: .*index"),
        ({"accuracy": {"clean": 75.0}}, r"record: clean: expected a fraction in \[0, 1\], got 75"),
        ({"accuracy": {"clean": math.nan}}, r"record: clean: expected a fraction"),
        ({"seed": None}, "record: seed: expected int, got None"),
        ({"n_test": True}, "record: n_test: expected int, got True"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, changes, told):
    with pytest.raises(InvalidInputError, match=told):
        append_record(tmp_path / "records.jsonl", record(**changes))
    assert not (tmp_path / "records.jsonl").exists()


def test_a_line_that_is_something_else_is_refused(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"arch": 12}\n')
    with pytest.raises(InvalidInputError, match="line 1: architecture: expected str, got None"):
        read_records(path)


def test_a_file_of_records_is_a_table(tmp_path):
    path = tmp_path / "mine.jsonl"
    append_record(path, record())
    append_record(path, record(seed=1, accuracy={"clean": 0.25, "pgd-8": 0.0}))
    append_record(path, record(1000, images="cifar10", accuracy={"clean": 0.5}))
    append_record(path, record(12, pruned=True))
    table = load_table(str(path))
    assert table.targets == (
        "records/digits/clean",
        "records/digits/pgd-8",
        "records/cifar10/clean",
    )
    assert table.query("323133", "records/digits/pgd-8") == 0.25  # the mean of two seeds
    assert table.query(1000, "records/cifar10/clean") == 0.5
    with pytest.raises(MissingMeasurementError, match="expected a measured value"):
        table.query(12, "records/digits/clean")
    assert table.best("records/digits/clean")[0].index == Architecture.parse(2581).index
    frame = table.to_frame().dropna(how="all")
    assert len(frame) == 2


SAID = {"recipe": {"epochs": 2}, "train": {"sha256": "0a"}, "test": {"sha256": "0b"}}


@pytest.mark.parametrize(
    "identity", ["0a", {}, {**SAID, "test": None}, {**SAID, "train": {"sha256": 7}}]
)
def test_a_damaged_identity_is_refused(identity):
    with pytest.raises(InvalidInputError, match="identity: expected recipe, train, test with"):
        check_record(record(identity=identity), "here")
    assert check_record(record(identity=SAID), "here")["identity"] == SAID


@pytest.mark.parametrize("part", ["recipe", "train", "test"])
def test_records_of_other_images_or_settings_do_not_compare(part):
    other = {**SAID, part: {**SAID[part], "sha256": "0c"}}
    old = record()  # of before records said so
    assert records_table([record(identity=SAID), old, record(identity=SAID)]).targets
    with pytest.raises(InvalidInputError, match=rf"got another {part} \(by content\)"):
        records_table([record(identity=SAID), old, record(identity=other)])


@pytest.mark.parametrize("name", ["image_size", "n_test"])
def test_records_of_other_sizes_do_not_compare(name):
    other = record(1000)
    (other if name == "n_test" else other["train"])[name] = 999
    with pytest.raises(InvalidInputError, match=f"got another {name}: .* and 999"):
        records_table([record(), other])


def test_another_attack_or_source_of_corruptions_does_not_compare():
    attacks = [{"name": "pgd", "epsilon": 8 / 255, "steps": steps} for steps in (20, 40)]
    two = [
        record(cell, attacks={"pgd-8": a}) for cell, a in zip((2581, 1000), attacks, strict=True)
    ]
    with pytest.raises(
        InvalidInputError, match=r"another attack of pgd-8: pgd \(steps 20\) and pgd"
    ):
        records_table(two)
    assert records_table([two[0], record(1000, attacks=two[0]["attacks"])]).targets
    accuracy = {"clean": 0.75, "corruptions": 0.5}
    two = [
        record(cell, accuracy=accuracy, corruptions={"source": source, "by": {}})
        for cell, source in ((2581, "own"), (1000, "CIFAR-10-C"))
    ]
    with pytest.raises(InvalidInputError, match=r"got another source of corruptions: 'own' and"):
        records_table(two)


@pytest.mark.parametrize(
    "attacks",
    [3, [], {"pgd-8": 20}, {"pgd-8": {}}, {"pgd-8": {"name": "pgd", "epsilon": "8"}}],
)
def test_damaged_attacks_are_refused(attacks):
    with pytest.raises(
        InvalidInputError, match=r"here: attacks: expected name, epsilon and option"
    ):
        check_record(record(attacks=attacks), "here")


def test_isomorphic_cells_are_one_row():
    cells = [c for c in ("000000", "000010") if Architecture.parse(c)]
    table = records_table([record(c) for c in cells])
    assert table.query("000000", "records/digits/clean") == 0.75


def test_runs_that_do_not_compare_are_refused():
    other = record(1000)
    other["train"]["epochs"] = 9
    with pytest.raises(InvalidInputError, match="records: expected one recipe for digits"):
        records_table([record(), other])
    with pytest.raises(InvalidInputError, match="records: expected at least one, got none"):
        records_table([])


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="expected a readable file"):
        load_table(str(tmp_path / "none.jsonl"))


def test_our_own_records_are_a_table_like_any_other():
    shipped = [
        one
        for path in (shipped_folder("data") / "records").glob("*.jsonl")
        for one in read_records(path)
    ]
    assert all("checksum" in one for one in shipped)
    table = load_table("records")
    assert "records/cifar10-jpeg/pgd-8" in table
    assert 0.1 < table.query("323133", "records/cifar10-jpeg/pgd-8") < 0.5


def test_another_recipe_on_the_same_images_is_another_file(tmp_path, monkeypatch):
    small, large = record(), record()
    large["recipe"], large["accuracy"] = "robbench201", {"pgd-8": 0.48}
    for name, one in (("digits", small), ("digits-robbench201", large)):
        append_record(tmp_path / "records" / f"{name}.jsonl", one)
    monkeypatch.setattr(loading, "shipped_folder", lambda _: tmp_path)
    table = load_table("records")
    assert table.query(small["index"], "records/digits-robbench201/pgd-8") == 0.48
    assert "records/digits/pgd-8" in table


@pytest.mark.parametrize(
    "line",
    ['{"a":' * 10_000 + "1" + "}" * 10_000, '{"index": ' + "9" * 5000 + "}", '{"a": 1, "a": 2}'],
    ids=["deep", "a huge number", "a key twice"],
)
def test_whole_lines_that_nobody_wrote_are_refused_not_left_out(tmp_path, line):
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InvalidInputError, match="line 2: expected JSON"):
        read_records(path)


@pytest.fixture
def two(tmp_path):
    path = tmp_path / "records.jsonl"
    append_record(path, record())
    append_record(path, record(1000, outcomes={"clean": "8180"}, corruptions={"source": "own"}))
    return path


def test_a_line_in_which_any_place_was_changed_is_refused_or_left_out(two):
    whole, want = two.read_text(), read_records(two)
    rng, refused, ends = random.Random(0), 0, 0
    for place in rng.sample(range(len(whole)), 300):
        other = rng.choice([c for c in string.printable[:95] if c != whole[place]])
        two.write_text(whole[:place] + other + whole[place + 1 :])
        try:
            found = read_records(two)
        except InvalidInputError:
            refused += 1
        else:  # only the last characters of a line may be those of one that was not finished
            assert all(one in want for one in found)
            ends += len(found) < len(want)
    assert refused + ends == 300
    assert ends <= 6


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"seed": 0', '"seed": 1'), r"line 1: checksum: expected sha256:\w{16} for what it says"),
        (('"8180"', '"8181"'), r"line 2: checksum: .* \(without checksum it is taken as it is\)"),
        (('"checksum"', '"chfcksum"'), "line 1: checksum: expected"),
        (('"sha256:', '"sha255:'), "line 1: checksum: expected"),
        (('"seed": 0', '"seed": 1e999'), "line 1: seed: expected int, got inf"),
        (('{"clean": "8180"}', '{"clean": 1e999}'), "line 2: checksum: expected"),
        (('"seed": 0', '"seed": 0;'), "line 1: expected JSON"),
    ],
)
def test_a_line_that_was_edited_is_told(two, change, told):
    two.write_text(two.read_text().replace(*change, 1))
    with pytest.raises(InvalidInputError, match=told):
        read_records(two)


def test_without_a_checksum_a_line_is_taken_as_it_is(two):
    edited = [{**one, "seed": 7} for one in read_records(two)]
    for one in edited:
        del one["checksum"]
    two.write_text("".join(json.dumps(one) + "\n" for one in edited))
    assert read_records(two) == edited
    # Appended, also when it has the checksum of what it was, it has its own.
    assert append_record(two, {**seal(record()), "seed": 8}) == seal(record(seed=8))
    assert read_records(two)[2] == seal(record(seed=8))


def test_one_that_is_there_is_not_appended(two):
    before = two.read_bytes()
    found = append_record(two, record(1000), same=lambda other: other["index"] == 1000)
    assert found == read_records(two)[1]
    assert two.read_bytes() == before
    assert append_record(two, record(12), same=lambda other: other["index"] == 12)["index"] == 12


_APPEND = """
import json
from surrobust.tables import append_record
path, record, here = sys.argv[1], json.loads(sys.argv[2]), [stop_here]
append_record(path, record, same=lambda other: here.pop()() if here else False)
"""


@pytest.mark.skipif(os.name != "posix", reason="stops a process, and needs its locks")
def test_a_process_that_is_stopped_while_it_appends_is_not_waited_for_without_end(
    two, monkeypatch, caplog
):
    with stopped(_APPEND, two, json.dumps(record(12))):
        monkeypatch.setattr(records, "_PATIENCE", 0.01)
        append_record(two, record(13))
    assert "another process holds it, which is no longer waited for" in caplog.text
    caplog.clear()
    append_record(two, record(14))
    assert not caplog.text
    assert [one["index"] for one in read_records(two)] == [2581, 1000, 13, 14]
