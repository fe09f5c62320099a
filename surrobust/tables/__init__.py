"""Tables: what the benchmarks measured, read from their published files.

:func:`load_table` gives a :class:`MeasurementTable`; ``TABLES`` has one recipe per published
source. :func:`fetch` downloads the files and checks them, :func:`import_official` takes the
authors' own downloads, and :func:`read_values_csv` a user's own measurements.
A file of our own records (``verification``) is a table as well.
:func:`load_proxy_columns` has the published zero-cost scores, :func:`load_proxy_scores` our own.
"""

from .._places import cache_dir, data_dirs
from .._sources import Source, list_sources
from .downloads import fetch
from .loading import TABLES, FileStatus, check_files, find_data_dir, load_table
from .proxy_scores import find_shipped, load_proxy_columns, load_proxy_provenance, load_proxy_scores
from .published.imports import import_official, read_official
from .records import append_record, read_records, records_table
from .table import MeasurementTable, TableReader
from .values import parse_value_columns, read_value_columns, read_values_csv

__all__ = [
    "TABLES",
    "FileStatus",
    "MeasurementTable",
    "Source",
    "TableReader",
    "append_record",
    "cache_dir",
    "check_files",
    "data_dirs",
    "fetch",
    "find_data_dir",
    "find_shipped",
    "import_official",
    "list_sources",
    "load_proxy_columns",
    "load_proxy_provenance",
    "load_proxy_scores",
    "load_table",
    "parse_value_columns",
    "read_official",
    "read_records",
    "read_value_columns",
    "read_values_csv",
    "records_table",
]
