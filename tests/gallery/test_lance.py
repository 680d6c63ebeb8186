"""A gallery in a folder: what it does to files, and what becomes of it when things break."""

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections import Counter

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery import Entry, Filter, Gallery
from occreid.gallery import fragments as merging

lancedb = pytest.importorskip("lancedb")
DIM = 8
BATCH = 16


@pytest.fixture
def folder(tmp_path):
    """The folder of an empty gallery."""
    Gallery.create(str(tmp_path / "gallery"), dim=DIM, metric="cosine", weights_hash="w")
    return tmp_path / "gallery"


def batch(number, size=BATCH, picture=None):
    """Entries of one commit, told apart by their ids."""
    generator = torch.Generator().manual_seed(number)
    return [
        Entry(torch.randn(DIM, generator=generator), id=f"{number}-{i}", camid=number % 3, picture=picture)
        for i in range(size)
    ]


def holds(folder, words):
    """Files that hold these bytes."""
    return [file for file in folder.rglob("*") if file.is_file() and words in file.read_bytes()]


def test_a_search_looks_at_half_of_the_partitions(folder):
    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(0, 1200))
        gallery.build_index(kind="IVF_FLAT", partitions=120)
        query = Descriptors(torch.stack([entry.features for entry in batch(1, 20)]))
        few, half, default = (
            [[hit.id for hit in hits] for hits in gallery.search(query, 50, exact=False, probes=probes)]
            for probes in (20, 60, None)
        )
    assert default == half != few


@pytest.mark.parametrize("indexed", [False, True])
def test_deleted_pictures_leave_the_disk_with_compaction_even_when_few(folder, indexed):
    with Gallery.open(str(folder)) as gallery:
        gallery.add([Entry(e.features, id=e.id, picture=f"face of {e.id};".encode()) for e in batch(0, 300)])
        if indexed:
            gallery.build_index(kind="IVF_FLAT", partitions=1)
        assert gallery.delete(ids=["0-7"]) == 1 and holds(folder, b"face of 0-7;")
        gallery.compact()
        assert not holds(folder, b"face of 0-7;") and holds(folder, b"face of 0-8;")
        assert len(gallery) == 299 and gallery.verify().sound
        query = Descriptors(batch(0, 300)[7].features)
        for exact in (True, False):
            assert "0-7" not in {hit.id for hit in gallery.search(query, 299, exact=exact, candidates=299)[0]}
        index = gallery.stats().index
        assert index == ({"type": "IVF_FLAT", "waiting": 0} if indexed else None)


def test_what_is_forgotten_is_remembered_over_a_crash_before_compaction(folder):
    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(0, 40, picture=b"kept"))
        gallery.add([Entry(torch.ones(DIM), id="secret", picture=b"secret words")])
        gallery.delete(ids=["secret"])
    with Gallery.open(str(folder)) as gallery:  # as another process would
        gallery.compact()
    assert not holds(folder, b"secret words") and not (folder / "deleted.json").exists()


@pytest.mark.parametrize("indexed", [False, True])
def test_small_commits_are_merged_and_nothing_is_lost(folder, monkeypatch, indexed):
    monkeypatch.setattr(merging, "MANY", 4)
    monkeypatch.setattr(merging, "_SMALL", 40)

    def fragments(gallery):
        return len(set((gallery._store.numbers() >> 32).tolist()))

    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(0, 300))
        if indexed:
            gallery.build_index(kind="IVF_FLAT", partitions=1)
        for number in range(1, 24):
            gallery.add(batch(number, 3))
            if number == 9:
                gallery.delete(ids=["8-1", "2-2"])
            assert fragments(gallery) <= 1 + (number * 3) // 40 + 2 * 4
        assert len(gallery) == 300 + 23 * 3 - 2 and gallery.verify().sound
        for number in (1, 8, 23):
            query = Descriptors(batch(number, 3)[0].features)
            for exact in (True, False):
                assert gallery.search(query, 1, exact=exact)[0][0].id == f"{number}-0"
        gallery.compact()
        assert len(gallery) == 300 + 23 * 3 - 2 and gallery.verify().sound


def test_opening_a_gallery_for_each_entry_leaves_few_fragments_too(folder, monkeypatch):
    monkeypatch.setattr(merging, "MANY", 4)
    for number in range(10):
        with Gallery.open(str(folder)) as gallery:
            gallery.add(batch(number, 1))
    assert len(set((gallery._store.numbers() >> 32).tolist())) <= 5 and len(gallery) == 10


def test_what_was_deleted_before_a_merge_leaves_the_disk_with_compaction(folder, monkeypatch):
    monkeypatch.setattr(merging, "MANY", 4)
    with Gallery.open(str(folder)) as gallery:
        gallery.add([Entry(torch.ones(DIM), id="secret", picture=b"secret words"), *batch(0, 5)])
        gallery.delete(ids=["secret"])
        for number in range(1, 9):
            gallery.add(batch(number, 1))
        gallery.compact()
        assert not holds(folder, b"secret words") and len(gallery) == 13 and gallery.verify().sound


def test_entries_added_one_by_one_are_written_few_times(folder, monkeypatch):
    monkeypatch.setattr(merging, "MANY", 8)
    monkeypatch.setattr(merging, "_SMALL", 64)
    size = 20_000
    with Gallery.open(str(folder)) as gallery:
        for number in range(8**2 + 8 + 1):
            gallery.add(batch(number, 1, picture=os.urandom(size)))
        written = sum(file.stat().st_size for file in (folder / "people.lance" / "data").iterdir())
        assert len(gallery) == 73 and gallery.verify().sound
        assert written < 3.2 * 73 * size
        gallery.compact()
        assert gallery.stats().bytes_on_disk < 1.3 * 73 * size


def test_a_merge_makes_no_fragment_larger_than_it_need_be(folder, monkeypatch):
    with Gallery.open(str(folder)) as gallery:
        for number in range(11):
            gallery.add(batch(number, 30))
    monkeypatch.setattr(merging, "MANY", 4)
    monkeypatch.setattr(merging, "_SMALL", 40)
    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(11, 1))
        rows = Counter((gallery._store.numbers() >> 32).tolist())
        assert sorted(rows.values()) == [1, 30] + [60] * 5  # what one statement writes, it holds in memory
        assert len(gallery) == 331 and gallery.verify().sound


def _name_many_fragments(folder, pipe):
    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(0))
        merging.rewrite(gallery._store._table, range(0, 100_000, 2))  # in one statement this ends the process
        pipe.send((len(gallery), gallery.verify().sound))


def test_a_gallery_of_very_many_fragments_can_be_merged(folder, another):
    _, pipe = another(_name_many_fragments)
    assert pipe.recv() == (BATCH, True)


def test_more_fragments_than_one_statement_names_are_all_merged(folder, monkeypatch):
    with Gallery.open(str(folder)) as gallery:
        for number in range(18):  # every other one too large to be merged
            gallery.add(batch(number, 1 + 9 * (number % 2)))
    monkeypatch.setattr(merging, "MANY", 4)
    monkeypatch.setattr(merging, "_SMALL", 8)
    monkeypatch.setattr(merging, "_TERMS", 4)
    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(18, 1))
        rows = Counter((gallery._store.numbers() >> 32).tolist())
        assert sorted(rows.values()) == [1, 1, 4, 4] + [10] * 9  # nine in three statements, and the new one
        assert len(gallery) == 100 and gallery.verify().sound


def test_a_deletion_is_unswept_until_compaction_came_to_its_end(folder, monkeypatch):
    with Gallery.open(str(folder)) as gallery:
        gallery.add([Entry(torch.ones(DIM), id="secret", picture=b"secret words"), *batch(0, 3)])
        assert not gallery.unswept()
        assert gallery.delete(ids=["nobody"]) == 0 and not gallery.unswept()
        assert gallery.delete(ids=["secret"]) == 1 and gallery.unswept()
    with Gallery.open(str(folder)) as gallery:  # as another process would
        with monkeypatch.context() as patch:
            patch.setattr(gallery._store, "_table", _Full(gallery._store._table))
            with pytest.raises(UserError, match="No space left"):
                gallery.compact()
        assert gallery.unswept() and gallery.delete(ids=["secret"]) == 0
        gallery.compact()
        assert not gallery.unswept() and not holds(folder, b"secret words")


class _Full:
    """A table on a disk that is full when old files are to go."""

    def __init__(self, table):
        self.table = table

    def __getattr__(self, name):
        return getattr(self.table, name)

    def optimize(self, **options):
        raise OSError(28, "No space left on device")


def test_verify_finds_bytes_that_changed(folder):
    with Gallery.open(str(folder)) as gallery:
        gallery.add([Entry(e.features, id=e.id, picture=f"picture {e.id}".encode()) for e in batch(0, 3)])
        (data,) = (folder / "people.lance" / "data").glob("*.lance")
        content = data.read_bytes()
        assert content.count(b"picture 0-0") == 1
        data.write_bytes(content.replace(b"picture 0-0", b"pictuRe 0-0"))
    with Gallery.open(str(folder)) as gallery:
        report = gallery.verify()
    assert report.problems == ("the descriptor or picture of 0-0 is not what was added",)


def _add_forever(folder, pipe):
    with Gallery.open(str(folder)) as gallery:
        number = 1
        while True:
            gallery.add(batch(number))
            pipe.send(number)
            number += 1


def _compete(folder, pipe):
    """Add the same entries as the parent, delete some and compact, while the parent searches."""
    with Gallery.open(str(folder)) as gallery:
        for number in range(1, 9):
            gallery.add(batch(number))
            if number % 4 == 0:
                gallery.delete(ids=[f"{number}-0"])
                gallery.compact()
        pipe.send("done")


def _fill_the_disk(folder, pipe):
    """Add until files may not grow beyond 64 KiB, which is to a program what a full disk is."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
    with Gallery.open(str(folder)) as gallery:
        gallery.add(batch(1))
        try:
            gallery.add(batch(2, picture=os.urandom(2**18)))
        except UserError as error:
            pipe.send(str(error))
        gallery.add(batch(3))
        pipe.send(len(gallery))


@pytest.fixture
def another(folder):
    """Run a function of (folder, pipe) in another process; killed in the end."""
    started = []

    def start(run):
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=run, args=(folder, theirs), daemon=True)
        process.start()
        started.append(process)
        return process, ours

    yield start
    for process in started:
        process.kill()
        process.join()


def test_kill_loses_nothing_acknowledged_and_leaves_no_half_batch(folder, another):
    process, pipe = another(_add_forever)
    acknowledged = pipe.recv()
    while acknowledged < 12:
        acknowledged = pipe.recv()
    time.sleep(0.003)  # somewhere within the next batch
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    while pipe.poll():
        try:
            acknowledged = pipe.recv()
        except EOFError:
            break
    with Gallery.open(str(folder)) as gallery:
        batches, rest = divmod(len(gallery), BATCH)
        assert rest == 0 and acknowledged <= batches <= acknowledged + 1
        assert len(gallery.known([f"{acknowledged}-{i}" for i in range(BATCH)])) == BATCH
        assert gallery.verify().sound
        assert gallery.add(batch(batches + 1)).added == BATCH  # the lock went with the process
        gallery.compact()
        assert len(gallery) == (batches + 1) * BATCH and gallery.verify().sound


def test_two_processes_share_a_gallery(folder, another):
    process, pipe = another(_compete)
    with Gallery.open(str(folder)) as gallery:
        added, query = 0, Descriptors(batch(0)[0].features)
        gallery.add(batch(0))
        for number in range(1, 9):
            added += gallery.add(batch(number)).added
            assert gallery.search(query, 1)[0][0].id == "0-0"
        while not pipe.poll(0.05):
            assert gallery.search(query, 1, Filter(camids=(0,)))[0][0].id == "0-0"
        assert pipe.recv() == "done"
        process.join()
        assert gallery.verify().sound
        # whoever came second found the batch known; an entry deleted in between may have been added again
        assert 9 * BATCH - 2 <= len(gallery) <= 9 * BATCH


def test_a_full_disk_is_an_error_and_costs_nothing_that_was_there(folder, another):
    process, pipe = another(_fill_the_disk)
    assert "cannot write the gallery" in pipe.recv()
    assert pipe.recv() == 2 * BATCH
    process.join()
    with Gallery.open(str(folder)) as gallery:
        assert len(gallery) == 2 * BATCH and gallery.verify().sound
        assert gallery.add(batch(2)).added == BATCH
        gallery.compact()
        assert gallery.verify().sound and len(gallery) == 3 * BATCH


def test_writers_take_turns(folder, monkeypatch):
    monkeypatch.setattr("occreid.gallery.lance._WAIT", 0.1)
    with Gallery.open(str(folder)) as one, Gallery.open(str(folder)) as other:
        held, release = threading.Event(), threading.Event()

        def hold():
            with one._store._writing():
                held.set()
                release.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        with pytest.raises(UserError, match="another process writes"):
            other.add(batch(1))
        release.set()
        thread.join()
        assert other.add(batch(1)).added == BATCH == len(one)


def test_a_gallery_larger_than_the_memory_it_may_take_is_read_from_disk(folder):
    with Gallery.open(str(folder)) as gallery, Gallery.open(str(folder), memory=0) as small:
        for number in range(3):
            gallery.add(batch(number))
        query = Descriptors(torch.stack([e.features for e in batch(1)[:3]]), camids=torch.tensor([0, 1, 2]))
        for filter in (None, Filter(camids=(1,)), Filter(exclude_own=True)):
            assert gallery.search(query, 4, filter) == small.search(query, 4, filter)
        assert not small._store._resident._held.blocks


def test_places_that_are_no_gallery_are_named(folder, tmp_path):
    with pytest.raises(UserError, match="is not empty"):
        Gallery.create(str(folder), dim=DIM, metric="cosine", weights_hash="w")
    with pytest.raises(UserError, match="nowhere is not a gallery"):
        Gallery.open(str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        Gallery.create(str(tmp_path / "file" / "g"), dim=DIM, metric="cosine", weights_hash="w")
    (folder / "gallery.json").write_text("{}")
    with pytest.raises(UserError, match=r"gallery\.json is not a gallery's"):
        Gallery.open(str(folder))


def test_what_lance_remembers_of_old_versions_is_bounded(tmp_path, monkeypatch):
    sessions, honest = [], lancedb.Session

    def watched(**bounds):
        assert bounds["metadata_cache_size_bytes"] <= 64 * 2**20 and bounds["index_cache_size_bytes"] <= 2**30
        sessions.append(honest(index_cache_size_bytes=2**20, metadata_cache_size_bytes=2**16))
        return sessions[-1]

    monkeypatch.setattr(lancedb, "Session", watched)
    gallery = Gallery.create(str(tmp_path / "g"), dim=4, metric="cosine", weights_hash="w")
    for number in range(12):
        gallery.add([Entry(torch.ones(4), id=f"e{number}")])
        assert len(gallery.search(Descriptors(torch.ones(1, 4)), 50)[0]) == number + 1
    assert 0 < sessions[-1].size_bytes < 2 * 2**16


def test_a_name_with_a_colon_is_a_folder_and_nobody_else_may_look(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Gallery.create("gallery-08:15", dim=DIM, metric="cosine", weights_hash="w"):
        assert (tmp_path / "gallery-08:15").stat().st_mode & 0o777 == 0o700
    assert len(Gallery.open("gallery-08:15")) == 0


def test_an_interrupted_creation_is_no_gallery_and_no_obstacle(tmp_path, monkeypatch):
    from occreid.gallery import lance

    monkeypatch.setattr(lance, "write_file", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w")
    monkeypatch.undo()
    assert not (tmp_path / "g").exists()
    Gallery.create(str(tmp_path / "g"), dim=DIM, metric="cosine", weights_hash="w").close()
