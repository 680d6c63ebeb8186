import base64
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from occreid.errors import UserError
from occreid.records import Record
from occreid.report.pictures import picture, state_of, thumbnail


def decoded(source):
    head, data = source.split(",", 1)
    assert head == "data:image/jpeg;base64"
    return cv2.cvtColor(
        cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB
    )


def test_thumbnail_keeps_shape_and_colours(tmp_path):
    image = np.zeros((100, 50, 3), np.uint8)
    image[:50, :, 2] = 255  # BGR: red above
    image[50:, :, 0] = 255  # blue below
    cv2.imwrite(str(tmp_path / "a.png"), image)
    source, width, height = thumbnail(tmp_path / "a.png", height=40)
    small = decoded(source)
    assert small.shape == (40, 20, 3) == (height, width, 3)
    assert small[5, 10, 0] > 240 > small[5, 10, 2] + 200
    assert small[35, 10, 2] > 240 > small[35, 10, 0] + 200


@pytest.mark.parametrize(("shape", "expected"), [((10, 400), (80, 40)), ((400, 1), (1, 40))])
def test_thumbnail_of_odd_shapes_stays_in_bounds(shape, expected, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((*shape, 3), np.uint8))
    assert thumbnail(tmp_path / "a.png", height=40)[1:] == expected


def test_missing_image_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.jpg"):
        picture(Record(tmp_path / "gone.jpg", 1, 0))


def test_picture_says_what_the_record_knows(split):
    shown = picture(split.query[1], role="query")
    assert shown.alt == "query: person 1, camera 1, 62\u202f% visible, behind a car"
    assert shown.occluded
    assert shown.parts == (("head", 1.0), ("torso arms", 1.0), ("upper legs", 0.5), ("lower legs feet", 0.0))
    assert shown.file == "0001_c1s1_000001_00.png", "never the folder"


def test_picture_claims_nothing_the_record_does_not_know(split):
    bare = replace(split.query[1], occluded=None, visibility=None, occluder_kind=None)
    shown = picture(bare)
    assert (shown.alt, shown.state, shown.parts, shown.occluded) == ("image: person 1, camera 1", "", (), False)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, ""),
        ({"occluded": False}, ""),
        ({"occluded": False, "visibility": (1.0, 1.0, 1.0, 1.0)}, ""),
        ({"occluded": True}, "occluded"),
        ({"occluded": True, "occluder_kind": "umbrella"}, "behind an umbrella"),
        ({"occluded": True, "occluder_kind": "cartons"}, "behind cartons"),
        ({"occluded": True, "occluder_kind": "bus"}, "behind a bus"),
        ({"occluded": True, "occluder_kind": "street_sign"}, "behind a street sign"),
        ({"visibility": (0.0, 0.0, 0.0, 1.0)}, "25\u202f% visible"),
    ],
)
def test_state_in_words(known, said):
    assert state_of(Record(Path("a.jpg"), 1, 0, **known)) == said
