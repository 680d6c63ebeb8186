"""Streaming a Q × G matrix that is never held whole: rows a few queries at a time, computed in tiles.

Knows nothing of what is in a tile; `distances`, `part_tiles` and `orders` do.
Letters: Q queries, G gallery images, R rows of a piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import local
from typing import TypeVar

import torch
from torch import Tensor

from occreid.memory import large_empty

T = TypeVar("T")
Tile = Callable[[slice, slice, Tensor, Tensor], object]
"""(queries, gallery images, scratch, out): writes into out; scratch is as large and holds nothing, or it is out."""

_ROW_BYTES = 128 * 2**20  # the rows held at once; large enough for fast products
_ROWS, _DIRECT_ROWS = 512, 1024  # most rows at once; a product without scratch gains from more
_TILE_COLUMNS = {"cpu": 512}  # tiles that stay in the processor's cache; a GPU takes larger ones
_MAP_COLUMNS = {"cpu": 8192}  # where a tile is many calls, fewer tiles cost less than what the cache saves


@torch.no_grad()
def stream(q: int, g: int, device: torch.device, tile: Tile, rows: int | None = None) -> Iterator[tuple[int, Tensor]]:
    """Whole rows, a few queries at a time.

    Args:
        q: Q.
        g: G.
        device: where.
        tile: computes a part of the matrix.
        rows: queries per piece; left out, as many as fit in 128 MiB, at most 512.

    Yields:
        ``(start, block)``: ``block`` (R, G) float32 holds queries ``start … start + R − 1``. The caller may
        write into it; it is used again for the next piece.
    """
    rows = rows or _rows_at_once(g)
    buffer = torch.empty(min(rows, q), g, device=device)
    columns = _tile_columns(buffer, _TILE_COLUMNS)
    scratch = buffer.new_empty(buffer.shape[0] * columns)
    for start in range(0, q, rows):
        block = buffer[: min(rows, q - start)]
        with full_float32(device):
            _fill(block, start, tile, scratch, columns)
        yield start, block


@torch.no_grad()
def map_stream(
    q: int,
    g: int,
    device: torch.device,
    tile: Tile,
    work: Callable[[int, Tensor], T],
    rows: int | None = None,
    direct: int = 0,
) -> list[T]:
    """What ``work(start, block)`` makes of each piece of `stream`, computed on all cores.

    On the CPU each of torch's threads computes pieces of its own and works on them, so that nobody waits while the
    work, which may use one core only, is done. The threads' blocks together take at most 128 MiB, or 16 rows each.

    Args:
        q: Q.
        g: G.
        device: where.
        tile: computes a part of the matrix; several threads call it at once.
        work: called with each piece; it may write into the block, which is used again.
        rows: queries per piece; left out, the threads' share of 128 MiB, about equally many in each.
        direct: columns of a tile that needs no scratch, which is then ``out``; 0: as many as suit one that does.

    Returns:
        The results, in the order of the queries.
    """
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    rows = rows or _even(q, _rows_at_once(g, threads, _DIRECT_ROWS if direct else _ROWS), threads)
    threads = max(1, min(threads, -(-q // rows)))
    own, before = local(), torch.get_num_threads()

    @torch.no_grad()  # what is switched off in this thread is on in another
    def piece(start: int) -> T:
        if not hasattr(own, "buffer"):
            if threads > 1:
                torch.set_num_threads(1)
            own.buffer = large_empty(min(rows, q), g, device=device)
            own.columns = direct or _tile_columns(own.buffer, _MAP_COLUMNS)
            own.scratch = None if direct else large_empty(own.buffer.shape[0] * own.columns, device=device)
        block = own.buffer[: min(rows, q - start)]
        _fill(block, start, tile, own.scratch, own.columns)
        return work(start, block)

    with full_float32(device):
        if threads == 1:
            return [piece(start) for start in range(0, q, rows)]
        with ThreadPoolExecutor(threads) as pool:
            try:
                return list(pool.map(piece, range(0, q, rows)))
            finally:
                torch.set_num_threads(before)


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Full float32 products, even under autocast and after ``set_float32_matmul_precision("medium")``."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def _rows_at_once(columns: int, threads: int = 1, most: int = _ROWS) -> int:
    return max(16, min(most, _ROW_BYTES // (4 * max(columns, 1)) // threads))


def _even(q: int, rows: int, threads: int) -> int:
    """At most ``rows``, so that Q queries make pieces of about one size and every thread as many (from 16 rows on)."""
    pieces = max(1, -(-q // rows))
    return min(rows, max(16, -(-q // (-(-pieces // threads) * threads))))


def _tile_columns(block: Tensor, most: dict[str, int]) -> int:
    return max(1, min(block.shape[1], most.get(block.device.type, 16384)))


def _fill(block: Tensor, start: int, tile: Tile, scratch: Tensor | None, columns: int) -> None:
    """Compute the rows ``start …`` into ``block``, tile by tile; ``scratch`` holds one tile, None: ``out`` does."""
    rows = slice(start, start + len(block))
    for left in range(0, block.shape[1], columns):
        part = slice(left, min(left + columns, block.shape[1]))
        out = block[:, part]
        tile(rows, part, out if scratch is None else scratch[: out.numel()].view(out.shape), out)
