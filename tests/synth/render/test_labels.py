import numpy as np
import pytest

from occreid.synth.render.labels import keypoint_rows, visible_fractions


def test_fractions_are_seen_over_all():
    whole = np.array([[1, 1, 1, 1], [2, 2, 0, 0], [3, 3, 3, 3]], np.uint8)
    seen = np.array([[1, 0, 0, 0], [2, 2, 0, 0], [0, 0, 0, 0]], np.uint8)
    assert visible_fractions(whole, seen) == [0.25, 1.0, 0.0, 0.0]


def test_what_the_frame_cuts_off_is_not_seen():
    whole = np.full((4, 10), 4, np.uint8)
    assert visible_fractions(whole, whole[:, :5])[3] == 0.5


def _rows(xy, depth, surface, seen) -> np.ndarray:
    points = np.tile(np.array([[-5.0, -5.0]]), (17, 1))
    depths = np.full(17, 5.0)
    points[0], depths[0] = xy, depth
    return np.array(keypoint_rows(points, depths, surface, seen, (128, 256))).reshape(17, 3)


@pytest.mark.parametrize(
    "depth, in_front, expected",
    [(5.08, True, 2), (5.08, False, 1), (5.4, True, 1), (4.99, True, 2)],
    ids=["seen", "occluded", "behind the body", "on the skin"],
)
def test_visibility_of_a_keypoint(depth: float, in_front: bool, expected: int):
    surface = np.full((384, 192), 5.0, np.float32)
    rows = _rows((96.0, 192.0), depth, surface, np.full((384, 192), in_front))
    assert rows[0].tolist() == [64.0, 128.0, expected]


def test_outside_is_zero():
    surface, seen = np.full((384, 192), 5.0, np.float32), np.ones((384, 192), bool)
    assert (_rows((-1.0, 10.0), 5.0, surface, seen) == 0).all()
    assert (_rows((10.0, 384.0), 5.0, surface, seen) == 0).all()


def test_beside_the_person_a_keypoint_is_not_seen():
    surface = np.full((384, 192), np.inf, np.float32)
    assert _rows((96.0, 192.0), 5.0, surface, np.zeros((384, 192), bool))[0, 2] == 1
