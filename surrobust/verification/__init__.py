"""Verification: what a cell is worth, by real training and real attacks.

:func:`verify` gives a record, a dictionary that JSON can say; files of records are appended to and
can be read as tables (``load_table("records")``, ``load_table("mine.jsonl")``).
"""

from .comparing import compare_records
from .plan import Plan, make_plan
from .several import run_several
from .verifying import Record, run_plan, verify

__all__ = ["Plan", "Record", "compare_records", "make_plan", "run_plan", "run_several", "verify"]
