"""The shipped proxy scores."""

import gzip
import json

import numpy as np
import pytest

import surrobust.tables.proxy_scores as module
from surrobust.errors import ChecksumError, MissingMeasurementError
from surrobust.spaces import Architecture, count_flops, count_parameters
from surrobust.tables import load_proxy_provenance, load_proxy_scores


def test_the_shipped_scores():
    scores, provenance = load_proxy_scores(), load_proxy_provenance()
    assert len(scores) == provenance["rows"] >= 500
    assert scores.index.is_unique
    assert all(Architecture.parse(i).representative.index == i for i in scores.index)
    assert provenance["n"] == {name: int(scores[name].notna().sum()) for name in scores}
    assert min(provenance["n"].values()) >= 100
    assert not np.isinf(scores.to_numpy()).any()
    for index in scores.index[:20]:
        cell = Architecture.parse(index)
        assert scores.loc[index, "params"] == pytest.approx(count_parameters(cell) / 1e6)
        assert scores.loc[index, "flops"] == pytest.approx(count_flops(cell) / 1e6)


def test_scores_that_are_not_there_or_not_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "shipped_folder", lambda _: tmp_path)
    with pytest.raises(MissingMeasurementError, match=r"^shipped data: expected"):
        load_proxy_scores()
    (tmp_path / "proxies.csv.gz").write_bytes(gzip.compress(b"index,code,params\n1,000000,0.1\n"))
    (tmp_path / "proxies.json").write_text(json.dumps({"sha256": "0"}))
    with pytest.raises(ChecksumError):
        load_proxy_scores()
