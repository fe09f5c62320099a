"""Judging searches on the tables: runs, regret, the leaderboard beside the peers."""

from .leaderboard import Regret, SearchStanding, regrets, search_standings, write_search_leaderboard
from .protocol import (
    BUDGETS,
    STRATEGIES,
    Climb,
    SearchRun,
    known_strategies,
    search_once,
    to_be_found,
)
from .runs import check_searches, read_runs, run_searches, write_runs

__all__ = [
    "BUDGETS",
    "STRATEGIES",
    "Climb",
    "Regret",
    "SearchRun",
    "SearchStanding",
    "check_searches",
    "known_strategies",
    "read_runs",
    "regrets",
    "run_searches",
    "search_once",
    "search_standings",
    "to_be_found",
    "write_runs",
    "write_search_leaderboard",
]
