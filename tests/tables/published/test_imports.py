"""The authors' own downloads, as complete miniatures in their published layouts."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surrobust.errors import ChecksumError, InvalidInputError, MissingMeasurementError
from surrobust.spaces import representatives_by_index
from surrobust.tables import import_official, load_table, read_official
from surrobust.tables.published import jung2023, nasrobbench201
from surrobust.targets import targets_of

ROBBENCH, JUNG = "nas-robbench-201", "jung2023"
ALL = "NAS-RobBench-201_all.json"
ISOMORPHIC = next(i for i, r in enumerate(representatives_by_index()) if i != r)


@pytest.fixture(params=[ROBBENCH, JUNG])
def official(request: pytest.FixtureRequest) -> tuple[str, Path]:
    name = request.param
    fixture = "official_robbench" if name == ROBBENCH else "official_jung"
    return name, request.getfixturevalue(fixture)


def changed(documents: dict[str, Any], *keys: str, value: Any) -> dict[str, Any]:
    """Copy nested objects with one entry changed; None removes it."""
    copy = dict(documents)
    if len(keys) > 1:
        copy[keys[0]] = changed(copy[keys[0]], *keys[1:], value=value)
    elif value is None:
        del copy[keys[0]]
    else:
        copy[keys[0]] = value
    return copy


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], Path]:
    """Have documents read from memory, as if they were in the folder that is returned."""

    def put(documents: dict[str, Any]) -> Path:
        root = Path("official")
        for module in ("formats", "nasrobbench201", "jung2023"):
            monkeypatch.setattr(
                f"surrobust.tables.published.{module}.read_json",
                lambda path: documents[path.relative_to(root).as_posix()],
            )
        return root

    return put


@pytest.fixture
def trusted_meta(monkeypatch: pytest.MonkeyPatch, meta: dict[str, Any]) -> None:
    """Take ``meta.json`` as it is, which saves time."""
    for module in ("nasrobbench201", "jung2023"):
        monkeypatch.setattr(f"surrobust.tables.published.{module}.read_meta", lambda _: meta)


def test_an_import_is_used_where_the_published_copy_is_not(official, tmp_path, made_up_values):
    name, folder = official
    with pytest.raises(MissingMeasurementError):
        load_table(name, data_dir=tmp_path)
    written = import_official(folder, data_dir=tmp_path)
    assert written == tmp_path / "imported" / f"{name}.json"
    assert [path.name for path in written.parent.iterdir()] == [written.name]
    table = load_table(name, data_dir=tmp_path)
    assert load_table(name, data_dir=tmp_path) is table
    assert table.name == name
    assert table.targets == targets_of(name)
    assert table.citation
    assert "meta.json" in table.checksums
    assert all(len(value) == 64 for value in table.checksums.values())
    for column, target in enumerate(table.targets):
        expected = made_up_values(name)[:, column]
        if target.endswith("corruptions"):
            expected = np.clip(expected, 0.01, 0.99)
        np.testing.assert_allclose(table.values(target), expected, atol=1e-12)


def test_an_import_without_a_folder_goes_into_the_cache(official_robbench, nowhere):
    written = import_official(official_robbench / ALL)
    assert written.parents[1] == nowhere
    assert load_table(ROBBENCH).name == ROBBENCH


def test_the_published_copy_is_preferred(official_robbench, page, tmp_path):
    import_official(official_robbench, data_dir=tmp_path)
    assert "meta.json" in load_table(ROBBENCH, data_dir=tmp_path).checksums
    (tmp_path / "NAS-RobBench-201_html.json").write_bytes(page)
    assert "meta.json" not in load_table(ROBBENCH, data_dir=tmp_path).checksums


@pytest.mark.usefixtures("trusted_meta")
def test_the_mean_is_the_default_and_a_run_has_to_be_asked_for(robbench_documents, serve):
    folder = serve(robbench_documents)
    mean, _ = nasrobbench201.read_official(folder)
    first, _ = nasrobbench201.read_official(folder, run="1")
    shift = [0.0 if "autoattack" in target else 0.001 for target in targets_of(ROBBENCH)]
    np.testing.assert_allclose(first, mean + shift, atol=1e-12)
    with pytest.raises(InvalidInputError, match="run: expected one of '1, threeseed'; got '4'"):
        nasrobbench201.read_official(folder, run="4")


@pytest.mark.usefixtures("trusted_meta")
def test_jung_corruptions_are_the_mean_over_types_and_severities(
    jung_documents, serve, made_up_values
):
    column = targets_of(JUNG).index(f"{JUNG}/cifar10/corruptions")
    level = np.clip(made_up_values(JUNG)[:, column], 0.01, 0.99)
    keys = ("cifar10/fog_accuracy.json", "cifar10", "fog", "accuracy", "0")
    values, paths = jung2023.read_official(
        serve(changed(jung_documents, *keys, value=[0.1, 0.2, 0.3, 0.4, 0.5]))
    )
    assert len(paths) == len(jung_documents)
    assert values[0, column] == pytest.approx((14 * level[0] + 0.3) / 15, abs=1e-12)
    np.testing.assert_allclose(values[1:, column], level[1:], atol=1e-12)


@pytest.mark.tables
def test_the_official_helpers_values(data_dir, tmp_path, as_robbench, write_documents):
    published = load_table(ROBBENCH, data_dir=data_dir)
    documents = as_robbench(published)
    cell = documents[ALL]["cifar10"]["1000"]  # what the authors' README prints for run 1
    cell["val_fgsm_3.0_acc"]["1"] = 0.6729999780654907
    cell["val_pgd_3.0_acc"]["1"] = 0.6680999994277954
    folder = write_documents(tmp_path / "robbench", documents)
    targets = [f"{ROBBENCH}/cifar10/fgsm-3", f"{ROBBENCH}/cifar10/pgd-3"]
    first = read_official(folder, run="1")
    assert [first.query(1000, target) for target in targets] == [
        0.6729999780654907,
        0.6680999994277954,
    ]
    import_official(folder, data_dir=tmp_path)
    mean = load_table(ROBBENCH, data_dir=tmp_path)
    found = [mean.query(1000, target) for target in targets]
    assert found == pytest.approx([0.6716, 0.6663], abs=5e-5)
    for target in published.targets:
        np.testing.assert_array_equal(mean.values(target), published.values(target))


@pytest.mark.tables
def test_jungs_official_files_give_the_published_table(
    data_dir, tmp_path, as_jung, write_documents
):
    published = load_table(JUNG, data_dir=data_dir)
    table = read_official(write_documents(tmp_path, as_jung(published)))
    assert table.query(13433, f"{JUNG}/cifar10/clean") == 0.893
    assert table.query(13433, f"{JUNG}/cifar10/pgd-1") == 0.336
    for target in published.targets:
        values = published.values(target)
        if target.endswith("corruptions"):
            values = np.clip(values, 0.01, 0.99)
        np.testing.assert_allclose(table.values(target), values, atol=1e-12)


META = ("meta.json", "ids")


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        (META[:1], [], "meta.json: expected an object with 15625 ids"),
        ((*META, "7"), None, "meta.json: expected an object with 15625 ids"),
        ((*META, "7"), 3, "meta.json: id 7: expected its nb201-string"),
        ((*META, "7", "nb201-string"), "|x|", "meta.json: id 7: expected its nb201-string"),
        ((*META, "7", "nb201-string"), 7, "meta.json: id 7: expected its nb201-string"),
        ((*META, "7", "isomorph"), "3", "meta.json: id 7: expected the isomorph 7, got '3'"),
        ((*META, "7", "isomorph"), None, "meta.json: id 7: expected the isomorph 7, got None"),
        ((*META, f"{ISOMORPHIC}", "isomorph"), f"{ISOMORPHIC}", "expected the isomorph"),
    ],
)
def test_another_meta_is_refused(robbench_documents, serve, keys, value, told):
    folder = serve(changed(robbench_documents, *keys, value=value))
    _refused(nasrobbench201.read_official, folder, told)


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        ((), [], f"{ALL}: expected an object with the key cifar10"),
        (("cifar10",), [], f"{ALL}: expected an object with the key cifar10"),
        (("cifar100",), None, f"{ALL}: expected an object with the key cifar100"),
        (("cifar10", "7"), None, "cifar10, cell 7, val_acc: expected an object from run"),
        (("cifar10", "7"), 3, "cifar10, cell 7, val_acc: expected an object from run"),
        (("cifar10", "7", "autoattack"), "1", "cell 7: expected a number as autoattack, got '1'"),
        (("cifar10", "7", "autoattack"), True, "expected a number as autoattack, got True"),
        (("cifar10", "7", "val_acc", "threeseed"), None, "run: expected one of '1'"),
        (("cifar10", "7", "val_acc", "threeseed"), "x", "expected a number as val_acc"),
    ],
)
@pytest.mark.usefixtures("trusted_meta")
def test_another_nas_robbench_201_is_refused(robbench_documents, serve, keys, value, told):
    folder = serve(changed(robbench_documents, ALL, *keys, value=value))
    _refused(nasrobbench201.read_official, folder, told)


APGD = "cifar10/aa_apgd-ce@Linf_accuracy.json"
IN_APGD = (APGD, "cifar10", "aa_apgd-ce@Linf", "accuracy")
IN_CLEAN = ("cifar10/clean_accuracy.json", "cifar10", "clean", "accuracy")


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        ((APGD,), [], "expected cifar10 > aa_apgd-ce@Linf > accuracy > id"),
        (IN_APGD, None, "expected cifar10 > aa_apgd-ce@Linf > accuracy > id"),
        (IN_APGD[:2], 3, "expected cifar10 > aa_apgd-ce@Linf > accuracy > id"),
        ((*IN_APGD, "7"), None, "id 7: expected a list of 7 numbers, got None"),
        ((*IN_APGD, "7"), [0.5] * 6, "id 7: expected a list of 7 numbers"),
        ((*IN_APGD, "7"), ["a"] * 7, "id 7: expected a list of 7 numbers, got 'a'"),
        ((*IN_CLEAN, "7"), [0.5], "id 7: expected a list of 1 numbers"),
        ((*IN_CLEAN, "7"), None, "id 7: expected a list of 1 numbers, got None"),
    ],
)
@pytest.mark.usefixtures("trusted_meta")
def test_another_jung2023_is_refused(jung_documents, serve, keys, value, told):
    _refused(jung2023.read_official, serve(changed(jung_documents, *keys, value=value)), told)


@pytest.mark.parametrize("epsilons", [None, [], {}, {"aa_apgd-ce@Linf": [1, 2]}])
def test_another_grid_is_refused(jung_documents, serve, monkeypatch, epsilons):
    monkeypatch.setattr(
        "surrobust.tables.published.jung2023.read_meta", lambda _: {"epsilons": epsilons}
    )
    told = "meta.json: expected epsilon 0.1 for aa_apgd-ce@Linf"
    _refused(jung2023.read_official, serve(jung_documents), told)


def _refused(read: Callable[[Path], Any], folder: Path, told: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(folder)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("meta.json", None, "meta.json: expected a readable file, got: No such file"),
        ("meta.json", '{"ids":', "meta.json: expected JSON, got"),
        (ALL, '{"cifar10": {"0": {"val_acc": {"thr', f"{ALL}: expected JSON, got"),
        (ALL, '{"cifar10": NaN}', f"{ALL}: expected JSON, got: the constant NaN"),
        (ALL, b"\x80\x04", f"{ALL}: expected UTF-8 text"),
    ],
)
def test_a_damaged_official_file_leaves_nothing(official_robbench, tmp_path, file, content, told):
    copy = tmp_path / "copy"
    shutil.copytree(official_robbench, copy, copy_function=os.link)
    (copy / file).unlink()
    if content is not None:
        (copy / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    _refused(lambda folder: import_official(folder, data_dir=tmp_path / "out"), copy, told)
    assert not (tmp_path / "out").exists()


def test_an_official_value_out_of_range_leaves_nothing(
    robbench_documents, write_documents, tmp_path
):
    keys = (ALL, "cifar10", "7", "autoattack")
    folder = write_documents(tmp_path / "in", changed(robbench_documents, *keys, value=44.0))
    told = "autoattack-8: expected a fraction in [0, 1] for architecture 7, got 44.0"
    _refused(lambda _: import_official(folder, data_dir=tmp_path / "out"), folder, told)
    assert not (tmp_path / "out").exists()


def test_which_benchmark_it_is(official_robbench, official_jung, tmp_path):
    for path in (tmp_path, tmp_path / "absent", tmp_path / "a.json"):
        with pytest.raises(InvalidInputError, match="path: expected a folder with"):
            read_official(path)
    both = tmp_path / "both"
    shutil.copytree(official_jung, both, copy_function=os.link)
    os.link(official_robbench / ALL, both / ALL)
    with pytest.raises(InvalidInputError, match="got both: say which benchmark"):
        read_official(both)
    assert read_official(both, benchmark=ROBBENCH).name == ROBBENCH
    with pytest.raises(InvalidInputError, match="benchmark: expected one of nas-robb"):
        read_official(both, benchmark="hw-nas-bench")


@pytest.mark.parametrize(
    ("keys", "value", "error", "told"),
    [
        ("format", "other", InvalidInputError, "expected a table of format"),
        ("benchmark", JUNG, InvalidInputError, "benchmark: expected"),
        ("targets", [], InvalidInputError, "targets: expected"),
        ("indices", [1], InvalidInputError, "indices: expected"),
        ("values", None, InvalidInputError, "values: expected rows of numbers"),
        ("values", [[1, 2], [3]], InvalidInputError, "values: expected rows of numbers"),
        ("values", [["a"]], InvalidInputError, "values: expected rows of numbers"),
        ("values", [[0.5]], ChecksumError, "delete it and run surrobust data import"),
        ("sha256", 3, ChecksumError, "expected values of sha256 3"),
        ("sources", [1], InvalidInputError, "sources: expected an object"),
    ],
)
def test_an_imported_table_that_was_changed_is_refused(
    made_up_import, tmp_path, keys, value, error, told
):
    document = changed(json.loads(made_up_import), keys, value=value)
    _imported_is_refused(tmp_path, json.dumps(document), error, told)


@pytest.mark.parametrize(
    ("damage", "told"),
    [(lambda t: t[:-100], "expected JSON"), (lambda _: "[]", "expected a table of format")],
)
def test_an_imported_table_that_was_damaged_is_refused(made_up_import, tmp_path, damage, told):
    _imported_is_refused(tmp_path, damage(made_up_import), InvalidInputError, told)


def _imported_is_refused(folder: Path, text: str, error: type[Exception], told: str) -> None:
    path = folder / "imported" / f"{ROBBENCH}.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(error, match=told) as caught:
        load_table(ROBBENCH, data_dir=folder)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def made_up_import(official_robbench: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("imported")
    return import_official(official_robbench, data_dir=folder).read_text()
