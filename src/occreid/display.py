"""How a thing shows itself in a notebook: a small table without styles of its own."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def html_table(head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table of plain text, everything escaped.

    >>> html_table(["part"], [["<query>"]], "a & b")
    '<table><caption>a &amp; b</caption><tr><th>part</th></tr><tr><td>&lt;query&gt;</td></tr></table>'
    """
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}{_row('th', head)}{''.join(_row('td', row) for row in rows)}</table>"


def _row(tag: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
