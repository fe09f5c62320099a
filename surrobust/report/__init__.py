"""Reports: a search or verification records as one HTML file that needs nothing else.

No scripts, no fonts, no images from elsewhere; drawings are SVG inside the page, which prints as it
looks. Everything that comes out of a file is escaped.
"""

from .course import write_course
from .drawing import draw_bars, draw_cell, draw_curve, draw_points
from .writing import REPORT_FILE, Material, make_report, read_material, write_report

__all__ = [
    "REPORT_FILE",
    "Material",
    "draw_bars",
    "draw_cell",
    "draw_curve",
    "draw_points",
    "make_report",
    "read_material",
    "write_course",
    "write_report",
]
