"""Finding, verifying and caching the files of a table."""

from pathlib import Path

import numpy as np
import pytest

from surrobust.errors import ChecksumError, InvalidInputError, MissingMeasurementError
from surrobust.tables import check_files, data_dirs, find_data_dir, load_table

NAME = "nas-robbench-201"
PUBLISHED = Path("nasrobbench201hp", "NAS-RobBench-201_html.json")


def _put(folder: Path, content: bytes, path: Path = PUBLISHED) -> Path:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    return folder / path


@pytest.mark.parametrize("path", [PUBLISHED, Path(PUBLISHED.name)])
def test_a_table_is_read_from_either_layout(page, tmp_path, made_up_values, path):
    file = _put(tmp_path, page, path)
    table = load_table(NAME, data_dir=tmp_path)
    values = np.column_stack([table.values(target) for target in table.targets])
    np.testing.assert_array_equal(values, made_up_values(NAME))
    assert table.citation == "Nobody, nowhere."
    assert list(table.checksums) == [file.name]
    assert find_data_dir(tmp_path) == tmp_path


def test_a_table_is_read_once_and_again_when_its_file_changed(page, tmp_path):
    file = _put(tmp_path, page)
    table = load_table(NAME, data_dir=tmp_path)
    assert load_table(NAME, data_dir=str(tmp_path)) is table
    file.write_bytes(page[:-1])
    with pytest.raises(ChecksumError):
        load_table(NAME, data_dir=tmp_path)
    _put(tmp_path, page)
    assert load_table(NAME, data_dir=tmp_path).targets == table.targets


def test_places_in_their_order(page, tmp_path, nowhere, monkeypatch):
    assert list(data_dirs()) == [nowhere]
    assert find_data_dir() is None
    _put(nowhere, page)
    load_table(NAME)
    assert find_data_dir() == nowhere
    named = tmp_path / "named"
    monkeypatch.setenv("SURROBUST_DATA", str(named))
    assert list(data_dirs()) == [named, nowhere]
    load_table(NAME)  # what the named folder lacks comes from the cache
    _put(named, b"other bytes")
    with pytest.raises(ChecksumError, match=str(named)):
        load_table(NAME)
    with pytest.raises(MissingMeasurementError):
        load_table(NAME, data_dir=tmp_path / "asked")  # a folder that was asked for is the only one


def test_what_is_missing_is_told_with_the_places_and_the_command(page, tmp_path, nowhere):
    with pytest.raises(MissingMeasurementError) as caught:
        load_table(NAME)
    assert str(caught.value) == (
        f"{NAME}: expected nasrobbench201hp/{PUBLISHED.name} in {nowhere}, got no such file: "
        f"run surrobust data fetch {NAME}"
    )
    with pytest.raises(MissingMeasurementError, match=r"data fetch .* --data-dir") as caught:
        load_table(NAME, data_dir=tmp_path / "absent")
    assert str(nowhere) not in str(caught.value)


@pytest.mark.parametrize("change", ["truncated", "a byte", "empty", "more"])
def test_what_is_not_the_published_file_is_refused(page, tmp_path, change):
    content = {
        "truncated": page[: len(page) // 2],
        "a byte": page.replace(b"0", b"1", 1),
        "empty": b"",
        "more": page + b"\n",
    }[change]
    file = _put(tmp_path, content)
    with pytest.raises(ChecksumError) as caught:
        load_table(NAME, data_dir=tmp_path)
    assert str(caught.value).startswith(f"{file}: expected sha256 ")
    assert str(caught.value).endswith("delete it and run surrobust data fetch")
    assert [status.state for status in check_files(tmp_path)] == ["changed"]


def test_the_state_of_files(page, tmp_path):
    (status,) = check_files(tmp_path)
    assert (status.state, status.path) == ("missing", None)
    file = _put(tmp_path, page)
    (status,) = check_files(tmp_path)
    assert (status.state, status.path) == ("ready", file)


@pytest.mark.parametrize("name", ["nas-bench-301", "", None, 3, "jung"])
def test_an_unknown_table_is_refused(name):
    with pytest.raises(InvalidInputError, match="table: expected one of nas-robbench-201"):
        load_table(name)


def test_an_unreadable_file_is_refused(page, tmp_path, monkeypatch):
    _put(tmp_path, page)

    def refuse(self: Path, mode: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InvalidInputError, match="expected a readable file, got: Permission denied"):
        load_table(NAME, data_dir=tmp_path)
