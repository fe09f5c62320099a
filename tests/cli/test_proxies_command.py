"""``surrobust proxies``."""

import csv
import io
import json

import pytest

from surrobust.proxies import PROXIES, score_proxies
from surrobust.spaces import Architecture

SMALL = ["--batch-size", "4", "--channels", "2", "--cells-per-stage", "1"]


def test_json(run_cli):
    code, out, err = run_cli(["proxies", "2581", "000000", *SMALL, "--proxy", "nwot", "--json"])
    assert code == 0, err
    document = json.loads(out)
    assert document["images"] == "random"
    assert document["batch_size"] == 4
    first, second = document["scores"]
    assert first["index"] == 2581
    assert first["architecture"] == Architecture.parse(2581).genotype
    expected = score_proxies([2581], ["nwot"], batch_size=4, channels=2, cells_per_stage=1, seed=0)
    assert first["values"]["nwot"] == pytest.approx(expected.iloc[0, 0])
    assert set(second["values"]) == {"nwot"}
    assert "cell 2 of 2" in err


def test_table_has_the_defaults(run_cli):
    code, out, _ = run_cli(["proxies", "323133", *SMALL])
    assert code == 0
    header, row = out.splitlines()
    assert header.split() == ["params", "synflow", "index", "genotype"]
    assert row.split()[2] == "2581"


def test_csv_of_all(run_cli):
    code, out, _ = run_cli(["proxies", "323133", *SMALL, "--proxy", "all", "--csv"])
    assert code == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["index"] == "2581"
    assert list(row)[2:] == list(PROXIES)


def test_the_seed_counts(run_cli):
    lines = [
        run_cli(["proxies", "323133", *SMALL, "--proxy", "synflow", "--seed", seed])[1]
        for seed in ("1", "1", "2")
    ]
    assert lines[0] == lines[1] != lines[2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--proxy", "size"], "proxies: expected one of params"),
        (["--device", "abacus"], "device: expected"),
        (["--batch-size", "1"], "--batch-size"),
    ],
)
def test_mistakes(run_cli, arguments, told):
    code, out, err = run_cli(["proxies", "323133", *arguments])
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
