from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.scene.cameras import PICTURE, draw_camera
from occreid.synth.scene.solids import Facet, Window, board, box, draw, moved, round_solid, silhouette

CAMERA = replace(draw_camera(0, 0), height=2.5, pitch=10.0, focal=1000.0)
WHOLE = Window(0, 0, 0.25, 0.25)
SHAPE = (PICTURE[1] // 4, PICTURE[0] // 4)
RED = np.full((16, 16, 3), (200, 20, 20), np.uint8)


def _drawn(facets: list[Facet]) -> tuple[np.ndarray, np.ndarray]:
    canvas, cover = np.zeros((*SHAPE, 3), np.uint8), np.zeros(SHAPE, np.uint8)
    draw(canvas, facets, CAMERA, WHOLE, 1.0, cover)
    return canvas, cover


@pytest.mark.parametrize(
    "facets",
    [
        box((0, 7), (1, 0.5, 1.2), 0, RED, turn=25),
        round_solid((0.4, 7), (0.3, 0.35, 0.2), (0, 0.8, 1.0), RED),
        [board(0, 7, 0, 1, 2, RED), Facet(np.array([[0, 6, 0], [0.5, 6, 1], [1, 6, 0]]), (0.2, 0.9, 0.2))],
    ],
    ids=["box", "round", "board"],
)
def test_the_silhouette_is_exactly_what_is_drawn(facets: list[Facet]):
    canvas, cover = _drawn(facets)
    assert cover.any()
    np.testing.assert_array_equal(cover, silhouette(facets, CAMERA, WHOLE, *SHAPE))
    np.testing.assert_array_equal(cover > 0, canvas.any(2))


def test_a_board_is_where_the_camera_projects_it():
    _, cover = _drawn([board(0, 7, 0, 1.0, 2.0, RED)])
    uv, _ = CAMERA.project(np.array([[-0.5, 7, 2], [0.5, 7, 2], [0.5, 7, 0], [-0.5, 7, 0]]))
    rows, columns = np.nonzero(cover)
    assert columns.min() == pytest.approx(uv[:, 0].min() / 4, abs=1.5)
    assert columns.max() == pytest.approx(uv[:, 0].max() / 4, abs=1.5)
    assert rows.min() == pytest.approx(uv[:, 1].min() / 4, abs=1.5)
    assert rows.max() == pytest.approx(uv[:, 1].max() / 4, abs=1.5)


def test_nearer_facets_hide_farther_ones():
    near, far = Facet(board(0, 6, 0, 1, 2, RED).points, (0, 1, 0)), Facet(board(0, 9, 0, 1, 2, RED).points, (1, 0, 0))
    for order in ([near, far], [far, near]):
        canvas, _ = _drawn(order)
        middle = canvas[silhouette([near], CAMERA, WHOLE, *SHAPE) > 0]
        assert (middle == (0, 255, 0)).all()


def test_alpha_cuts_a_shape_out():
    sprite = np.dstack([RED, np.zeros((16, 16), np.uint8)])
    sprite[:, :8, 3] = 255
    _, half = _drawn([board(0, 7, 0, 1, 2, sprite)])
    _, full = _drawn([board(0, 7, 0, 1, 2, RED)])
    assert half.sum() == pytest.approx(full.sum() / 2, rel=0.1)
    assert np.nonzero(half)[1].max() < np.nonzero(full)[1].max()


def test_light_and_shade_scale_the_texture():
    canvas = np.zeros((*SHAPE, 3), np.uint8)
    draw(canvas, [replace(board(0, 7, 0, 1, 2, RED), shade=0.5)], CAMERA, WHOLE, 0.5)
    assert canvas[..., 0].max() == 50


def test_moved_moves():
    there = moved(box((0, 0), (1, 1, 1), 0, RED), 2.0, 3.0, 4.0)
    points = np.concatenate([f.points for f in there])
    np.testing.assert_allclose(points.min(0), [1.5, 2.5, 4.0])
    np.testing.assert_allclose(points.max(0), [2.5, 3.5, 5.0])


def test_a_window_places_its_corner_at_the_origin():
    window = Window(100, 50, 2.0, 4.0)
    np.testing.assert_allclose(window.place(np.array([[100, 50], [101, 51]], np.float32)), [[0, 0], [2, 4]])


def test_what_is_outside_is_not_drawn():
    canvas, cover = _drawn(box((500, 7), (1, 1, 1), 0, RED))
    assert not cover.any()
    assert not canvas.any()
