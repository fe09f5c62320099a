import re
from pathlib import PurePosixPath

import pytest

import surrobust._sources as module
from surrobust._sources import cifar_sums, list_archives, list_sources
from surrobust.images.cifar import CIFAR10, CIFAR100
from surrobust.tables import TABLES


def test_every_source_says_what_it_is():
    sources = list_sources()
    assert len({source.path for source in sources}) == len(sources)
    for source in sources:
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
        assert re.fullmatch(
            r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/.+", source.url
        )
        assert PurePosixPath(source.url).name == source.name
        assert source.bytes > 0
        assert source.licence
        assert source.citation
        assert source.used_by


def test_archives_of_images_are_apart_from_the_files_of_tables():
    assert [source.used_by for source in list_archives()] == [
        ("cifar10",),
        ("cifar100",),
        *[("frost",)] * 5,
    ]
    assert not {source.path for source in list_archives()} & {s.path for s in list_sources()}
    for source in list_archives():
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
        assert PurePosixPath(source.url).name == source.name
        assert source.bytes > (10**8 if "cifar" in source.path else 10**4)


@pytest.mark.parametrize("files", [CIFAR10, CIFAR100], ids=lambda files: files.name)
def test_every_file_in_an_archive_has_its_sum(files):
    sums = cifar_sums(files.name)
    assert list(sums) == [*files.files["train"], *files.files["test"]]
    assert all(re.fullmatch(r"[0-9a-f]{40}", found) for found in sums.values())


def test_every_table_has_its_files():
    assert all(module.sources_of(name) for name in TABLES)


def test_the_list_is_found_in_a_wheel_too(monkeypatch, tmp_path):
    place = tmp_path / "surrobust" / "_data" / "sources.toml"
    place.parent.mkdir(parents=True)
    place.write_text(
        '[[files]]\npath = "a/b"\nused_by = ["x"]\nurl = "u"\nsha256 = "0"\nbytes = 1\n'
        'licence = "MIT"\ncitation = "c"\n'
    )
    monkeypatch.setattr(module, "shipped_folder", lambda _: place.parent)
    (source,) = module.list_sources.__wrapped__()
    assert module.list_archives.__wrapped__() == ()
    assert (source.name, source.path, source.used_by) == ("b", "a/b", ("x",))
