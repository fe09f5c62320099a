"""The command line: parse, one library call, print. One file per command.

Results go to stdout, everything else to stderr. Exit code 0: done; 2: the caller's mistake, told
in one line; 1: anything else, in one line too unless ``--debug`` or ``SURROBUST_DEBUG`` asks for
the traceback.
"""

from .running import main

__all__ = ["main"]
