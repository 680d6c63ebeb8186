import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.synth.render.raster import rasterize

ONE = np.array([[0, 1, 2, 3]])
BOTH = np.ones(1, bool)


def _quad(points: list[list[float]], depth: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    return np.array(points, np.float32), np.full(4, depth, np.float32)


def _flat(hits, height: int, width: int) -> np.ndarray:
    mask = np.zeros(height * width, bool)
    mask[hits.pixel] = True
    return mask.reshape(height, width)


def test_a_square_covers_its_pixels_and_no_other():
    xy, depth = _quad([[2, 3], [2, 9], [8, 9], [8, 3]])
    mask = _flat(rasterize(xy, depth, ONE, BOTH, np.ones(4), 12, 10), 12, 10)
    expected = np.zeros((12, 10), bool)
    expected[3:9, 2:8] = True
    np.testing.assert_array_equal(mask, expected)


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(0, 90), size=st.floats(3, 28))
def test_a_turned_square_has_no_holes(angle: float, size: float):
    turn = np.array(
        [
            [np.cos(np.radians(angle)), -np.sin(np.radians(angle))],
            [np.sin(np.radians(angle)), np.cos(np.radians(angle))],
        ]
    )
    points = (np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * size / 2 @ turn.T + 24).astype(np.float32)
    mask = _flat(rasterize(points, np.ones(4, np.float32), ONE, BOTH, np.ones(4), 48, 48), 48, 48)
    rows, columns = np.mgrid[:48, :48] + 0.5 - 24  # pixel centres, seen from the square's
    from_centre = np.abs(np.stack([columns, rows], -1) @ turn).max(-1)
    assert mask[from_centre < size / 2 - 0.5].all()
    assert not mask[from_centre > size / 2 + 1].any()


def test_the_nearer_face_wins_whatever_the_order():
    near, far = _quad([[0, 0], [0, 8], [8, 8], [8, 0]], 1.0), _quad([[0, 0], [0, 8], [8, 8], [8, 0]], 2.0)
    for first, second, winner in ((near, far, 0), (far, near, 1)):
        xy, depth = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
        hits = rasterize(xy, depth, np.array([[0, 1, 2, 3], [4, 5, 6, 7]]), np.ones(2, bool), np.ones(8), 8, 8)
        assert set(hits.face) == {winner}
        np.testing.assert_allclose(hits.depth, 1.0, atol=1e-6)


def test_faces_turned_away_are_seen_only_when_two_sided():
    xy, depth = _quad([[2, 3], [8, 3], [8, 9], [2, 9]])
    away = rasterize(xy, depth, ONE, ~BOTH, np.ones(4), 12, 12)
    turned = rasterize(xy[::-1].copy(), depth, ONE, ~BOTH, np.ones(4), 12, 12)
    assert len(away.pixel) == 0
    assert len(turned.pixel) == 36


def test_shares_interpolate_the_corners():
    xy, depth = _quad([[0, 0], [0, 20], [20, 20], [20, 0]])
    hits = rasterize(xy, depth, ONE, BOTH, np.ones(4), 20, 20)
    np.testing.assert_allclose(hits.shares.sum(1), 1, atol=1e-6)
    column, row = hits.pixel % 20, hits.pixel // 20
    np.testing.assert_allclose(hits.shares @ xy, np.stack([column, row], 1) + 0.5, atol=0.75)


def test_a_cut_ends_the_surface_between_its_corners():
    xy, depth = _quad([[0, 0], [0, 20], [20, 20], [20, 0]])
    hits = rasterize(xy, depth, ONE, BOTH, np.array([-1.0, 1.0, 1.0, -1.0]), 20, 20)
    rows = hits.pixel // 20
    assert rows.min() in (9, 10)
    assert rows.max() == 19


def test_nothing_to_see():
    xy, depth = _quad([[50, 50], [50, 60], [60, 60], [60, 50]])
    hits = rasterize(xy, depth, ONE, BOTH, np.ones(4), 20, 20)
    assert len(hits.pixel) == len(hits.face) == len(hits.depth) == 0
    assert hits.shares.shape == (0, 4)
