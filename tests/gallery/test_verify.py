"""Verification over rows that are wrong, in ways the stores do not allow."""

import pytest
import torch

from occreid.gallery import Entry, Manifest
from occreid.gallery.rows import to_table
from occreid.gallery.verify import verify

MANIFEST = Manifest(3, 2, "visible_parts", "w")


class Listed:
    """A store of one table."""

    manifest = MANIFEST

    def __init__(self, table, counted=None):
        self.table, self.counted = table, counted

    def scan(self, columns, filter=None, rows=8192):
        yield from self.table.select(columns).to_batches(max_chunksize=min(rows, 2))

    def count(self):
        return len(self.table) if self.counted is None else self.counted

    def size(self):
        return 123

    def index(self):
        return {"type": "IVF_PQ", "waiting": 2}


@pytest.fixture
def table():
    generator = torch.Generator().manual_seed(0)
    entries = [
        Entry(
            torch.randn(2, 3, generator=generator),
            id=f"e{i}",
            pid=i // 2,
            camid=i if i else None,
            timestamp=5.0 - i,
            tags=("t",),
        )
        for i in range(4)
    ]
    return to_table(entries, MANIFEST, 0.0)


def changed(table, column, row, value):
    """The table with one value replaced."""
    import pyarrow as pa

    values = table.column(column).to_pylist()
    values[row] = value
    place = table.column_names.index(column)
    return table.set_column(place, table.field(column), pa.array(values, table.field(column).type))


def test_a_sound_gallery_has_no_problems(table):
    report = verify(Listed(table))
    assert report.sound and report.entries == 4 and report.problems == ()


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("id", "e0", "the id e0 occurs twice"),
        ("parts", [float("nan")] * 6, "the descriptor of e2 holds NaN or infinity, or is too long"),
        ("parts", [3e38] + [0.0] * 5, "the descriptor of e2 holds NaN or infinity, or is too long"),
        ("parts", [1.0] * 6, "the descriptor or picture of e2 is not what was added"),
        ("picture", b"another", "the descriptor or picture of e2 is not what was added"),
        ("visible", "10", "the descriptor or picture of e2 is not what was added"),
        ("vector", [1.0, 0.0, 0.0], "the search vector of e2 does not belong to its descriptor"),
    ],
)
def test_each_kind_of_damage_is_found(table, column, value, problem):
    assert verify(Listed(changed(table, column, 2, value))).problems == (problem,)


def test_rows_that_cannot_be_read_and_long_lists_are_told(table):
    assert verify(Listed(table, counted=5)).problems == ("4 entries can be read, 5 are counted",)
    import pyarrow as pa

    many = pa.concat_tables([table] * 8)
    problems = verify(Listed(many)).problems
    assert len(problems) == 21 and problems[-1] == "and 8 more"
