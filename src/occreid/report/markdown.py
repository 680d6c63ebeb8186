"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def row(cells: Sequence[str]) -> str:
    """One line of a table.

    >>> row(["a", "1.0"])
    '| a | 1.0 |'
    """
    return f"| {' | '.join(cells)} |"
