import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.scenes.boxes import Box
from occreid.serve.limits import Busy
from occreid.serve.proposing import Proposer

PIXELS = np.zeros((240, 400, 3), np.uint8)


def propose(detector, decoded=lambda: PIXELS):
    proposer = Proposer(detector)
    try:
        return proposer("anna", decoded)
    finally:
        proposer.close()


class Slow:
    """A detector that ends when it is let go."""

    def __init__(self):
        self.begun, self.go, self.seen = threading.Event(), threading.Event(), 0

    def __call__(self, frame):
        self.seen += 1
        self.begun.set()
        assert self.go.wait(10)
        return []


def test_persons_come_surest_first_without_the_unsure_and_the_tiny():
    def detector(frame):
        assert frame.pixels is PIXELS
        return [Box(1, 2, 30, 60, 0.6), Box(9, 9, 30, 60, 0.99), Box(5, 5, 30, 60, 0.4), Box(5, 5, 8, 12, 0.9)]

    found = propose(detector).boxes
    assert [(box.x, box.score) for box in found] == [(9, 0.99), (1, 0.6)]
    assert (found[0].y, found[0].width, found[0].height) == (9, 30, 60)
    assert len(propose(lambda frame: [Box(0, 0, 20, 40, 0.9)] * 300).boxes) == 100


def test_what_the_picture_and_the_detector_refuse_is_told():
    def refuse():
        raise UserError("no picture.", "")

    with pytest.raises(UserError, match="no picture"):
        propose(lambda frame: [], refuse)


def test_few_pictures_wait_for_a_slow_detector_and_no_key_takes_every_place():
    detector = Slow()
    proposer = Proposer(detector, waiting=4)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(proposer, "anna", lambda: PIXELS)]
        assert detector.begun.wait(10)
        asked.append(pool.submit(proposer, "anna", lambda: PIXELS))
        while len(proposer) < 1:
            time.sleep(0.001)
        with pytest.raises(Busy, match="detector"):
            proposer("anna", lambda: PIXELS)
        for number in range(3):
            asked.append(pool.submit(proposer, f"key {number}", lambda: PIXELS))
        while len(proposer) < 4:
            time.sleep(0.001)
        with pytest.raises(Busy, match="detector"):
            proposer("bert", lambda: PIXELS)
        detector.go.set()
        assert all(one.result(10).boxes == [] for one in asked)
    assert proposer("anna", lambda: PIXELS).boxes == [] and detector.seen == 6
    proposer.close()


def test_what_the_detector_does_not_come_to_in_time_is_given_up_and_never_done():
    detector = Slow()
    proposer = Proposer(detector, seconds=0.1)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            proposer("anna", lambda: PIXELS)
    detector.go.set()
    proposer.close()  # finishes what is queued
    assert detector.seen == 1
