"""The explorer: one static page over all cells, to look at and click through.

The page holds its data, packed, and needs nothing else: its Content-Security-Policy forbids every
request. ``page`` has its HTML, CSS and JavaScript.
"""

from .data import gather
from .making import make_page, write_page
from .serving import make_server

__all__ = ["gather", "make_page", "make_server", "write_page"]
