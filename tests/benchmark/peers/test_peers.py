"""What peers cost, and that each of them runs."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from surrobust.benchmark.peers import MAX_REPEATS, PEERS, AbstractAskedPeer
from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture, NASBench201


class Scripted(AbstractAskedPeer):
    """Suggest what the test says."""

    def __init__(self, cells, *, budget):
        super().__init__(budget=budget)
        self.cells, self.told, self.closed = list(cells), [], False

    def _suggest(self):
        return self.cells.pop(0)

    def _learn(self, value):
        self.told.append(value)

    def _close(self):
        self.closed = True


def test_known_values_are_free(space: NASBench201):
    twin = next(cell for cell in space if cell != cell.representative)
    other = Architecture.parse("333333")
    measured = []

    def measure(cell):
        measured.append(cell)
        return float(len(measured))

    peer = Scripted([twin, twin.representative, twin, other], budget=2)
    assert peer.spend(measure) == measured == [twin.representative, other]
    assert peer.told == [1.0, 1.0, 1.0, 2.0]
    assert peer.closed


def test_of_a_function_class_one_representative_is_measured(space: NASBench201):
    one, other = next(
        (cell, twin)
        for cells in group_by_function(space).values()
        for cell in cells
        for twin in cells
        if cell.representative != twin.representative
    )
    measured = []

    def measure(cell):
        measured.append(cell)
        return float(len(measured))

    last = Architecture.parse("333333")
    peer = Scripted([one, other, last], budget=2)
    assert peer.spend(measure) == measured == [one.representative, last]
    assert peer.told == [1.0, 1.0, 2.0]


def group_by_function(space: NASBench201) -> dict[str, list[Architecture]]:
    groups: dict[str, list[Architecture]] = {}
    for cell in space:
        groups.setdefault(cell.function_class, []).append(cell)
    return groups


def test_up_to_a_number_in_a_row():
    cell = Architecture.parse("333333")
    peer = Scripted([cell] * (2 * MAX_REPEATS + 3), budget=3)
    assert peer.spend(lambda _: 0.5) == [cell] * 3
    assert peer.cells == []
    assert peer.told == [0.5] * (2 * MAX_REPEATS + 3)


pytestmark = pytest.mark.filterwarnings("ignore")  # others' libraries use what is deprecated


def value_of(cell: Architecture) -> float:
    return cell.ops.count(3) + 0.1 * cell.ops.count(1)


def installed(name: str) -> str:
    missing = [library for library in PEERS[name].libraries if find_spec(library) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed: the extra peers")
    return name


@pytest.mark.parametrize("name", sorted(PEERS))
def test_every_peer_spends_its_budget_and_the_seed_decides(name: str):
    installed(name)
    first, again, other = (PEERS[name](budget=14, seed=seed).spend(value_of) for seed in (3, 3, 4))
    assert len(first) == len(set(first)) == 14
    assert all(cell == cell.representative for cell in first)
    assert first == again != other


@pytest.mark.parametrize("name", sorted(n for n, peer in PEERS.items() if not peer.plans_ahead))
def test_a_shorter_run_is_the_beginning_of_a_longer_one(name: str):
    longer = PEERS[installed(name)](budget=16, seed=1).spend(value_of)
    assert PEERS[name](budget=13, seed=1).spend(value_of) == longer[:13]


@pytest.mark.parametrize("name", ["gp-paths", "nasbowl", "botorch"])
def test_a_process_climbs_from_what_it_drew(name: str):
    found = [value_of(cell) for cell in PEERS[installed(name)](budget=40, seed=0).spend(value_of)]
    # 25 of the 15625 cells have 3x3 convolutions on five or six edges.
    assert max(found[:12]) < 5 <= max(found)


def test_the_tree_parzen_estimator_climbs():
    found = {
        name: sum(
            max(map(value_of, PEERS[name](budget=60, seed=s).spend(value_of))) for s in (0, 1)
        )
        for name in ("optuna-tpe", "optuna-random")
    }
    assert found["optuna-tpe"] > found["optuna-random"]


def test_smac_runs_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    pytest.importorskip("smac", reason="the extra peers is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    found = PEERS["smac"](budget=12, seed=1).spend(value_of)
    assert found == PEERS["smac"](budget=12, seed=1).spend(value_of)
    assert len(set(found)) == 12
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", ["smac", "botorch", "hebo", "naszilla-evolution"])
def test_what_is_not_installed_is_refused(name: str, monkeypatch: pytest.MonkeyPatch):
    (module,) = PEERS[name].libraries
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidInputError, match=rf"strategy: expected {module} .*pip install"):
        PEERS[name](budget=5)
