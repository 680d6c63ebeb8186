from dataclasses import replace

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.gallery import AddReport, Gallery, picture_id
from occreid.models import create_model
from occreid.scenes import enrolling, write_crops
from occreid.scenes.boxes import Box
from occreid.scenes.crops import Crop
from occreid.scenes.enrolling import enrol_crops, sighting
from occreid.scenes.frames import Frame, frames_of

BLUE = (30, 30, 220)  # the person who stands in the video of conftest.py


@pytest.fixture
def crops():
    """Three persons of two seconds of a video."""
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    frames = [Frame("in/north gate.mp4", 25 * s, pixels, float(s), 1_700_000_000.0 + s) for s in range(2)]
    return [
        Crop(frame, Box(10 * place, 5, 20, 40, 0.9))
        for frame, place in ((frames[0], 1), (frames[0], 4), (frames[1], 6))
    ]


@pytest.fixture
def gallery(tmp_path):
    pytest.importorskip("lancedb")
    return Gallery.create(str(tmp_path / "g"), dim=512, metric="cosine", weights_hash="w")


def test_persons_of_scenes_are_entries_with_camera_time_and_place(crops, gallery, tmp_path):
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none").eval()
    seen = []
    report = enrol_crops(gallery, crops, model, tags=["gate"], keep_pictures=True, batch=2, on_batch=seen.append)
    assert report == AddReport(3, 0) == seen[-1] and len(seen) == 2
    write_crops(crops, tmp_path / "files")
    ids = [picture_id(file.read_bytes()) for file in sorted((tmp_path / "files").glob("*.jpg"))]
    third = gallery.get(ids)[2]
    assert (third.camid, third.timestamp, third.tags) == ("north gate", 1_700_000_001.0, ("gate",))
    assert third.path == "in/north gate.mp4#t=1.000&xywh=60,5,20,40" and third.picture[:2] == b"\xff\xd8"
    assert enrol_crops(gallery, crops, model, camera="door") == AddReport(0, 3)
    (hits,) = gallery.search(crops[1].pixels, 1, model=model)
    assert hits[0].id == ids[1] and hits[0].distance == pytest.approx(0, abs=1e-4)


def test_a_picture_has_no_second(crops):
    still = Crop(Frame("a.png", 0, crops[0].frame.pixels), crops[0].box)
    assert str(sighting(still)) == "a.png#xywh=10,5,20,40"


def test_a_path_stays_with_its_entry_and_is_shown(crops, gallery, tmp_path):
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none").eval()
    followed = [replace(crop, box=replace(crop.box, track="7")) for crop in (crops[0], crops[2])]
    other = replace(
        followed[0], frame=replace(followed[0].frame, source="hall.mp4"), box=replace(followed[0].box, x=90)
    )
    enrol_crops(gallery, [*followed, other], model, keep_pictures=True)
    (hits,) = gallery.search(followed[0].pixels, 3, model=model)
    assert sorted(hit.path for hit in hits) == [
        "hall.mp4#t=0.000&xywh=90,5,20,40&track=7",
        "in/north gate.mp4#t=0.000&xywh=10,5,20,40&track=7",
        "in/north gate.mp4#t=1.000&xywh=60,5,20,40&track=7",
    ]
    assert {hit.pid for hit in hits} == {None} and len({hit.id for hit in hits}) == 3
    assert "&track=7" in repr(hits)


def test_a_gallery_filled_with_other_masks_is_left_alone(crops, gallery, monkeypatch):
    monkeypatch.setattr(enrolling, "masks_key", lambda model: "parser of another kind")
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none").eval()
    with pytest.raises(UserError, match="filled with masks of no parser"):
        enrol_crops(gallery, crops, model)
    assert len(gallery) == 0


def test_answers_are_shown_in_their_scenes(crops, gallery, tmp_path, video):
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none").eval()
    frames = frames_of([video], every=1.0, start=1_700_000_000.0)
    seen = [Crop(frame, Box(150 - wider, 40, 20 + wider, 60, 0.9)) for wider, frame in enumerate(frames)]
    enrol_crops(gallery, seen, model)
    (hits,) = gallery.search(seen[1].pixels, 2, model=model)
    shown = np.asarray(hits.show())
    assert shown.shape[0] > 2 * 240 and shown.shape[1] > 2 * 320  # a row each, and two pictures wide
    person, scene = shown[5:240, 5:320], shown[5:240, 330:640]
    blue = lambda part: (np.abs(part.astype(int) - BLUE).max(2) < 40).mean()  # noqa: E731
    box = lambda part: (np.abs(part.astype(int) - (200, 40, 40)).max(2) < 12).sum()  # noqa: E731
    assert blue(person) > 0.15 and 0 < blue(scene) < blue(person)
    assert box(scene) > 50 and box(person) == 0
    video.unlink()
    with pytest.raises(UserError, match=r"has no picture: .*door\.avi#t=.* is not there") as error:
        hits.show()
    assert "--keep-pictures" in str(error.value.hint)


def test_what_a_camera_sent_is_shown_as_it_was_kept(crops, gallery):
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none").eval()
    frame = Frame("rtsp://10.0.0.5/door", 3, crops[0].frame.pixels, 3.0, 1_700_000_003.0)
    enrol_crops(gallery, [Crop(frame, Box(10, 5, 20, 40, 0.9))], model, keep_pictures=True)
    (hits,) = gallery.search(frame.pixels, 1, model=model)
    assert np.asarray(hits.show())[5:240, 5:320].std() > 20
