import math

import cv2
import numpy as np
import pytest
from torch import nn

from occreid.data.masks.files import read_mask, write_mask
from occreid.errors import UserError
from occreid.evaluation.parts import PartScores, part_iou
from occreid.models import PartParser
from occreid.records import Record


class ByGrey(PartParser):
    """A pixel's part is its grey value by 50."""

    input_size = (16, 8)

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def parse(self, images):
        assert not self.training
        return nn.functional.one_hot(images[:, 0].long() // 50, 5).permute(0, 3, 1, 2).float()


@pytest.fixture
def records(tmp_path):
    """Four 16×8 pictures whose grey says the parts; their masks agree but for the last row, which says head."""
    made = []
    for i in range(4):
        mask = np.zeros((16, 8), np.uint8)
        mask[2:8], mask[8:12], mask[12:] = i % 4 + 1, 2, 4
        cv2.imwrite(str(tmp_path / f"{i}.png"), mask * 50)
        mask[15] = 1
        write_mask(tmp_path / f"m{i}.png", mask)
        made.append(Record(tmp_path / f"{i}.png", i, 0, mask=tmp_path / f"m{i}.png"))
    return made


def loop(records):
    both, either = [0] * 5, [0] * 5
    for record in records:
        truth = read_mask(record.mask)
        predicted = truth.copy()
        predicted[15] = 4
        for part in range(5):
            both[part] += int(((truth == part) & (predicted == part)).sum())
            either[part] += int(((truth == part) | (predicted == part)).sum())
    return both, either


def test_iou_equals_the_count_pixel_by_pixel(records):
    model = ByGrey().train()
    found = part_iou(model, records, batch_size=3, progress=False)
    both, either = loop(records)
    assert (list(found.intersection), list(found.union), found.images) == (both, either, 4)
    assert list(found.iou().values()) == [b / e for b, e in zip(both, either, strict=True)]
    assert found.scores()["mIoU"] == pytest.approx(sum(b / e for b, e in zip(both[1:], either[1:], strict=True)) / 4)
    assert model.training  # given back as it came


def test_parts_that_are_nowhere_do_not_count():
    scores = PartScores((8, 4, 0, 0, 0), (10, 8, 0, 4, 0), 1)
    assert math.isnan(scores.iou()["torso_arms"])
    assert scores.scores() == {"mIoU": 0.25, "IoU background": 0.8, "IoU head": 0.5, "IoU upper_legs": 0.0}
    assert PartScores((8, 0, 0, 0, 0), (8, 0, 0, 0, 0), 1).scores()["mIoU"] == 0


def test_images_without_masks_are_refused(records):
    with pytest.raises(UserError, match="no part masks to compare"):
        part_iou(ByGrey(), [Record(records[0].path, 0, 0)], progress=False)


def test_a_hidden_part_that_is_shown_all_the_same_is_counted(records):
    """The truth hides the legs of all pictures, and the head of all but the first."""
    for i, record in enumerate(records):
        mask = read_mask(record.mask).copy()
        mask[mask >= 3] = 0
        mask[15] = 1 if i == 0 else 0
        mask[mask == 1] = 0 if i else 1
        write_mask(record.mask, mask)
    scores = part_iou(ByGrey(), records, batch_size=3, progress=False)
    truth, shown = [read_mask(r.mask) for r in records], [cv2.imread(str(r.path))[..., 0] // 50 for r in records]
    hidden = [sum((t != part).all() for t in truth) for part in range(1, 5)]
    called = [
        sum((t != part).all() and (s == part).any() for t, s in zip(truth, shown, strict=True)) for part in range(1, 5)
    ]
    assert list(scores.hidden) == hidden and list(scores.called_visible) == called
    assert hidden[3] == called[3] == 4 and called[2] == 1
    found = scores.scores()
    assert found["false visible"] == sum(called) / sum(hidden) and found["false visible lower_legs_feet"] == 1
    assert "false visible torso_arms" not in found and found["false visible upper_legs"] == 1 / 4
