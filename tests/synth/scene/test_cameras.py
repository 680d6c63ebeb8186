from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.scene.cameras import PICTURE, SCENES, ambient, draw_camera

CAMERA = draw_camera(0, 0)


def test_the_point_looked_at_is_the_middle_of_the_picture():
    camera = replace(CAMERA, pitch=45.0, height=3.0)
    uv, depth = camera.project(np.array([[0.0, 3.0, 0.0]]))
    np.testing.assert_allclose(uv[0], (PICTURE[0] / 2, PICTURE[1] / 2), atol=1e-3)
    assert depth[0] == pytest.approx(3.0 * np.sqrt(2), rel=1e-5)


def test_projection_equals_the_matrix_form():
    points = np.random.default_rng(0).uniform([-3, 4, 0], [3, 15, 2], (50, 3))
    angle = np.radians(CAMERA.pitch)
    axes = np.array([[1, 0, 0], [0, -np.sin(angle), -np.cos(angle)], [0, np.cos(angle), -np.sin(angle)]])
    seen = (points - (0, 0, CAMERA.height)) @ axes.T
    expected = CAMERA.focal * seen[:, :2] / seen[:, 2:] + np.array(PICTURE) / 2
    uv, depth = CAMERA.project(points)
    np.testing.assert_allclose(uv, expected, rtol=1e-4)
    np.testing.assert_allclose(depth, seen[:, 2], rtol=1e-5)


def test_farther_people_are_smaller_and_higher_up():
    feet_head = np.array([[0, 6, 0], [0, 6, 1.7], [0, 12, 0], [0, 12, 1.7]], float)
    uv, _ = CAMERA.project(feet_head)
    assert uv[0, 1] - uv[1, 1] > uv[2, 1] - uv[3, 1] > 0
    assert uv[2, 1] < uv[0, 1]


def test_cameras_differ_and_are_reproducible():
    cameras = [draw_camera(k, 7) for k in range(len(SCENES))]
    assert cameras == [draw_camera(k, 7) for k in range(len(SCENES))]
    assert {c.scene for c in cameras} == set(SCENES)
    assert len({(c.height, c.focal, c.tint, c.seed) for c in cameras}) == len(cameras)
    assert draw_camera(0, 8) != cameras[0]


@pytest.mark.parametrize("index", range(8))
def test_every_camera_can_see_people(index: int):
    camera = draw_camera(index, 1)
    for distance in (camera.near, camera.far):
        uv, _ = camera.project(np.array([[0, distance, 0], [0, distance, 1.75]]))
        assert 0 < uv[1, 1] < uv[0, 1] < PICTURE[1] * 1.15
        assert uv[0, 1] - uv[1, 1] > 100, "too small to be cropped"
    assert np.linalg.norm(camera.light) == pytest.approx(1)
    assert camera.light[2] > 0.4
    assert 0.4 < ambient(camera) <= 1.15
