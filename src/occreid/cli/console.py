"""What commands print: tables whose columns line up, and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage with two decimals, without the sign.

    >>> percent(0.12345)
    '12.35'
    """
    return f"{100 * share:.2f}"


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Columns as wide as their widest cell; the first flush left, the others right; a title on a line above."""
    if title:
        typer.echo(title)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        typer.echo("  ".join(cells).rstrip())


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr, or lines where that is no terminal, and what advances it by one picture."""
    from occreid.progress import progress_bar

    with progress_bar(what, total, True) as advance:
        yield lambda: advance(1)
