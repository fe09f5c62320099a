"""Pages made of the small predictors, and a browser to open them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, find_browser

from surrobust.explorer import write_page
from surrobust.predictors import shipped
from surrobust.searches import Evaluation, SearchResult
from surrobust.spaces import Architecture

TARGET = "nas-robbench-201/cifar10/pgd-8"
SEARCHED = ("323133", "111111", "333333", "012340")


@pytest.fixture(scope="session")
def search_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of four cells."""
    place = tmp_path_factory.mktemp("search")
    cells = [Architecture.parse(code).representative for code in SEARCHED]
    evaluations = tuple(
        Evaluation(cell, 0.4 - 0.1 * trial, trial, "table") for trial, cell in enumerate(cells)
    )
    SearchResult(TARGET, "table", "random", 4, 0, evaluations).write(place)
    return place


@pytest.fixture(scope="session")
def plain_page(tmp_path_factory: pytest.TempPathFactory, toy_models: Path) -> Path:
    """A page without tables and without a search."""
    place = tmp_path_factory.mktemp("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "shipped_folder", lambda _: toy_models)
        return write_page(place / "explorer.html", data_dir=place)


@pytest.fixture(scope="session")
def full_page(
    tmp_path_factory: pytest.TempPathFactory, toy_models: Path, data_dir: Path, search_folder: Path
) -> Path:
    """A page with measured values and a search."""
    place = tmp_path_factory.mktemp("full")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "shipped_folder", lambda _: toy_models)
        return write_page(place / "explorer.html", data_dir=data_dir, search=search_folder)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; the test is skipped where there is none."""
    path = find_browser()
    if path is None:
        if os.environ.get("SURROBUST_REQUIRE_CHROMIUM"):
            pytest.fail("SURROBUST_REQUIRE_CHROMIUM is set, but Chromium was not found")
        pytest.skip("there is no Chromium: apt-get install chromium")
    one = Browser(path, tmp_path_factory.mktemp("profile"))
    yield one
    one.close()
