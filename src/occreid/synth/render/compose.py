"""One picture: stand a figure before a camera, hide a part of it, and write down exactly what is seen.

The canvas has 1.5 times the rows and columns of the image; for the labels it is extended beyond the image
where the image cuts the person, so that what is cut counts as not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from occreid.synth.people.figure import Figure
from occreid.synth.render.crowd import BYSTANDERS, passer_by
from occreid.synth.render.labels import keypoint_rows, visible_fractions
from occreid.synth.render.person import Standing, cast_shadow, paint, paste, stand, trace
from occreid.synth.render.style import FIRST, Style
from occreid.synth.scene.cameras import Camera, ambient
from occreid.synth.scene.occluders import PERSON, Occluder
from occreid.synth.scene.solids import Facet, Window, draw, moved, silhouette

IMAGE = (128, 256)
"""Width and height of an image."""
CANVAS = (192, 384)
"""Width and height of the canvas it is drawn on."""
HIDDEN = (0.15, 0.70)
"""An occluder hides at least and at most this share of the person's pixels."""
TRIES, PERSON_TRIES = 14, 4
"""How often a place is tried for a thing, and for a person, that hides somebody."""
OFF_AXIS = 0.3
"""How far to the side people walk, over their distance from the camera."""
BESIDE, BEHIND = (0.35, 0.9), (0.5, 2.5)
"""Metres between a person and a companion."""
BEFORE, ASIDE = (0.5, 1.5), 0.42
"""Metres from a thing to the person whom it hides, and the standard deviation of its place across."""
LIFTED = (0.9, 1.9)
"""Height of what hangs or is held up, metres."""
STEP_BEFORE, STEP_ASIDE = (0.5, 1.2), (0.2, 0.55)
"""Metres between a person and another one who hides the first."""
SUPERSAMPLED = 1.5
"""Canvas pixels to an image pixel."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture and its labels.

    Attributes:
        image: (256, 128, 3) uint8 RGB.
        mask: (256, 128) uint8 of 0…4.
        visible: fraction of each part.
        keypoints: 51 values, see `labels.keypoint_rows`.
        occluder: what hides the person, or None.
    """

    image: np.ndarray
    mask: np.ndarray
    visible: list[float]
    keypoints: list[float]
    occluder: Occluder | None


@dataclass(frozen=True, slots=True)
class _Setting:
    """What all figures of one picture share; see `take`."""

    camera: Camera
    window: Window
    side: str
    seed: int
    rng: np.random.Generator
    style: Style


def _margin(person: Standing, window: Window) -> tuple[int, int, int, int]:
    """Canvas pixels (left, top, right, bottom) by which the person leaves the canvas; multiples of three."""
    xy = window.place(person.uv)
    low, high = -xy.min(0), xy.max(0) - np.array(CANVAS)
    left, top, right, bottom = (int(np.clip(-(-x // 3) * 3, 0, 600)) for x in (low[0], low[1], high[0], high[1]))
    return left, top, right, bottom


def _to_image(grid: np.ndarray) -> np.ndarray:
    """Labels of the canvas (or of its extension) at the image's pixels."""
    rows = ((np.arange(grid.shape[0] * 2 // 3) + 0.5) * SUPERSAMPLED).astype(int)
    columns = ((np.arange(grid.shape[1] * 2 // 3) + 0.5) * SUPERSAMPLED).astype(int)
    return np.ascontiguousarray(grid[np.ix_(rows, columns)])


def _scene(whole: np.ndarray, window: Window) -> np.ndarray:
    x, y = window.scale_x, window.scale_y
    matrix = np.array([[x, 0, -window.left * x], [0, y, -window.top * y]])
    return cv2.warpAffine(whole, matrix, CANVAS, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _companion(canvas: np.ndarray, person: Standing, at: _Setting) -> None:
    """Now and then somebody walks beside and behind."""
    rng, style = at.rng, at.style
    across = float(rng.choice([-1, 1]) * rng.uniform(*BESIDE))
    spot = person.spot + np.array([across, float(rng.uniform(*BEHIND))])
    figure = passer_by(int(rng.integers(BYSTANDERS)), at.side, at.seed, style.draw_appearance)
    paste(canvas, stand(figure, at.camera, spot, rng, style.draw_pose), at.camera, at.window)


def _place(thing: Occluder, person: Standing, rng: np.random.Generator) -> list[Facet]:
    near = float(person.spot[1] - rng.uniform(*BEFORE))
    across = float(person.spot[0]) * near / float(person.spot[1]) + float(rng.normal(0, ASIDE))
    lift = float(rng.uniform(*LIFTED)) if thing.overhead else 0.0
    return moved(thing.facets, across, near, lift)


def _hide(thing: Occluder, person: Standing, body: np.ndarray, at: _Setting) -> list[Facet]:
    """Put a thing before a person such that it hides neither too little nor too much of the person."""
    best: tuple[float, list[Facet]] = (np.inf, [])
    total = max(int(body.sum()), 1)
    for _ in range(TRIES):
        facets = _place(thing, person, at.rng)
        share = int((silhouette(facets, at.camera, at.window, *body.shape) * body).sum()) / total
        miss = max(HIDDEN[0] - share, share - HIDDEN[1], 0.0)
        if miss < best[0]:
            best = (miss, facets)
        if miss == 0.0:
            break
    return best[1]


def _hide_by_person(canvas: np.ndarray, figure: Figure, person: Standing, body: np.ndarray, at: _Setting) -> np.ndarray:
    """Stand somebody before the person; returns where that one is drawn."""
    rng = at.rng
    best, cover = np.inf, np.zeros(body.shape, bool)
    drawn = canvas
    for _ in range(PERSON_TRIES):
        spot = person.spot + np.array(
            [float(rng.choice([-1, 1]) * rng.uniform(*STEP_ASIDE)), -float(rng.uniform(*STEP_BEFORE))]
        )
        spot[0] -= person.spot[0] * (person.spot[1] - spot[1]) / person.spot[1]
        attempt = canvas.copy()
        mask = paste(attempt, stand(figure, at.camera, spot, rng), at.camera, at.window)
        share = float((mask & body).sum() / max(body.sum(), 1))
        miss = max(HIDDEN[0] - share, share - HIDDEN[1], 0.0)
        if miss < best:
            best, cover, drawn = miss, mask, attempt
        if miss == 0.0:
            break
    canvas[:] = drawn
    return cover


def _occlude(canvas: np.ndarray, thing: Occluder, person: Standing, body: np.ndarray, at: _Setting) -> np.ndarray:
    """Hide a part of the person; returns where (H, W) bool."""
    if thing.kind == PERSON:
        figure = passer_by(BYSTANDERS + thing.number, at.side, at.seed, at.style.draw_appearance)
        return _hide_by_person(canvas, figure, person, body, at)
    facets = _hide(thing, person, body, at)
    cover = np.zeros(body.shape, np.uint8)
    draw(canvas, facets, at.camera, at.window, ambient(at.camera), cover)
    return cover > 0


def take(
    figure: Figure,
    camera: Camera,
    thing: Occluder | None,
    side: str,
    seed: int,
    rng: np.random.Generator,
    style: Style = FIRST,
) -> Picture:
    """Take one picture of a figure.

    Args:
        figure: who.
        camera: where.
        thing: hides a part of the person; None for a holistic picture.
        side: ``"train"`` or ``"test"``: whose bystanders may appear.
        seed: of the benchmark.
        rng: decides pose, heading, place, box and noise.
        style: of the benchmark's edition.
    """
    usual, camera = camera, style.light(camera, rng)
    depth = float(rng.uniform(camera.near, camera.far))
    person = stand(
        figure, camera, np.array([float(rng.uniform(-OFF_AXIS, OFF_AXIS)) * depth, depth]), rng, style.draw_pose
    )
    window = style.box(person.uv, CANVAS, rng)
    canvas = _scene(style.view(usual, seed, rng), window)
    canvas = style.relight(canvas, usual, camera)
    at = _Setting(camera, window, side, seed, rng, style)
    for _ in range(style.company(rng)):
        _companion(canvas, person, at)
    cast_shadow(canvas, person, camera, window)
    left, top, right, bottom = _margin(person, window)
    shape = (CANVAS[1] + top + bottom, CANVAS[0] + left + right)
    inside = (slice(top, top + CANVAS[1]), slice(left, left + CANVAS[0]))
    hits = trace(person, window, *shape, offset=(left, top))
    whole, surface, drawn = (
        np.zeros(shape, np.uint8),
        np.full(shape, np.inf, np.float32),
        np.zeros((*shape, 3), np.uint8),
    )
    whole.flat[hits.pixel] = figure.part[hits.face]
    surface.flat[hits.pixel] = hits.depth
    drawn.reshape(-1, 3)[hits.pixel] = paint(person, hits, camera)
    seen = whole[inside].copy()
    canvas[seen > 0] = drawn[inside][seen > 0]
    if thing is not None:
        seen[_occlude(canvas, thing, person, seen > 0, at)] = 0
    mask = _to_image(seen)
    xy = window.place(person.keypoint_uv)
    keypoints = keypoint_rows(xy, person.keypoint_depth, surface[inside], seen > 0, IMAGE)
    return Picture(
        style.expose(style.shade(canvas, rng), camera, rng),
        mask,
        visible_fractions(_to_image(whole), mask),
        keypoints,
        thing,
    )
