import re
from pathlib import PurePosixPath

import surrobust.tables._sources as module
from surrobust.tables import TABLES, list_sources


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


def test_every_table_has_its_files():
    assert all(module.sources_of(name) for name in TABLES)


def test_the_list_is_found_in_a_wheel_too(monkeypatch, tmp_path):
    place = tmp_path / "surrobust" / "_data" / "sources.toml"
    place.parent.mkdir(parents=True)
    place.write_text(
        '[[files]]\npath = "a/b"\nused_by = ["x"]\nurl = "u"\nsha256 = "0"\nbytes = 1\n'
        'licence = "MIT"\ncitation = "c"\n'
    )
    monkeypatch.setattr(module, "_PLACES", (place, *module._PLACES))
    (source,) = module.list_sources.__wrapped__()
    assert (source.name, source.path, source.used_by) == ("b", "a/b", ("x",))
