"""The parts: small cases by hand, and what every one of them promises."""

import math
from pathlib import Path

import numpy as np
import pytest

from surrobust.analysis import PARTS, Finding, PairedAccuracies, analyze, write_finding
from surrobust.analysis.capacity import within_variance
from surrobust.analysis.correlations import common, head_agreement, rank_agreement
from surrobust.analysis.measured import best_rows
from surrobust.analysis.operations import edge_effects, operator_shares
from surrobust.errors import InvalidInputError

FEW = (
    *(f"nas-robbench-201/cifar10/{m}" for m in ("clean", "fgsm-8", "pgd-8", "autoattack-8")),
    *(f"nas-robbench-201/{i}/pgd-8" for i in ("cifar100", "imagenet16-120")),
    *(f"jung2023/cifar10/{m}" for m in ("clean", "corruptions", "fgsm-1", "square-1", "pgd-1")),
    "jung2023/cifar10/apgd-ce-1",
)


def test_agreement_by_hand():
    a = np.array([4.0, 3.0, 2.0, 1.0])
    b = np.array([3.0, 4.0, 2.0, 1.0])
    # One of six pairs is discordant; squared rank differences sum to 2.
    assert rank_agreement(a, b) == pytest.approx((4 / 6, 1 - 6 * 2 / (4 * 15)))
    assert all(math.isnan(value) for value in rank_agreement(a, np.ones(4)))
    assert (common(a, b, 1), common(a, b, 2)) == (0, 2)
    assert best_rows(np.array([1.0, 2.0, 2.0]), 2).tolist() == [1, 2]


def test_the_head_is_the_best_tenth_of_the_first():
    a = np.arange(40.0)
    b = np.concatenate([a[:36], [39.0, 38.0, 37.0, 36.0]])
    assert head_agreement(a, b) == pytest.approx((-1.0, -1.0))
    assert head_agreement(b, a) == pytest.approx((-1.0, -1.0))
    assert rank_agreement(a, b)[0] > 0.98


def test_effects_and_shares_by_hand():
    ops = np.array([[0, 1, 2, 3, 4, 0], [1, 1, 2, 3, 4, 0]])
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning, match="empty slice"):
        effects = edge_effects(ops, np.array([0.2, 0.6]))
    assert effects[0, :2] == pytest.approx([-0.2, 0.2])
    assert effects[1, 1] == pytest.approx(0.0)
    assert operator_shares(ops).tolist() == pytest.approx([3 / 12, 3 / 12, 2 / 12, 2 / 12, 2 / 12])


def test_variance_at_equal_size_by_hand():
    values, sizes = np.array([1.0, 3.0, 5.0, 7.0]), np.array([10, 10, 20, 20])
    assert within_variance(values, sizes) == pytest.approx(4.0 / 20.0)


def test_a_table_is_written_as_it_is(tmp_path: Path):
    finding = Finding("one", "told", ("name", "value"), (("a, b", 0.123456789), ("c", 3)))
    assert write_finding(tmp_path, finding) == [tmp_path / "one.csv"]
    assert (tmp_path / "one.csv").read_text() == 'name,value\n"a, b",0.123457\nc,3\n'


def test_an_unknown_part_is_refused_before_tables_are_read(tmp_path: Path):
    with pytest.raises(InvalidInputError, match=r"part: expected one of .*; got 'x'"):
        analyze(tmp_path / "out", parts=["x"], data_dir=tmp_path / "nowhere")
    assert not (tmp_path / "out").exists()


@pytest.mark.tables
@pytest.mark.parametrize("name", PARTS)
def test_every_part(
    measured: PairedAccuracies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    if name in ("correlations", "noise"):  # the costly ones, of a few targets
        few = FEW if name == "correlations" else FEW[2:4]
        monkeypatch.setattr(PairedAccuracies, "targets", few)
    found = PARTS[name](measured)
    assert found
    for finding in found:
        assert len(finding.headline) > 30
        assert finding.rows
        assert {len(row) for row in finding.rows} == {len(finding.columns)}
        files = write_finding(tmp_path, finding)
        assert [path.suffix for path in files] == [".csv", ".png"]
        lines = files[0].read_text().splitlines()
        assert lines[0] == ",".join(finding.columns)
        assert len(lines) == len(finding.rows) + 1
        assert files[1].read_bytes()[:4] == b"\x89PNG"


@pytest.mark.tables
def test_noise_is_small_beside_the_spread_but_not_beside_the_head(
    measured: PairedAccuracies, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(PairedAccuracies, "targets", FEW[2:3])
    (finding,) = PARTS["noise"](measured)
    (row,) = (dict(zip(finding.columns, row, strict=True)) for row in finding.rows)
    assert row["noise_share"] == pytest.approx((row["noise_sd"] / row["sd_of_cells"]) ** 2)
    assert row["noise_share"] < 0.01
    assert row["ceiling_lower"] <= row["ceiling_kendall"] <= row["ceiling_upper"]
    assert row["best"] - row["tenth_best"] < 3 * row["noise_sd"]


@pytest.mark.tables
def test_what_adversarial_training_changes(measured: PairedAccuracies):
    (finding,) = PARTS["training"](measured)
    rows = {row[:2]: dict(zip(finding.columns, row, strict=True)) for row in finding.rows}
    clean = rows["nas-robbench-201/cifar10/clean", "jung2023/cifar10/clean"]
    attacked = rows["nas-robbench-201/cifar10/pgd-8", "jung2023/cifar10/pgd-8"]
    assert clean["mean_change"] < -0.1
    assert attacked["mean_change"] > 0.3
    assert attacked["spearman"] == pytest.approx(0.382, abs=6e-4)
