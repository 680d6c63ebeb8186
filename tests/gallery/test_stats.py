import torch

from occreid.gallery import Entry, Filter, Manifest
from occreid.gallery.rows import to_table
from occreid.gallery.stats import stats

MANIFEST = Manifest(3, 1, "cosine", "w")


class Listed:
    """A store of one table."""

    manifest = MANIFEST

    def __init__(self, table):
        self.table = table

    def scan(self, columns, filter=None, rows=8192):
        yield from self.table.select(columns).to_batches(max_chunksize=2)

    def size(self):
        return 123

    def index(self):
        return {"type": "IVF_PQ", "waiting": 2}


def test_statistics_are_counts():
    entries = [
        Entry(torch.eye(3)[:1], id=f"e{i}", pid=i // 2, camid=i or None, timestamp=5.0 - i, tags=("t",))
        for i in range(4)
    ]
    found = stats(Listed(to_table(entries, MANIFEST, 0.0)))
    assert (found.entries, found.persons, found.cameras, found.tags) == (4, 2, {"1": 1, "2": 1, "3": 1}, {"t": 4})
    assert (found.earliest, found.latest, found.bytes_on_disk) == (2.0, 5.0, 123)
    assert found.index == {"type": "IVF_PQ", "waiting": 2} and found.manifest is MANIFEST


def test_names_that_nobody_has_are_said():
    entries = [
        Entry(torch.eye(3)[:1], id=f"e{i}", camid=camera, tags=("staff",)) for i, camera in enumerate(("door", "hall"))
    ]
    found = stats(Listed(to_table(entries, MANIFEST, 0.0)))
    assert found.unknown(Filter(camids=("hal", "door"), tags=("staff",))) == [
        "no entry has the camera 'hal'. Did you mean 'hall'?"
    ]
    assert found.unknown(Filter(tags=("x",))) == ["no entry has the tag 'x'. Known: staff."] and not found.unknown(
        Filter()
    )
