"""``surrobust models``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from surrobust.predictors.shipped import read_card

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.usefixtures("toy_shipped")
def test_list(run_cli: Run) -> None:
    code, out, err = run_cli(["models", "list", "--json"])
    assert (code, err) == (0, "")
    models = {entry["name"]: entry for entry in json.loads(out)["models"]}
    assert list(models) == ["nas-robbench-201-v1", "jung2023-v1"]
    assert models["jung2023-v1"]["targets"] == ["jung2023/cifar10/pgd-1"]
    _, out, _ = run_cli(["models", "list"])
    assert all(name in out for name in models)


def test_show(run_cli: Run, toy_shipped: Path) -> None:
    code, out, err = run_cli(["models", "show", "jung2023-v1", "--json"])
    assert (code, err) == (0, "")
    card = json.loads(out)
    assert card == read_card("jung2023-v1")
    assert run_cli(["models", "show", toy_shipped / "jung2023-v1", "--json"])[1] == out
    _, text, _ = run_cli(["models", "show", "jung2023-v1"])
    assert all(f"{key}:" in text for key in card)


@pytest.mark.usefixtures("toy_shipped")
def test_show_without_a_name_is_the_default(run_cli: Run) -> None:
    _, out, _ = run_cli(["models", "show", "--json"])
    assert json.loads(out)["name"] == "nas-robbench-201-v1"


def test_nothing_shipped_is_one_line(
    run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surrobust.predictors.shipped.shipped_folder", lambda _: tmp_path / "none")
    assert run_cli(["models", "list", "--json"])[1] == '{"models": []}\n'
    for arguments in (["models", "show"], ["predict", "2581"]):
        code, out, err = run_cli(arguments)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
