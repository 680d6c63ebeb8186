from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.people.figure import Figure
from occreid.synth.render.person import Standing, cast_shadow, paint, paste, stand, trace
from occreid.synth.scene.cameras import PICTURE, draw_camera
from occreid.synth.scene.solids import Window

CAMERA = draw_camera(0, 0)
SPOT = np.array([0.2, CAMERA.near + 1.0])
HALF = Window(0, 0, 0.5, 0.5)
SHAPE = (PICTURE[1] // 2, PICTURE[0] // 2)


@pytest.fixture(scope="module")
def person(figure: Figure) -> Standing:
    return stand(figure, CAMERA, SPOT, np.random.default_rng(0))


def test_the_person_stands_on_the_spot(person: Standing):
    np.testing.assert_allclose(person.world[:, :2].mean(0), SPOT, atol=0.25)
    assert person.world[:, 2].min() == pytest.approx(0, abs=1e-5)
    uv, depth = CAMERA.project(person.world)
    np.testing.assert_allclose(person.uv, uv, atol=1e-3)
    np.testing.assert_allclose(person.depth, depth, rtol=1e-5)


def test_headings_differ_and_are_reproducible(figure: Figure, person: Standing):
    again = stand(figure, CAMERA, SPOT, np.random.default_rng(0))
    other = stand(figure, CAMERA, SPOT, np.random.default_rng(1))
    np.testing.assert_array_equal(person.world, again.world)
    assert np.abs(person.world - other.world).max() > 0.05


def test_the_traced_pixels_are_one_body_without_holes(person: Standing):
    import cv2

    hits = trace(person, HALF, *SHAPE)
    mask = np.zeros(SHAPE, np.uint8)
    mask.flat[hits.pixel] = 1
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    assert count >= 2
    largest = stats[1:, cv2.CC_STAT_AREA].max()
    assert largest > 0.97 * mask.sum()
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    assert (closed > mask).sum() < 0.02 * mask.sum()


def test_an_offset_moves_the_trace(person: Standing):
    a, b = trace(person, HALF, *SHAPE), trace(person, HALF, SHAPE[0] + 30, SHAPE[1] + 10, offset=(10, 30))
    assert len(a.pixel) == pytest.approx(len(b.pixel), rel=0.01)
    rows = a.pixel // SHAPE[1], b.pixel // (SHAPE[1] + 10)
    assert rows[1].min() - rows[0].min() == 30


def test_paint_shows_skin_and_shirt(person: Standing):
    hits = trace(person, HALF, *SHAPE)
    colours = paint(person, hits, replace(CAMERA, sun=0.0, sky=0.9))
    assert colours.shape == (len(hits.pixel), 3)
    assert colours.dtype == np.uint8
    assert colours.std(0).min() > 3


def test_the_shadow_darkens_and_only_near_the_person(person: Standing):
    canvas = np.full((*SHAPE, 3), 200, np.uint8)
    cast_shadow(canvas, person, CAMERA, HALF)
    dark = (canvas < 190).any(2)
    assert dark.any()
    assert dark.mean() < 0.2
    assert canvas.max() == 200
    feet = HALF.place(person.uv[person.world[:, 2] < 0.02]).mean(0).astype(int)
    assert canvas[feet[1] - 8 : feet[1] + 8, feet[0] - 8 : feet[0] + 8].min() < 170


def test_paste_draws_where_it_says(person: Standing):
    canvas = np.full((*SHAPE, 3), 255, np.uint8)
    cover = paste(canvas, person, CAMERA, HALF)
    hits = trace(person, HALF, *SHAPE)
    assert cover.sum() == len(hits.pixel)
    np.testing.assert_array_equal(canvas[cover], paint(person, hits, CAMERA))
