"""The leaderboard page is what the committed results make."""

from experiments import leaderboard as script
from surrobust.benchmark.peers import PEERS


def test_the_page_is_current():
    assert script.PAGE.read_text() == script.make_page(), "run make leaderboard"


def test_a_table_is_sorted_and_says_n():
    cells = {
        ("**worse**", "b/i/m"): (0.5, "0.50 ± 0.10", "10"),
        ("better", "b/i/m"): (0.25, "0.25", "1–5"),
        ("part", "b/i/n"): (0.0, "0.00", "2"),
        ("better", "b/i/n"): (0.75, "0.75", "3"),
        ("**worse**", "b/i/n"): (0.75, "0.75 ± 0.10", "10"),
    }
    assert script._table("T", cells, ["b/i/m", "b/i/n"])[3:] == [
        "|  | n | `i/m` | `i/n` | mean |",
        "|---|---|---|---|---|",
        "| better | 1–5, 3 | 0.25 | 0.75 | 0.50 |",
        "| **worse** | 10 | 0.50 ± 0.10 | 0.75 ± 0.10 | 0.62 |",
        "| part | 2 | – | 0.00 | – |",
    ]


def test_only_ours_is_bold():
    assert script._by_whom("| **optuna/TPESampler** | 7 |") == "| optuna/TPESampler | 7 |"
    for peer in PEERS:
        assert script._by_whom(f"| **{peer}** | 7 |") == f"| {peer} | 7 |"
    for ours in ("pareto", "pareto, nothing known beforehand", "nsga2", "random", "tpe"):
        assert script._by_whom(f"| **{ours}** | 7 |") == f"| **{ours}** | 7 |"
