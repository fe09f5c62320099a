"""Paths that name nothing."""

from pathlib import Path

import pytest

from surrobust import _places
from surrobust._files import read_text
from surrobust.errors import InvalidInputError


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b", "a" * 300, "a/" * 5000, ""])
def test_what_can_be_no_path_names_nothing(path: str):
    assert not _places.exists(path)
    assert not _places.is_file(path)
    assert path == "" or not _places.is_folder(path)
    with pytest.raises(InvalidInputError, match="expected a readable file") as caught:
        read_text(path)
    assert len(str(caught.value)) < 400


def test_the_home_of_nobody_is_a_plain_path():
    assert _places.expand("~no-such-user-as-this/x") == Path("~no-such-user-as-this/x")
    assert _places.expand("~").is_absolute()
