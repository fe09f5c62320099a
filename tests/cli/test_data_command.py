"""``surrobust data``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from surrobust._sources import list_archives, list_sources

Run = Callable[..., tuple[int, str, str]]


def test_list_names_every_published_file(run_cli: Run, tmp_path: Path) -> None:
    code, out, err = run_cli(["data", "list", "--data-dir", tmp_path, "--json"])
    assert (code, err) == (0, "")
    entries = json.loads(out)["files"]
    published = [*list_sources(), *list_archives()]
    assert [entry["file"] for entry in entries] == [source.path for source in published]
    assert {entry["state"] for entry in entries} == {"missing"}
    code, out, err = run_cli(["data", "list", "--data-dir", tmp_path])
    assert (code, err) == (0, "")
    assert all(source.path in out for source in published)


@pytest.mark.tables
def test_fetch_from_a_folder(run_cli: Run, data_dir: Path, tmp_path: Path) -> None:
    arguments = ["data", "fetch", "jung2023", "--mirror", data_dir, "--data-dir", tmp_path / "here"]
    code, out, err = run_cli([*arguments, "--json"])
    assert code == 0, err
    written = [Path(path) for path in json.loads(out)["files"]]
    assert [path.name for path in written] == ["acc.json", "robustness_targets.csv"]
    assert all(path.is_file() for path in written)
    assert "acc.json" in err
    code, again, _ = run_cli(arguments)
    assert (code, again.split()) == (0, [str(path) for path in written])
    _, out, _ = run_cli(["data", "list", "--data-dir", tmp_path / "here", "--json"])
    states = {Path(e["file"]).name: e["state"] for e in json.loads(out)["files"]}
    assert states["acc.json"] == states["robustness_targets.csv"] == "ready"
    assert states["hw_cifar10.csv"] == "missing"


def test_a_changed_file_is_listed_as_changed(run_cli: Run, tmp_path: Path) -> None:
    (tmp_path / "acc.json").write_text("acc={}")
    _, out, _ = run_cli(["data", "list", "--data-dir", tmp_path, "--json"])
    states = {Path(e["file"]).name: e["state"] for e in json.loads(out)["files"]}
    assert states["acc.json"] == "changed"
