import torch

from occreid.distances import distances
from occreid.gallery import Entry, Manifest
from occreid.gallery.blocks import NO_CAMERA, block_columns, to_block
from occreid.gallery.rows import to_table

MANIFEST = Manifest(4, 1, "cosine", "w")


def test_a_block_is_rows_ready_to_be_compared():
    entries = [Entry(torch.eye(4)[i], id=str(i), camid=None if i == 1 else i) for i in range(3)]
    table = to_table(entries, MANIFEST, 0.0).select(block_columns(MANIFEST))
    for rows in (table, table.to_batches()[0]):
        block = to_block(rows, MANIFEST)
        assert len(block) == 3 and block.camids.tolist() == [0, NO_CAMERA, 2]
        expected = distances(block.side.gallery, block.side.gallery, "cosine")
        torch.testing.assert_close(block.side.distances(block.side.gallery), expected)


def test_the_rows_of_a_mask_are_a_block_and_all_of_them_are_the_same():
    block = to_block(to_table([Entry(torch.eye(4)[i], id=str(i)) for i in range(3)], MANIFEST, 0.0), MANIFEST)
    some = block.where(torch.tensor([True, False, True]))
    assert some.about.column("id").to_pylist() == ["0", "2"] and len(some.side) == len(some.camids) == 2
    assert torch.equal(some.side.gallery.features[1, 0], torch.eye(4)[2])
    assert block.where(torch.ones(3, dtype=torch.bool)) is block
