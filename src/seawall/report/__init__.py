"""What a run looks like to people: tables on disk, one self-contained HTML page, a table in the terminal.

Reads plain frames and numbers (`RunTables`); knows neither the engine nor the lab. Shows, never decides.
"""

from seawall.report.export import load_run, write_run
from seawall.report.html import render_html, write_html
from seawall.report.tables import RunTables
from seawall.report.terminal import closing_table, print_closing, progress

__all__ = [
    "RunTables",
    "write_run",
    "load_run",
    "render_html",
    "write_html",
    "closing_table",
    "print_closing",
    "progress",
]
