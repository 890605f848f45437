"""One HTML file about a portfolio: heat maps, the margin grid, each leg's share, rulebooks side by side.

It needs nothing else and sends nothing; text is escaped by Jinja2 and `report.svg`. The same tables give the
same bytes. Figures on the page are cut for reading; the command's --json has every digit.
"""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from seawall.report.html import content_hash, page_environment, template_text
from seawall.report.map_plot import heat_plot
from seawall.report.map_tables import PortfolioPage


def render_portfolio_page(page: PortfolioPage, command: str = "") -> str:
    """The whole page as text."""
    style, script = template_text("report.css") + template_text("map.css"), template_text("map.js")
    return (
        page_environment()
        .get_template("portfolio.html.j2")
        .render(
            page=page,
            plots=[[heat_plot(heat) for heat in account.maps] for account in page.accounts],
            command=command,
            style=Markup(style),
            style_hash=content_hash(style),
            script=Markup(script),
            script_hash=content_hash(script),
        )
    )


def write_portfolio_page(page: PortfolioPage, target: Path, command: str = "") -> Path:
    """Write it to `target` (its folder is made if absent) and return that."""
    text = render_portfolio_page(page, command)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode("utf-8"))
    return target
