"""A gallery in a folder does what a dictionary does, whatever happens to it in whatever order."""

import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.gallery import Entry, Filter, Gallery
from occreid.gallery.lance_sql import _AHEAD

pytest.importorskip("lancedb")
DAY, NOW = 86400.0, 1.7e9
VECTORS = torch.nn.functional.normalize(torch.randn(12, 4, generator=torch.Generator().manual_seed(0)), dim=1)
NUMBERS = st.integers(0, len(VECTORS) - 1)


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A Lance table whose process is killed before or after a certain change."""

    def __init__(self, table, left, after):
        self.table, self.left, self.after = table, left, after

    def __getattr__(self, name):
        there = getattr(self.table, name)
        if name not in ("add", "delete", "update", "optimize", "create_index"):
            return there

        def change(*args, **more):
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Killed
            done = there(*args, **more)
            if self.left == 0:
                raise Killed
            return done

        return change


class Machine(RuleBasedStateMachine):
    """`there` is what must be in the gallery: of each id its entry and when it was added."""

    @initialize()
    def create(self):
        self.now, self.there, self.gone = NOW, {}, set()
        self.folder = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("occreid.gallery.gallery.time.time", lambda: self.now)
        self.gallery = Gallery.create(str(self.folder / "g"), dim=4, metric="cosine", weights_hash="w" * 64)

    def teardown(self):
        if not hasattr(self, "gallery"):
            return
        self.gallery.compact()
        assert self.gallery.verify().sound
        held = b"".join(file.read_bytes() for file in self.folder.rglob("*") if file.is_file())
        assert not [name for name in self.gone - self.there.keys() if name.encode() in held]
        self.patch.undo()
        shutil.rmtree(self.folder)

    def entry(self, number):
        taken = None if number % 3 == 0 else NOW + DAY * (number - 6)
        facts = {"camid": str(number % 2), "pid": f"p{number // 3}", "tags": ("odd",) if number % 2 else ()}
        return Entry(VECTORS[number], id=f"entry-{number:03d}", timestamp=taken, **facts)

    def chosen(self, condition):
        return {name for name, (entry, added) in self.there.items() if condition(entry, added)}

    def forget(self, names):
        self.gone |= names
        self.there = {name: held for name, held in self.there.items() if name not in names}

    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=4))
    def add(self, numbers):
        entries = [self.entry(number) for number in numbers]
        new = {entry.id: (entry, self.now) for entry in entries if entry.id not in self.there}
        assert self.gallery.add(entries).added == len(new)
        self.there.update(new)

    @rule(number=NUMBERS)
    def delete_one(self, number):
        name = f"entry-{number:03d}"
        assert self.gallery.delete(ids=[name]) == (name in self.there)
        self.forget({name} & self.there.keys())

    @rule(kind=st.sampled_from(["camera", "person", "tag"]), number=st.integers(0, 3))
    def delete_some(self, kind, number):
        filter, condition = {
            "camera": (Filter(camids=(number % 2,)), lambda e, _: e.camid == str(number % 2)),
            "person": (Filter(pids=(f"p{number}",)), lambda e, _: e.pid == f"p{number}"),
            "tag": (Filter(tags=("odd",)), lambda e, _: "odd" in e.tags),
        }[kind]
        names = self.chosen(condition)
        assert self.gallery.delete(filter=filter) == len(names)
        self.forget(names)

    @rule(days=st.integers(-8, 8))
    def delete_before(self, days):
        before = NOW + DAY * days

        def old(entry, added):
            trusted = entry.timestamp is not None and entry.timestamp <= added + _AHEAD
            return (entry.timestamp if trusted else added) < before or (
                entry.timestamp is not None and entry.timestamp < before
            )

        names = self.chosen(old)
        assert self.gallery.delete(before=before) == len(names)
        self.forget(names)

    @rule()
    def compact(self):
        self.gallery.compact()
        assert not self.gallery.unswept()

    @rule()
    def reopen(self):
        self.gallery = Gallery.open(str(self.folder / "g"), weights_hash="w" * 64)

    @rule(days=st.sampled_from([-400, -1, 1, 400]))
    def clock(self, days):
        self.now += DAY * days

    @rule(
        what=st.sampled_from(["add", "delete", "compact"]),
        left=st.integers(1, 4),
        after=st.booleans(),
        number=NUMBERS,
    )
    def crash(self, what, left, after, number):
        new = {f"entry-{n:03d}": (self.entry(n), self.now) for n in (number, (number + 1) % 12)}
        new = {name: held for name, held in new.items() if name not in self.there}
        names = self.chosen(lambda e, _: "odd" in e.tags)
        self.gallery._store._table = Dying(self.gallery._store._table, left, after)
        try:
            if what == "add":
                self.gallery.add([entry for entry, _ in new.values()])
            elif what == "delete":
                self.gallery.delete(filter=Filter(tags=("odd",)))
                self.gallery.compact()
            else:
                self.gallery.compact()
        except Killed:
            pass
        self.reopen()
        held = {entry.id for entry in self.gallery.page().entries}
        if what == "add" and new:
            assert new.keys() <= held or not new.keys() & held  # all or none
            self.there.update(new if new.keys() <= held else {})
        elif what == "delete" and names:
            assert names <= held or not names & held
            self.forget(names - held)
            assert names <= held or self.gallery.unswept() or not self.gallery.delete(ids=sorted(names))

    @rule(number=NUMBERS, odd=st.booleans(), exact=st.booleans())
    def search(self, number, odd, exact):
        filter = Filter(tags=("odd",)) if odd else None
        held = [entry for entry, _ in self.there.values() if not odd or "odd" in entry.tags]
        query = Descriptors(VECTORS[number][None, None], torch.ones(1, 1, dtype=torch.bool))
        (hits,) = self.gallery.search(query, 3, filter, exact)
        rows = torch.stack([entry.features for entry in held]) if held else torch.empty(0, 1, 4)
        wanted = distances(query, Descriptors(rows, torch.ones(len(rows), 1, dtype=torch.bool)), "cosine")[0]
        assert [hit.distance for hit in hits] == pytest.approx(sorted(wanted.tolist())[:3], abs=1e-5)
        assert {hit.id for hit in hits} <= {entry.id for entry in held}

    @invariant()
    def holds_what_the_dictionary_holds(self):
        if hasattr(self, "gallery"):
            assert [e.id for e in self.gallery.page().entries] == sorted(self.there)
            assert len(self.gallery) == len(self.there)


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=8,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
