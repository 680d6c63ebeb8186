import cv2
import numpy as np
import pytest

from occreid.data.video import frame_at, is_stream, opened
from occreid.errors import UserError


@pytest.fixture(params=["MJPG avi", "mp4v mp4"])
def film(request, tmp_path):
    """Twenty frames at 5 a second, each 10 brighter than the one before."""
    codec, ending = request.param.split()
    file = tmp_path / f"film.{ending}"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*codec), 5, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()
    return str(file)


def test_the_frame_of_a_second_is_the_one_that_was_taken(film):
    for number in (0, 1, 7, 13, 19):
        assert abs(float(frame_at(film, number / 5).mean()) - 10 * number) < 4


def test_a_second_beyond_the_end_and_what_is_no_video_are_named(film, tmp_path):
    with pytest.raises(UserError, match=r"film\.... has no frame at 9\.000 s"):
        frame_at(film, 9.0)
    (tmp_path / "x.mp4").write_bytes(b"nothing")
    with pytest.raises(UserError, match="no video that OpenCV can read"), opened(str(tmp_path / "x.mp4")):
        pass


def test_a_file_that_cannot_be_wound_is_read_from_its_beginning(film, monkeypatch):
    capture = cv2.VideoCapture

    class Stiff:
        """Never where it was asked to be."""

        def __init__(self, source):
            self._inner, self._asked = capture(source), False

        def get(self, what):
            return -1.0 if what == cv2.CAP_PROP_POS_FRAMES else self._inner.get(what)

        def set(self, what, value):
            return value == 0 and self._inner.set(what, value)

        def __getattr__(self, name):
            return getattr(self._inner, name)

    monkeypatch.setattr(cv2, "VideoCapture", Stiff)
    assert abs(float(frame_at(film, 2.0).mean()) - 100) < 4


def test_addresses_are_known():
    assert is_stream("rtsp://10.0.0.5/door") and not is_stream("door.mp4")
