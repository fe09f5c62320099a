"""Saves that are killed at any moment."""

import signal
import subprocess
import sys

import pytest

from surrobust import _files
from surrobust.errors import InvalidModelError
from surrobust.predictors import load_folder
from surrobust.predictors.shipped import load_predictor, read_card

SAVE = """
import os, shutil, signal, sys
from pathlib import Path
from surrobust.predictors import load_folder

left = int(sys.argv[3])

def killing(act):
    def acting(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return act(*args, **kwargs)
    return acting

model = load_folder(sys.argv[1])
os.rename, os.replace, os.unlink = map(killing, (os.rename, os.replace, os.unlink))
model.save(sys.argv[2], citation="new")
"""
"""Saves a predictor once more, and is killed before the n-th change of the file system."""


@pytest.fixture(scope="module")
def source(tmp_path_factory, fitted):
    folder = tmp_path_factory.mktemp("source") / "model"
    fitted("gp").save(folder, citation="source")
    return folder


def save_and_be_killed(source, folder, n):
    command = [sys.executable, "-c", SAVE, str(source), str(folder), str(n)]
    return subprocess.run(command, check=False).returncode


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on Windows")
def test_killed_at_any_change_either_predictor_is_there(source, tmp_path, fitted, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, found, code, n = fitted("gp"), [], -signal.SIGKILL, 0
    while code == -signal.SIGKILL:
        _files._clear.cache_clear()  # each process removes once what others left
        model.save("model", citation="old")
        assert [path.name for path in tmp_path.iterdir()] == ["model"]
        code = save_and_be_killed(source, "model", n)
        read = (lambda: load_predictor("model").card, lambda: read_card("model"))[n % 2]
        found.append((code, read()["citation"]))
        load_folder("model")
        n += 1
    assert code == 0
    citations = [citation for _, citation in found]
    # The weights and the card are written, the old folder is moved aside, the new one comes.
    assert citations.count("old") >= 4
    assert citations.count("new") >= 2
    assert citations == sorted(citations, reverse=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on Windows")
def test_killed_at_any_change_of_a_first_save_there_is_none_or_a_whole_one(source, tmp_path):
    for n in range(20):
        folder = tmp_path / str(n) / "model"
        folder.parent.mkdir()
        if save_and_be_killed(source, folder, n) == 0:
            break
        with pytest.raises(InvalidModelError, match="no folder"):
            load_folder(folder)
    assert load_folder(folder).card["citation"] == "new"
    assert n >= 3


def test_a_link_is_replaced_by_a_folder(tmp_path, fitted):
    fitted("gp").save(tmp_path / "there", citation="there")
    (tmp_path / "model").symlink_to(tmp_path / "there")
    fitted("gp").save(tmp_path / "model", citation="new")
    assert {path.name for path in tmp_path.iterdir()} == {"there", "model"}
    assert read_card(tmp_path / "model")["citation"] == "new"
    assert read_card(tmp_path / "there")["citation"] == "there"
