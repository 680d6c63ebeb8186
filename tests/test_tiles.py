import pytest
import torch

from occreid import tiles
from occreid.tiles import full_float32, map_stream, stream

CPU = torch.device("cpu")


@pytest.fixture
def threads():
    """Set the number of torch's threads for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def numbered(rows, columns, scratch, out):
    """Entry (i, j) is 10 000 i + j."""
    assert scratch.shape == out.shape
    i, j = torch.arange(rows.start, rows.stop), torch.arange(columns.start, columns.stop)
    out.copy_(10_000 * i[:, None] + j)


def expected(q, g):
    return (10_000 * torch.arange(q)[:, None] + torch.arange(g)).float()


@pytest.mark.parametrize(("q", "g", "rows"), [(1, 1, None), (7, 1300, 3), (40, 512, None), (5, 513, 8)])
def test_every_entry_is_computed_once_whatever_the_sizes(q, g, rows):
    pieces = [(start, block.clone()) for start, block in stream(q, g, CPU, numbered, rows)]
    assert torch.equal(torch.cat([block for _, block in pieces]), expected(q, g))
    assert [start for start, _ in pieces] == list(range(0, q, rows or 512))


@pytest.mark.parametrize("count", [1, 3])
def test_threads_give_the_pieces_in_order_and_the_thread_count_back(threads, count):
    threads(count)
    pieces = map_stream(41, 600, CPU, numbered, lambda start, block: (start, block.clone()), rows=4)
    assert [start for start, _ in pieces] == list(range(0, 41, 4))
    assert torch.equal(torch.cat([block for _, block in pieces]), expected(41, 600))
    assert torch.get_num_threads() == count


def test_threads_together_hold_no_more_rows_than_one(monkeypatch, threads):
    monkeypatch.setattr(tiles, "_ROW_BYTES", 4 * 500 * 64)  # 64 rows of 500
    for count, rows in ((1, 63), (2, 32), (4, 16)):
        threads(count)
        sizes = map_stream(500, 500, CPU, numbered, lambda start, block: len(block))
        assert max(sizes) == rows and len(sizes) % count == 0 and sum(sizes) == 500


def test_a_tile_that_needs_no_scratch_is_as_wide_as_asked_and_holds_more_rows(threads):
    seen = set()

    def direct(rows, columns, scratch, out):
        assert scratch is out
        seen.add((columns.start, columns.stop))
        numbered(rows, columns, scratch, out)

    threads(1)
    pieces = map_stream(2100, 5, CPU, direct, lambda start, block: block.clone(), direct=3)
    assert [len(piece) for piece in pieces] == [700, 700, 700] and seen == {(0, 3), (3, 5)}
    assert torch.equal(torch.cat(pieces), expected(2100, 5))
    assert [len(p) for p in map_stream(700, 5, CPU, numbered, lambda start, block: block)] == [350, 350]


def test_a_gallery_of_any_width_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr(tiles, "_ROW_BYTES", 4 * 100 * 20)
    assert max(len(block) for _, block in stream(90, 100, CPU, numbered)) == 20


def test_products_are_float32_within_the_block_and_as_before_after_it():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16), full_float32(CPU):
            assert torch.get_float32_matmul_precision() == "highest"
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
