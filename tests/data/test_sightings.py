import numpy as np
import pytest
from PIL import Image

from occreid.data.sightings import Sighting, in_words, on_paper, sighting_in, with_box
from occreid.errors import UserError


@pytest.mark.parametrize(
    "sighting",
    [
        Sighting("door.mp4", 12.0, (40, 60, 50, 120)),
        Sighting("in/north gate #2.png", None, (0, 0, 1, 1)),
        Sighting("door.mp4", 12.0, (40, 60, 50, 120), "7"),
        Sighting("door.mp4", None, (40, 60, 50, 120), "ann & #1, ü"),
        Sighting("rtsp://10.0.0.5:554/door", 0.04, (-2, 3, 4, 5)),
    ],
)
def test_what_was_written_is_read_again(sighting):
    assert sighting_in(str(sighting)) == sighting


@pytest.mark.parametrize("text", ["", "a.jpg", "a#1.jpg", "a.mp4#t=1.0", "a.png#xywh=1,2,3", "#xywh=1,2,3,4"])
def test_a_plain_path_is_no_sighting(text):
    assert sighting_in(text) is None


def test_the_scene_of_a_picture_and_one_that_is_another_by_now(tmp_path):
    file = tmp_path / "hall.png"
    Image.new("RGB", (60, 40), (9, 99, 199)).save(file)
    sighting = Sighting(str(file), None, (10, 5, 20, 30))
    assert sighting.can_be_seen_again and sighting.scene().shape == (40, 60, 3)
    with pytest.raises(UserError, match=r"hall\.png is 60 × 40 pixels and does not hold the box"):
        Sighting(str(file), None, (50, 5, 20, 30)).scene()
    for box in ((-5, 0, 10, 10), (0, -1, 10, 10), (3, 3, 0, 10), (3, 3, 10, 0)):
        with pytest.raises(UserError, match="does not hold the box"):
            Sighting(str(file), None, box).scene()
    assert not Sighting("rtsp://door", 1.0, (0, 0, 1, 1)).can_be_seen_again
    assert not Sighting(str(tmp_path / "gone.png"), None, (0, 0, 1, 1)).can_be_seen_again


def test_the_box_is_drawn_on_a_smaller_copy():
    scene = np.zeros((600, 1200, 3), np.uint8)
    whole = with_box(scene, (300, 150, 100, 300), (255, 0, 0))
    assert whole.shape == (240, 480, 3) and scene.max() == 0
    assert whole[60:180, 120, 0].min() > 100 and whole[120, 140].max() == 0


def test_nobody_is_stretched():
    paper = on_paper(np.zeros((100, 50, 3), np.uint8), 240, 320)
    assert paper.shape == (240, 320, 3) and (paper == 0).all(2).sum() == 240 * 120


def test_moments_in_words():
    assert in_words("a/door.mp4", 1.25, None) == "1.2 s door.mp4"
    assert in_words("hall.png", None, 0.0) == "1970-01-01 00:00:00 hall.png"
    assert in_words("hall.png", None, None, "ann") == "hall.png track ann"
