import pyarrow as pa
import pytest
import torch

from occreid.distances import distances
from occreid.gallery import Entry, Filter, Manifest
from occreid.gallery.blocks import block_columns, to_block
from occreid.gallery.rows import to_table

MANIFEST = Manifest(4, 1, "cosine", "w")


def test_a_block_is_rows_ready_to_be_compared():
    entries = [Entry(torch.eye(4)[i], id=str(i), camid=None if i == 1 else i) for i in range(3)]
    table = to_table(entries, MANIFEST, 0.0).select(block_columns(MANIFEST))
    for rows in (table, table.to_batches()[0]):
        block = to_block(rows, MANIFEST)
        assert len(block) == 3 and block.cameras.codes.tolist() == [0, -1, 1] and block.cameras.names == ("0", "2")
        expected = distances(block.side.gallery, block.side.gallery, "cosine")
        torch.testing.assert_close(block.side.distances(block.side.gallery), expected)


def test_the_rows_of_a_mask_are_a_block_and_all_of_them_are_the_same():
    block = to_block(to_table([Entry(torch.eye(4)[i], id=str(i)) for i in range(3)], MANIFEST, 0.0), MANIFEST)
    some = block.where(torch.tensor([True, False, True]))
    assert some.about.column("id").to_pylist() == ["0", "2"] and len(some.side) == len(some.cameras.codes) == 2
    assert torch.equal(some.side.gallery.features[1, 0], torch.eye(4)[2])
    assert block.where(torch.ones(3, dtype=torch.bool)) is block


@pytest.mark.parametrize(
    ("filter", "rows"),
    [
        (Filter(), [0, 1, 2, 3]),
        (Filter(camids=(0, 2)), [0, 2]),
        (Filter(camids=()), []),
        (Filter(exclude_camid=2), [0, 1, 3]),  # of row 1 the camera is not known
        (Filter(start=10.0), [1, 2]),  # of row 3 the time is not known
        (Filter(end=11.0), [0, 1]),
        (Filter(start=10.0, end=11.0), [1]),
        (Filter(tags=("a",)), [0, 1]),
        (Filter(tags=("a", "b")), [1]),
        (Filter(tags=("c",)), []),
        (Filter(camids=(0, 3), tags=("a",), end=20.0), [0]),
    ],
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_a_filter_is_a_mask_of_rows(filter, rows, pieces):
    facts = [(0, 9.0, ("a",)), (None, 10.0, ("b", "a")), (2, 11.0, ("b",)), (3, None, ())]
    entries = [
        Entry(torch.eye(4)[i], id=str(i), camid=camera, timestamp=time, tags=tags)
        for i, (camera, time, tags) in enumerate(facts)
    ]
    table = to_table(entries, MANIFEST, 0.0)
    table = pa.concat_tables([table.slice(0, 2), table.slice(2)]) if pieces > 1 else table
    mask = to_block(table, MANIFEST).passing(filter)
    assert mask.dtype == torch.bool and mask.nonzero().flatten().tolist() == rows
