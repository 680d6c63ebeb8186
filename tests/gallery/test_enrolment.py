"""Enrolling pictures through a small model that counts what it describes."""

import cv2
import numpy as np
import pytest
import torch

from occreid.data.images import read_image
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery import AddReport, Gallery, picture_id
from occreid.gallery.enrolment import add_unknown
from occreid.gallery.kept import kept_picture
from occreid.models import Method
from occreid.records import Record

pytest.importorskip("lancedb")


class Mean(Method):
    """The mean colour of a picture."""

    metric = "cosine"
    input_size = (8, 4)

    def __init__(self, fails_at=None):
        super().__init__()
        self.described, self.fails_at = 0, fails_at

    def describe(self, images, masks=None):
        self.described += len(images)
        if self.fails_at is not None and self.described > self.fails_at:
            raise RuntimeError("killed")
        return Descriptors(images.float().flatten(2).mean(2) + 1)


@pytest.fixture
def gallery(tmp_path):
    return Gallery.create(str(tmp_path / "g"), dim=3, metric="cosine", weights_hash="w")


@pytest.fixture
def records(tmp_path):
    generator = np.random.default_rng(0)
    found = []
    for number in range(7):
        file = tmp_path / f"{number}.png"
        cv2.imwrite(str(file), generator.integers(0, 255, (16, 8, 3)).astype(np.uint8))
        found.append(Record(file, pid=number - 1, camid=number % 2, time=10.0 * number))
    return found


def test_known_pictures_are_neither_described_nor_added(gallery, records):
    model, seen = Mean(), []
    report = gallery.enrol(
        records[:4], model, batch=3, progress=False, on_batch=lambda report, total: seen.append((report.done, total))
    )
    assert report == AddReport(4, 0) and seen == [(3, 4), (4, 4)] and model.described == 4
    assert gallery.enrol(records, model, batch=3, progress=False) == AddReport(3, 4) and model.described == 7
    entry = gallery.get([picture_id(records[0].path.read_bytes())])[0]
    assert (entry.pid, entry.camid, entry.timestamp, entry.picture) == (None, "0", None, None)


def test_interrupted_it_goes_on_where_it_stopped(gallery, records):
    with pytest.raises(RuntimeError, match="killed"):
        gallery.enrol(records, Mean(fails_at=5), batch=2, progress=False)
    assert len(gallery) == 4  # two whole batches
    model = Mean()
    assert gallery.enrol(records, model, batch=2, progress=False) == AddReport(3, 4) and model.described == 3


def test_a_benchmarks_seconds_are_no_timestamps_unless_their_start_is_given(gallery, records):
    gallery.enrol(records[:1], Mean(), progress=False)
    gallery.enrol(records[1:], Mean(), progress=False, start=1_700_000_000)
    times = sorted(entry.timestamp or 0 for entry in gallery.get([picture_id(r.path.read_bytes()) for r in records]))
    assert times == [0, *(1_700_000_000.0 + 10 * number for number in range(1, 7))]
    with pytest.raises(UserError, match="milliseconds"):
        gallery.enrol(records, Mean(), start=1_700_000_000_000)


def test_kept_pictures_are_jpegs_of_our_own(gallery, records):
    gallery.enrol(records[:2], Mean(), keep_pictures=True, tags=["hall"], progress=False)
    entry = gallery.get([picture_id(records[1].path.read_bytes())])[0]
    assert entry.picture == kept_picture(read_image(records[1].path)) and entry.tags == ("hall",)


def test_descriptors_at_hand_are_the_same_entries(gallery, records):
    gallery.enrol(records[:3], Mean(), progress=False)
    described = Descriptors(torch.ones(7, 3), paths=[str(record.path) for record in records])
    assert gallery.enrol_descriptors(described, batch=4, keep_pictures=True) == AddReport(4, 3)
    assert gallery.get([picture_id(records[6].path.read_bytes())])[0].picture
    nameless = Descriptors(torch.ones(1, 3), paths=["nowhere.jpg"])
    assert gallery.enrol_descriptors(nameless) == AddReport(1, 0)


def test_what_is_unknown_is_described_once(gallery, records):
    from occreid.gallery import Entry

    gallery.add([Entry(torch.ones(3), id="a")])
    asked = []

    def describe(rows):
        asked.append(rows)
        return [Entry(torch.ones(3), id="abcb"[row]) for row in rows]

    assert add_unknown(gallery, ["a", "b", "c", "b"], describe) == (False, True, True, False)
    assert asked == [[1, 2]] and add_unknown(gallery, ["c"], describe) == (False,) and len(asked) == 1


def test_an_unreadable_picture_is_named(gallery, records):
    records[2].path.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"2\.png"):
        gallery.enrol(records, Mean(), progress=False)


def test_the_gallery_decides_whether_pictures_are_mirrored(tmp_path, records):
    from occreid.gallery import create_gallery
    from occreid.gallery.manifest import Manifest

    with create_gallery(str(tmp_path / "mirrored"), Manifest(3, 1, "cosine", "w", flip_test=True)) as gallery:
        model = Mean()
        gallery.enrol(records, model, batch=7, progress=False)
    assert model.described == 2 * len(records) and not model.flip_test
