import numpy as np
import pytest

from occreid.errors import UserError
from occreid.gallery import AddReport, Gallery, picture_id
from occreid.models import create_model
from occreid.scenes import enrolling, write_crops
from occreid.scenes.boxes import Box
from occreid.scenes.crops import Crop
from occreid.scenes.enrolling import enrol_crops, fragment
from occreid.scenes.frames import Frame


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
    assert fragment(still) == "a.png#xywh=10,5,20,40"


def test_a_gallery_filled_with_other_masks_is_left_alone(crops, gallery, monkeypatch):
    monkeypatch.setattr(enrolling, "masks_key", lambda model: "parser of another kind")
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none").eval()
    with pytest.raises(UserError, match="filled with masks of no parser"):
        enrol_crops(gallery, crops, model)
    assert len(gallery) == 0
