import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery import Entry, Manifest
from occreid.gallery.aggregate import aggregate
from occreid.gallery.rows import checksum, schema, search_vectors, to_descriptors, to_entries, to_table

PARTS = Manifest(4, 2, "visible_parts", "w")
WHOLE = Manifest(4, 2, "euclidean", "w")


@pytest.fixture
def some():
    generator = torch.Generator().manual_seed(0)
    return [
        Entry(
            torch.randn(2, 4, generator=generator),
            torch.tensor([True, False]),
            id="a",
            pid="zoe",
            camid=2,
            timestamp=3.5,
        ),
        Entry(torch.randn(2, 4, generator=generator), id="b", tags=("x", "y"), path="b.jpg", picture=b"\x00\xff"),
    ]


@pytest.mark.parametrize("manifest", [PARTS, WHOLE])
def test_entries_survive_the_table(some, manifest):
    table = to_table(some, manifest, added=9.0)
    assert table.schema == schema(manifest) and ("parts" in table.column_names) == manifest.by_parts
    assert table.column("added").to_pylist() == [9.0, 9.0] and table.column("visible").to_pylist() == ["10", "11"]
    for back, put in zip(to_entries(table, manifest), some, strict=True):
        assert torch.equal(back.features, put.features) and torch.equal(back.visibility, put.visibility)
        for name in ("id", "pid", "camid", "timestamp", "tags", "path", "picture"):
            assert getattr(back, name) == getattr(put, name)


def test_the_searched_vector_is_the_aggregate_or_the_whole(some):
    described = Descriptors(torch.stack([e.features for e in some]), torch.stack([e.visibility for e in some]))
    assert torch.equal(search_vectors(described, PARTS), aggregate(described))
    assert torch.equal(search_vectors(described, WHOLE), described.features.flatten(1))
    kept = to_table(some, PARTS, 0.0).column("vector").to_pylist()
    torch.testing.assert_close(torch.tensor(kept), aggregate(described))


def test_no_rows_are_no_descriptors(some):
    empty = to_table(some, PARTS, 0.0).slice(0, 0)
    assert to_descriptors(empty, PARTS).features.shape == (0, 2, 4)


def test_pieces_of_a_table_are_joined(some):
    import pyarrow as pa

    table = to_table(some, WHOLE, 0.0)
    split = pa.concat_tables([table.slice(1, 1), table.slice(0, 1)])
    assert torch.equal(to_descriptors(split, WHOLE).features, torch.stack([some[1].features, some[0].features]))


def test_the_checksum_sees_every_byte(some):
    entry = some[1]
    one = checksum(entry)
    for change in (
        Entry(entry.features * 1.0000002, id="b", picture=entry.picture),
        Entry(entry.features, torch.tensor([True, False]), id="b", picture=entry.picture),
        Entry(entry.features, id="b", picture=b"\x00\xfe"),
    ):
        assert checksum(change) != one


def test_entries_that_do_not_fit_are_named(some):
    with pytest.raises(UserError, match=r"entry odd is \(1, 4\) .*the gallery \(2, 4\)"):
        to_table([*some, Entry(torch.zeros(4), id="odd")], PARTS, 0.0)
    with pytest.raises(UserError, match="descriptor of a holds NaN"):
        to_table([Entry(torch.full((2, 4), torch.inf), id="a")], PARTS, 0.0)
