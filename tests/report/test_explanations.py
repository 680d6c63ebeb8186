import base64

import cv2
import numpy as np
import pytest
from small_methods import Explaining, Masked, small

from occreid.errors import UserError
from occreid.report.explanations import drawn_explanations


def test_maps_lie_over_the_pictures(split):
    rows = drawn_explanations(small(Explaining), split.query, height=100)
    assert len(rows) == len(split.query)
    look = rows[0][0]
    assert (look.name, look.width, look.height) == ("left half", 50, 100)
    data = np.frombuffer(base64.b64decode(look.source.split(",")[1]), np.uint8)
    shown = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)
    assert shown.shape == (100, 50, 3)
    assert shown[:, :10, 0].mean() > shown[:, -10:, 0].mean() + 40  # yellow on the left, blue on the right


def test_masks_reach_the_method_where_every_picture_has_one(split, tmp_path):
    from dataclasses import replace

    mask = np.zeros((64, 32), np.uint8)
    mask[:32] = 2
    assert cv2.imwrite(str(tmp_path / "mask.png"), mask)
    records = [replace(record, mask=tmp_path / "mask.png") for record in split.query[:2]]
    assert [look.name for look in drawn_explanations(small(Masked), records)[0]] == ["mask"]


def test_a_vanished_picture_is_named(split):
    from dataclasses import replace

    gone = replace(split.query[0], path=split.query[0].path.with_name("gone.png"))
    with pytest.raises(UserError, match=r"gone\.png"):
        drawn_explanations(small(), [gone])
