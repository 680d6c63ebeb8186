import numpy as np
import pytest

from occreid.data.images import read_image
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.models import Method
from occreid.scenes import crop_persons, frames_of, open_boxes
from occreid.scenes.finding import find_person, sheet_of


class Colours(Method):
    metric = "euclidean"
    input_size = (16, 8)

    def describe(self, images, masks=None):
        return Descriptors(images.float().mean((2, 3)) / 255)


@pytest.fixture
def crops(video, colours):
    return lambda: crop_persons(frames_of([video], every=0, start=1_700_000_000.0), open_boxes(colours))


def test_the_person_is_found_with_moment_and_frame(crops, tmp_path):
    query = np.full((60, 20, 3), (220, 30, 30), np.uint8)
    found = find_person(Colours(), query, crops(), top=12, batch=3)
    assert len(found) == 12 and sorted(one.distance for one in found) == [one.distance for one in found]
    assert sorted(one.facts["frame"] for one in found[:10]) == list(range(10))
    assert all(one.facts["x"] < 100 for one in found[:10]) and found[-1].facts["x"] > 100
    first = min(found[:10], key=lambda one: one.facts["frame"])
    assert first.about == "2023-11-14 22:13:20 0.0 s door.avi" and first.whole.shape == (120, 200, 3)
    assert [one.facts for one in find_person(Colours(), query, crops(), top=2)] == [one.facts for one in found[:2]]
    drawn = read_image(sheet_of(found[:2], query, tmp_path / "found.png"))
    assert drawn.shape[0] > 3 * 240


def test_nothing_to_find(crops):
    query = np.zeros((20, 10, 3), np.uint8)
    with pytest.raises(UserError, match="no person was found"):
        find_person(Colours(), query, iter(()))
    with pytest.raises(UserError, match="0 answers"):
        find_person(Colours(), query, crops(), top=0)


def test_the_path_of_a_file_is_said(video, tmp_path):
    (tmp_path / "b.txt").write_text("1,41,10,40,20,60,1\n1,7,150,40,20,60,1\n")
    crops = crop_persons(frames_of([video], every=0), open_boxes(str(tmp_path / "b.txt")))
    found = find_person(Colours(), np.full((60, 20, 3), (220, 30, 30), np.uint8), crops)
    assert [one.facts["track"] for one in found] == ["41", "7"]
    assert found[0].about == "0.0 s door.avi track 41"
