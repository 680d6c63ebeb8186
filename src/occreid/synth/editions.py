"""Editions of the generated benchmark: what was published under a name stays what it was.

Results on different editions are never compared: the name of the benchmark carries the edition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from occreid.errors import UserError, did_you_mean
from occreid.synth.people.appearance import Appearance
from occreid.synth.population import appearance_of, appearance_of_second, draw_occluder, draw_occluder_second
from occreid.synth.protocol import SECOND_SIZES, SIZES, Size
from occreid.synth.render.style import FIRST, SECOND, Style
from occreid.synth.scene.cameras import Camera, draw_camera
from occreid.synth.scene.occluders import Occluder
from occreid.synth.scene.sites import draw_site

FIRST_NAME, SECOND_NAME = "occsynth-1", "occsynth-2"


@dataclass(frozen=True, slots=True)
class Edition:
    """How one edition is made.

    Attributes:
        name: of the benchmark.
        sizes: by name.
        look: of a person id, for a seed.
        camera: of a camera id, for a seed.
        occluder: of a split, for a seed.
        style: how pictures are taken.
    """

    name: str
    sizes: Mapping[str, Size]
    look: Callable[[int, int], Appearance]
    camera: Callable[[int, int], Camera]
    occluder: Callable[[str, int, np.random.Generator], Occluder]
    style: Style


EDITIONS = {
    FIRST_NAME: Edition(FIRST_NAME, SIZES, appearance_of, draw_camera, draw_occluder, FIRST),
    SECOND_NAME: Edition(SECOND_NAME, SECOND_SIZES, appearance_of_second, draw_site, draw_occluder_second, SECOND),
}


def get_edition(name: str) -> Edition:
    """The edition of that name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in EDITIONS:
        raise UserError(f"there is no edition '{name}' of occsynth.", did_you_mean(name, EDITIONS))
    return EDITIONS[name]
