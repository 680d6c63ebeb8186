import numpy as np
import pytest

from occreid.errors import UserError
from occreid.scenes.boxes import Box
from occreid.serve.proposing import Proposer

PIXELS = np.zeros((240, 400, 3), np.uint8)


def test_persons_come_surest_first_without_the_unsure_and_the_tiny():
    def detector(frame):
        assert frame.pixels is PIXELS
        return [Box(1, 2, 30, 60, 0.6), Box(9, 9, 30, 60, 0.99), Box(5, 5, 30, 60, 0.4), Box(5, 5, 8, 12, 0.9)]

    found = Proposer(detector)(lambda: PIXELS).boxes
    assert [(box.x, box.score) for box in found] == [(9, 0.99), (1, 0.6)]
    assert (found[0].y, found[0].width, found[0].height) == (9, 30, 60)
    assert len(Proposer(lambda frame: [Box(0, 0, 20, 40, 0.9)] * 300)(lambda: PIXELS).boxes) == 100


def test_what_the_picture_and_the_detector_refuse_is_told():
    def refuse():
        raise UserError("no picture.", "")

    with pytest.raises(UserError, match="no picture"):
        Proposer(lambda frame: [])(refuse)
