"""What a person sees of long work on pictures: a bar, or a line every few seconds where no terminal shows one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS = 10.0  # between two lines where no terminal shows a bar


@contextmanager
def progress_bar(what: str, total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, or lines where that is no terminal, and what advances it by so many images."""
    console = Console(stderr=True)
    if shown and not console.is_terminal:
        yield _lines(what, total)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("images"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=total)
        yield lambda images: bar.advance(task, images)


def _lines(what: str, total: int) -> Callable[[int], None]:
    """Work that is done within the first seconds says nothing."""
    done, shown = 0, time.monotonic()

    def advance(images: int) -> None:
        nonlocal done, shown
        done += images
        if time.monotonic() - shown >= _SECONDS:
            shown = time.monotonic()
            print(f"{what}: {done:,} of {total:,} images", file=sys.stderr, flush=True)

    return advance
