"""Other people: bystanders of a scene, companions behind the person, and people who hide others.

They come from populations of their own: nobody here is ever an identity of the benchmark, and those who hide
people in training never do so in the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from occreid.synth.people.appearance import Appearance, draw_appearance
from occreid.synth.people.figure import Figure, build_figure
from occreid.synth.people.outfits import draw_person
from occreid.synth.render.person import paste, stand
from occreid.synth.scene.cameras import Camera
from occreid.synth.scene.scenes import WHOLE, background
from occreid.synth.scene.sites import CACHED, empty_view
from occreid.synth.streams import Stream

BYSTANDERS = 10
DISTANT = 24
"""People who are seen far away in the second edition."""
FAR = (0.6, 5.0)
"""Metres beyond where people are photographed that distant people of the first edition stand."""
_SIDES = {"train": 0, "test": 1, "scene": 2}


@lru_cache(maxsize=96)
def passer_by(
    number: int, side: str, seed: int, draw: Callable[[np.random.Generator], Appearance] = draw_appearance
) -> Figure:
    """A person of the side's own population (``"train"``, ``"test"`` or ``"scene"``)."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, Stream.PASSERS_BY, _SIDES[side], number]))
    look = draw(rng)
    return build_figure(replace(look, body=replace(look.body, age=0.0, muscle=0.5)))  # fewer shapes to read


@lru_cache(maxsize=16)
def busy_background(camera: Camera, seed: int) -> np.ndarray:
    """The scene with a few people farther away than those who are photographed: uint8 RGB (720, 1280, 3)."""
    picture = background(camera).copy()
    rng = np.random.default_rng(np.random.SeedSequence([camera.seed, Stream.DISTANT_PEOPLE]))
    spots = sorted(
        (
            (float(rng.uniform(-5, 5)), float(rng.uniform(camera.far + FAR[0], camera.far + FAR[1])))
            for _ in range(int(rng.integers(2, 6)))
        ),
        key=lambda p: -p[1],
    )
    for x, y in spots:
        figure = passer_by(int(rng.integers(BYSTANDERS)), "scene", seed)
        paste(picture, stand(figure, camera, np.array([x, y]), rng), camera, WHOLE)
    return picture


@lru_cache(maxsize=CACHED)
def busy_view(camera: Camera, view: int, seed: int) -> np.ndarray:
    """A view of the second edition with people in the distance, some in groups: uint8 RGB (720, 1280, 3)."""
    picture = empty_view(camera, view).copy()
    rng = np.random.default_rng(np.random.SeedSequence([camera.seed, Stream.DISTANT_GROUPS, view]))
    spots: list[tuple[float, float]] = []
    for _ in range(int(rng.integers(1, 6))):
        x, y = float(rng.uniform(-5, 5)), float(rng.uniform(camera.far + 0.3, camera.far + 6))
        for _ in range(int(rng.choice([1, 2, 4], p=[0.55, 0.3, 0.15]))):
            spots.append((x + float(rng.normal(0, 0.5)), y + float(rng.normal(0, 0.3))))
    for x, y in sorted(spots, key=lambda p: -p[1]):
        figure = passer_by(int(rng.integers(DISTANT)), "scene", seed, draw_person)
        paste(picture, stand(figure, camera, np.array([x, y]), rng), camera, WHOLE)
    return picture
