"""Every experiment measures a little and makes its tables of that, and leaves no trace."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = {"experiments.attacks.queries": "torchattacks", "experiments.attacks.starts": "foolbox"}
"""Libraries of others, which are not among those of the tests, by module."""
NOT_HERE = {
    "experiments.corruptions.pixels": "needs the makers' own code and photographs",
    "experiments.proxies.dead_edges": "needs a file out of NASLib's history",
}
"""Why a module is not run, by its name."""


def files() -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns
        for place in ("experiments", "data", "models", "docs")
        for path in (ROOT / place).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.tables
@pytest.mark.filterwarnings("default", "ignore:.*found in sys.modules:RuntimeWarning")
def test_smoke(
    module: str,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    if module in NOT_HERE:
        pytest.skip(NOT_HERE[module])
    if module in NEEDED:
        pytest.importorskip(NEEDED[module])
    monkeypatch.setenv("SURROBUST_DATA", str(data_dir))
    monkeypatch.setattr(sys, "argv", [module, "--smoke"])
    monkeypatch.chdir(tmp_path)
    before = files()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert files() == before
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().out
