"""The tables of README.md and docs/results.md are what the committed results make."""

from pathlib import Path

import pytest

from experiments import summaries as script

ROOT = Path(__file__).parents[2]


def test_tables_are_current():
    tables = script.make_tables()
    assert {page.name for page, _ in tables} == {"README.md", "results.md"}
    for (page, name), table in tables.items():
        assert script.current(page, name) == table, f"{page.name}, {name}: run make leaderboard"


def test_both_pages_have_the_same_best_peer():
    """What was stale once: three regrets of the README, .0041, .0374 and .0203."""
    readme = script.current(ROOT / "README.md", "summary")
    results = script.current(ROOT / "docs" / "results.md", "searching")
    assert len(script.TARGETS) >= 3
    for target in script.TARGETS:
        mean, name, n = script.best_searcher(target)
        assert f"{mean:.4f} (n = {n}) |" in readme
        assert f"{mean:.4f} ({name}, n = {n}) |" in results


def test_the_best_peer_is_taken_over_all_their_runs_and_never_ours(
    monkeypatch: pytest.MonkeyPatch,
):
    rows = {
        ("**default**", "a/b/c"): ["50", "0.3 ± 0.1", "0.0100 ± 0.0100", "0.0 ± 0.0", "1%", "2%"],
        ("ours/peer", "a/b/c"): ["20", "0.4", "0.0300", "-"],
        ("peer", "a/b/c"): ["7", "0.4 ± 0.1", "0.0200 ± 0.0500", "-"],
        ("short", "a/b/c"): ["7", "0.1 ± 0.1", "-", "-"],
        ("peer", "a/b/d"): ["9", "0.1 ± 0.1", "0.0000 ± 0.0000", "-"],
    }
    monkeypatch.setattr(script, "search_tables", lambda: rows)
    assert script.best_searcher("a/b/c") == (0.02, "peer", "7")


def test_peers_are_counted_by_target():
    peers = {(target, 50): [(0.5, "a", "1"), (0.4, "b", "5")] for target in script.TARGETS}
    assert script._counted(peers, 50) == "2"
    peers[script.TARGETS[0], 50].append((0.6, "c", "3"))
    assert script._counted(peers, 50) == "2–3"


def test_n_is_said_with_each_mean():
    ours = [0.5] * 10
    assert script._beside(ours, (0.25, "p", "3"), named=True) == "**0.500** (0.250, p, n = 3)"
    shown = script._beside(ours[:5], (0.25, "p", "3"), named=False)
    assert shown == "**0.500**, n = 5 (0.250, n = 3)"
