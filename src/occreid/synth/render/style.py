"""How the pictures of an edition are taken: a table of the steps in which editions differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from occreid.synth.people.appearance import Appearance, draw_appearance
from occreid.synth.people.bodies import FloatArray
from occreid.synth.people.outfits import draw_person
from occreid.synth.people.poses import Pose, draw_livelier_pose, draw_pose
from occreid.synth.render.boxes import detected_box, usual_box
from occreid.synth.render.crowd import busy_background, busy_view
from occreid.synth.render.light import patchy, relight
from occreid.synth.render.recording import record
from occreid.synth.render.sensor import expose
from occreid.synth.scene.cameras import Camera
from occreid.synth.scene.sites import at_this_hour
from occreid.synth.scene.solids import Window

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Style:
    """Steps of taking a picture.

    Attributes:
        draw_appearance: who bystanders are.
        draw_pose: of everybody.
        light: the camera as the light of this picture makes it.
        box: a detector's box around a person's points (N, 2), for a canvas of a width and height.
        view: the camera's whole picture without the person: uint8 (720, 1280, 3).
        relight: a canvas seen under usual light → under this picture's.
        shade: what falls over the finished canvas, such as the shade of a tree.
        expose: canvas → image (256, 128, 3).
        company: how many more people walk beside and behind.
    """

    draw_appearance: Callable[[Rng], Appearance]
    draw_pose: Callable[[Rng], Pose]
    light: Callable[[Camera, Rng], Camera]
    box: Callable[[FloatArray, tuple[int, int], Rng], Window]
    view: Callable[[Camera, int, Rng], np.ndarray]
    relight: Callable[[np.ndarray, Camera, Camera], np.ndarray]
    shade: Callable[[np.ndarray, Rng], np.ndarray]
    expose: Callable[[np.ndarray, Camera, Rng], np.ndarray]
    company: Callable[[Rng], int]


FIRST = Style(
    draw_appearance=draw_appearance,
    draw_pose=draw_pose,
    light=lambda camera, rng: camera,
    box=usual_box,
    view=lambda camera, seed, rng: busy_background(camera, seed),
    relight=lambda canvas, usual, now: canvas,
    shade=lambda canvas, rng: canvas,
    expose=expose,
    company=lambda rng: int(rng.random() < 0.15),
)
SECOND = Style(
    draw_appearance=draw_person,
    draw_pose=draw_livelier_pose,
    light=at_this_hour,
    box=detected_box,
    view=lambda camera, seed, rng: busy_view(camera, int(rng.integers(camera.views)), seed),
    relight=relight,
    shade=patchy,
    expose=record,
    company=lambda rng: int(rng.choice(3, p=(0.76, 0.18, 0.06))),
)
