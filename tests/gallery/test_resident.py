"""What is in memory follows what is on disk, reading only what is new."""

import random

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.gallery import Entry, Filter, Gallery
from occreid.gallery import resident as module

pytest.importorskip("lancedb")
DIM = 4


@pytest.fixture
def gallery(tmp_path):
    made = Gallery.create(str(tmp_path / "g"), dim=DIM, metric="euclidean", weights_hash="w")
    made.add(numbered(range(40)))
    return made


def numbered(numbers):
    """Entries at distance n from zero."""
    return [Entry(torch.eye(DIM)[0] * n, id=f"{n:03d}", camid=n % 2) for n in numbers]


def found(gallery, filter=None):
    (hits,) = gallery.search(Descriptors(torch.zeros(1, DIM)), 100, filter)
    assert [hit.distance for hit in hits] == [float(hit.id) for hit in hits]
    return [int(hit.id) for hit in hits]


@pytest.fixture
def reads(gallery, monkeypatch):
    """What is read from disk: "all", or how many new rows."""
    store, log = gallery._store, []
    all_rows, take = store.numbered, store.take
    monkeypatch.setattr(store, "numbered", lambda *words: (log.append("all"), all_rows(*words))[1])
    monkeypatch.setattr(store, "take", lambda numbers, columns: (log.append(len(numbers)), take(numbers, columns))[1])
    return log


def test_rows_are_read_once_then_only_new_ones(gallery, reads, monkeypatch):
    assert found(gallery) == [*range(40)] == found(gallery)
    assert reads == ["all"]
    gallery.add(numbered(range(40, 43)))
    assert found(gallery) == [*range(43)] and reads == ["all", 3]
    gallery.delete(ids=["005", "041"])
    assert found(gallery) == [n for n in range(43) if n not in (5, 41)] and reads == ["all", 3]
    assert found(gallery, Filter(camids=(1,))) == [n for n in range(43) if n % 2 and n not in (5, 41)]


def test_after_compaction_all_is_read_again(gallery, reads):
    found(gallery)
    gallery.delete(ids=["005"])
    gallery.compact()
    assert found(gallery) == [n for n in range(40) if n != 5] and reads == ["all", "all"]


def test_many_new_rows_are_read_with_the_old_ones(gallery, reads, monkeypatch):
    monkeypatch.setattr(module, "_TAKEN", 4)
    found(gallery)
    gallery.add(numbered(range(40, 70)))
    assert found(gallery) == [*range(70)] and reads == ["all", "all"]


def test_rows_that_are_gone_do_not_stay_in_memory(gallery, monkeypatch):
    monkeypatch.setattr(module, "_TAKEN", 4)
    for n in range(40, 90):
        gallery.add(numbered([n]))
        gallery.delete(ids=[f"{n - 30:03d}"])
        assert len(found(gallery)) == 40
        assert sum(map(len, gallery._store._resident._held.blocks)) <= 40 * 1.25 + 4


def test_blocks_stay_few_while_single_entries_come(gallery, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 45)
    for n in range(40, 50):
        gallery.add(numbered([n]))
        assert found(gallery) == [*range(n + 1)]
    held = gallery._store._resident._held
    assert [len(block) for block in held.blocks] == [45, 5]


def test_a_filter_needs_no_disk_and_finds_what_the_disk_would(gallery, tmp_path, described, people, monkeypatch):
    with Gallery.create(str(tmp_path / "h"), dim=8, metric="cosine", weights_hash="w") as filled:
        filled.add(people(60))
        filled.delete(ids=["p0007", "p0008"])
    from_memory, from_disk = Gallery.open(str(tmp_path / "h")), Gallery.open(str(tmp_path / "h"), memory=0)
    query = described(3, seed=1)
    from_memory.search(query)
    monkeypatch.setattr(from_memory._store._table, "search", None)
    generator = random.Random(0)
    sizes = set()
    for _ in range(100):
        filter = Filter(
            camids=generator.choice([None, None, (), (0,), (1, 3, 9)]),
            start=generator.choice([None, None, 101.0, 130.5]),
            end=generator.choice([None, None, 131.0, 999.0]),
            tags=generator.choice([(), (), ("even",), ("person", "odd"), ("even", "odd")]),
            exclude_camid=generator.choice([None, None, 1, 9]),
            exclude_own=generator.random() < 0.2,
        )
        found = from_memory.search(query, 99, filter)
        assert found == from_disk.search(query, 99, filter)
        sizes.add(len(found[0]))
    assert len(sizes) > 10


def test_another_writer_is_seen(gallery, tmp_path):
    found(gallery)
    with Gallery.open(str(tmp_path / "g")) as other:
        other.add(numbered([40]))
        other.delete(ids=["000"])
    assert found(gallery) == [*range(1, 41)]
