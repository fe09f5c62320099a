"""Opening storages: journals as they are and as a crash leaves them, databases."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import surrobust
from surrobust.errors import InvalidInputError
from surrobust.searches.sharing.ledger import Ledger
from surrobust.searches.sharing.storage import is_there, open_storage
from surrobust.spaces import Architecture

CELL = Architecture.parse("333333")


def test_a_journal_is_lines_of_json(journal):
    assert not is_there(journal)
    Ledger(open_storage(journal), "s", {}, maximise=True).claim(CELL, "me")
    assert is_there(journal)
    assert all(
        isinstance(json.loads(line), dict) for line in Path(journal).read_text().splitlines()
    )


def test_a_journals_torn_last_line_is_cut_off(journal):
    ledger = Ledger(open_storage(journal), "s", {}, maximise=True)
    ledger.complete(ledger.claim(CELL, "me"), 0.5)
    whole = Path(journal).read_bytes()
    Path(journal).write_bytes(whole + b'{"op_code":4,"wor')
    (claim,) = Ledger(open_storage(journal), "s", {}, maximise=True).claims()
    assert claim.value == 0.5
    assert Path(journal).read_bytes() == whole


BROKEN = {
    # what stands in a line, by what it is
    "garbage": b"garbage",
    "blank": b"",
    "binary": b"\xff\xfe\x00",
    "a number": b"3",
    "null": b"null",
    "a list": b'["op_code"]',
    "another object": b'{"target": 3}',
    "no number": b'{"op_code":"4"}',
    "deep": b'{"op_code":' + b"[" * 100_000,
    "a huge number": b'{"op_code":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("where", ["last", "middle"])
def test_a_line_that_is_no_entry_is_named(journal, name, where):
    ledger = Ledger(open_storage(journal), "s", {}, maximise=True)
    ledger.complete(ledger.claim(CELL, "me"), 0.5)
    lines = Path(journal).read_bytes().splitlines()
    number = len(lines) + 1 if where == "last" else 2
    lines.insert(number - 1, BROKEN[name])
    content = b"\n".join([*lines, b""])
    Path(journal).write_bytes(content)
    told = f"expected a journal of Optuna's, got another file: {journal}, line {number}"
    with pytest.raises(InvalidInputError) as caught:
        open_storage(journal)
    assert str(caught.value) == f"storage: {told}"
    assert Path(journal).read_bytes() == content


@pytest.mark.parametrize("entry", [b'{"op_code":99}', b'{"op_code":4}', b'{"op_code":-1}'])
def test_an_entry_of_no_known_operation_is_refused(journal, entry):
    open_storage(journal)
    Path(journal).write_bytes(entry + b"\n")
    with pytest.raises(InvalidInputError, match="storage: expected a journal of Optuna's"):
        open_storage(journal)


@pytest.mark.timeout(60)  # a pipe is waited for without end
@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_what_is_no_file_is_refused_and_gets_no_lock(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "pipe", tmp_path / "loop", tmp_path / ("a" * 300), "/dev/null"):
        with pytest.raises(InvalidInputError, match="storage: expected a file to write"):
            open_storage(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loop", "pipe"]


@pytest.mark.parametrize(
    "content",
    [b"{}", b'{"target": 3}\n', b"csv,file\n", b"\x80\x04pickle", b'{"op_code":\n{"op_code":0}\n'],
)
def test_another_file_is_refused_and_stays(journal, content):
    Path(journal).write_bytes(content)
    with pytest.raises(InvalidInputError, match="storage: expected a journal of Optuna's"):
        open_storage(journal)
    assert Path(journal).read_bytes() == content


def test_a_journal_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "journal"):
        with pytest.raises(InvalidInputError, match="storage: expected a file to write"):
            open_storage(path)


@pytest.mark.timeout(120)  # a lock that is kept is waited for
def test_a_killed_process_does_not_keep_the_lock(journal):
    open_storage(journal)
    code = (
        "import sys, time; from pathlib import Path\n"
        "from surrobust.searches.sharing.journal import locked\n"
        "with locked(Path(sys.argv[1])):\n    print(flush=True)\n    time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(surrobust.__file__).parents[1])}
    holder = subprocess.Popen(
        [sys.executable, "-c", code, journal], stdout=subprocess.PIPE, env=environment
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
    assert Ledger(open_storage(journal), "s", {}, maximise=True).claim(CELL, "me") is not None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nothing://host/name", "storage: expected"),
        ("postgresql://:x:y", "storage: expected"),
        ("oracle://host/name", "storage: expected the database's driver"),
    ],
)
def test_a_database_that_cannot_be_is_refused(url, message):
    with pytest.raises(InvalidInputError, match=message):
        open_storage(url)


def test_a_database_that_does_not_answer_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(InvalidInputError, match="storage: expected a database that answers") as e:
        open_storage(f"postgresql://me:secret@/name?host={tmp_path}")
    assert "secret" not in str(e.value)
    assert "\n" not in str(e.value)
