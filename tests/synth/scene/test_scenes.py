import numpy as np

from occreid.synth.scene.cameras import SCENES, draw_camera
from occreid.synth.scene.scenes import background


def test_backgrounds_are_pictures_that_differ_and_repeat():
    cameras = [draw_camera(k, 0) for k in range(3)]
    pictures = [background(c) for c in cameras]
    for picture in pictures:
        assert picture.shape == (720, 1280, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 12, "a scene is not one colour"
        assert 25 < picture.mean() < 235
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 10
    background.cache_clear()
    np.testing.assert_array_equal(background(cameras[0]), pictures[0])


def test_the_ground_has_perspective():
    """Detail shrinks with distance: neighbouring rows differ more far away than nearby."""
    camera = draw_camera(SCENES.index("plaza"), 0)
    row = int(camera.project(np.array([[0.0, camera.near - 0.5, 0.0]]))[0][0, 1])
    assert row > 0
    assert background(camera)[min(row, 719)].std() > 2
