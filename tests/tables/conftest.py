"""Made-up tables in the published layouts, so that most tests need no real file."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobust.spaces import NASBench201, representative_indices, representatives_by_index
from surrobust.tables import MeasurementTable, Source, loading
from surrobust.targets import Target, targets_of

PAGE = "NAS-RobBench-201_html.json"
PAGE_METRICS = ["val_acc", "val_fgsm_3_acc", "val_pgd_3_acc", "val_fgsm_8_acc", "val_pgd_8_acc"]
JUNG_KEYS = {"apgd-ce": "aa_apgd-ce@Linf", "square": "aa_square@Linf"}
FEW = [0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 8.0]
MANY = [0.1, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 255.0]
EPSILONS = {
    "fgsm@Linf": MANY, "pgd@Linf": FEW, "aa_apgd-ce@Linf": FEW, "aa_square@Linf": FEW,
}  # fmt: skip
CORRUPTIONS = (
    "brightness", "contrast", "defocus_blur", "elastic_transform", "fog", "frost",
    "gaussian_noise", "glass_blur", "impulse_noise", "jpeg_compression", "motion_blur",
    "pixelate", "shot_noise", "snow", "zoom_blur",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty per-user cache, and no environment variable."""
    monkeypatch.delenv("SURROBUST_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache" / "surrobust"


@pytest.fixture(scope="session")
def made_up_values() -> Callable[[str], np.ndarray]:
    """Return random values of a table: thousandths, so that they survive every layout."""

    def make(name: str) -> np.ndarray:
        n = len(NASBench201()) if name == "hw-nas-bench" else len(representative_indices())
        rng = np.random.default_rng(3)
        return rng.integers(1, 1000, size=(n, len(targets_of(name)))) / 1000

    return make


@pytest.fixture(scope="session")
def page_document(made_up_values: Callable[[str], np.ndarray]) -> dict[str, Any]:
    """The document of a page copy of NAS-RobBench-201; not to be changed in place."""
    rows = dict(
        zip(representative_indices(), made_up_values("nas-robbench-201").tolist(), strict=True)
    )
    document: dict[str, Any] = {
        str(index): rows[index] if representative == index else str(representative)
        for index, representative in enumerate(representatives_by_index())
    }
    document[""] = [
        f"{images}#{metric}"
        for images in ("cifar10", "cifar100", "imagenet")
        for metric in [*PAGE_METRICS, "autoattack"]
    ]
    return document


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, page_document: dict[str, Any]) -> bytes:
    """The bytes of a page copy, which the package takes for the published one."""
    content = b"acc=" + json.dumps(page_document).encode()
    source = Source(
        path=f"nasrobbench201hp/{PAGE}",
        used_by=("nas-robbench-201",),
        url=f"http://127.0.0.1:9/{PAGE}",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        licence="MIT",
        citation="Nobody, nowhere.",
    )
    monkeypatch.setattr(loading, "sources_of", lambda _: (source,))
    monkeypatch.setattr("surrobust.tables.loading.list_sources", lambda: (source,))
    monkeypatch.setattr("surrobust.tables.loading.list_archives", tuple)
    return content


Documents = dict[str, Any]
"""The JSON documents of a folder, by their path in it."""


@pytest.fixture(scope="session")
def meta() -> dict[str, Any]:
    """The document of ``meta.json``."""
    space = NASBench201()
    ids = {
        str(index): {"nb201-string": space[index].genotype, "isomorph": str(representative)}
        for index, representative in enumerate(representatives_by_index())
    }
    return {"ids": ids, "epsilons": EPSILONS}


@pytest.fixture(scope="session")
def as_robbench(meta: dict[str, Any]) -> Callable[[MeasurementTable], Documents]:
    """Make NAS-RobBench-201's official documents; run 1 is .001 above the mean."""

    def make(table: MeasurementTable) -> Documents:
        official = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "imagenet"}
        names = {"clean": "val_acc", "autoattack-8": "autoattack"} | {
            f"{attack}-{eps}": f"val_{attack}_{eps}.0_acc"
            for attack in ("fgsm", "pgd")
            for eps in (3, 8)
        }
        document: dict[str, Any] = {name: {} for name in official.values()}
        for key in table.targets:
            target = Target.parse(key)
            cells, name = document[official[target.images]], names[target.metric]
            column = table.values(key).tolist()
            for index, value in zip(representative_indices(), column, strict=True):
                entry = value if name == "autoattack" else {"1": value + 0.001, "threeseed": value}
                cells.setdefault(str(index), {})[name] = entry
        return {"meta.json": meta, "NAS-RobBench-201_all.json": document}

    return make


@pytest.fixture(scope="session")
def as_jung(meta: dict[str, Any]) -> Callable[[MeasurementTable], Documents]:
    """Make Jung's official documents; zero where the table has no value."""

    def make(table: MeasurementTable) -> Documents:
        documents: Documents = {"meta.json": meta}
        for images in ("cifar10", "cifar100", "ImageNet16-120"):

            def column(metric: str, images: str = images) -> np.ndarray:
                key = f"jung2023/{images.lower()}/{metric}"
                return table.values(key) if key in table else np.zeros(len(table))

            rows: dict[str, list[Any]] = {"clean": column("clean").tolist()}
            for attack in ("fgsm", "pgd", "apgd-ce", "square"):
                official = JUNG_KEYS.get(attack, f"{attack}@Linf")
                grid = [column(f"{attack}-{eps:g}") for eps in EPSILONS[official]]
                rows[official] = np.column_stack(grid).tolist()
            if images != "ImageNet16-120":
                level = np.clip(column("corruptions"), 0.01, 0.99)[:, None]
                spread = (level + np.array([0.002, 0.001, 0.0, -0.001, -0.002])).tolist()
                rows |= dict.fromkeys(CORRUPTIONS, spread)
            for key, values in rows.items():
                cells = dict(zip(map(str, representative_indices()), values, strict=True))
                documents[f"{images}/{key}_accuracy.json"] = {images: {key: {"accuracy": cells}}}
        return documents

    return make


@pytest.fixture(scope="session")
def write_documents() -> Callable[[Path, Documents], Path]:
    """Write documents into a folder."""

    def write(folder: Path, documents: Documents) -> Path:
        for path, document in documents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(json.dumps(document))
        return folder

    return write


@pytest.fixture(scope="session")
def robbench_documents(as_robbench, made_up_values) -> Documents:
    name = "nas-robbench-201"
    return as_robbench(MeasurementTable(name, made_up_values(name)))


@pytest.fixture(scope="session")
def jung_documents(as_jung, made_up_values) -> Documents:
    return as_jung(MeasurementTable("jung2023", made_up_values("jung2023")))


@pytest.fixture(scope="session")
def official_robbench(tmp_path_factory, write_documents, robbench_documents) -> Path:
    return write_documents(tmp_path_factory.mktemp("robbench"), robbench_documents)


@pytest.fixture(scope="session")
def official_jung(tmp_path_factory, write_documents, jung_documents) -> Path:
    return write_documents(tmp_path_factory.mktemp("jung"), jung_documents)
