"""Things that hide people. Each has an id; training and test draw from disjoint sets of ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from occreid.synth import textures
from occreid.synth.solids import Facet, box, round_solid

KINDS = ("bin", "box", "pillar")
PER_KIND = 12
"""Occluders of each kind and of each side of the split."""


@dataclass(frozen=True, slots=True)
class Occluder:
    """One thing: its kind, its id (``"bin-train-03"``) and its facets about the origin of the ground."""

    kind: str
    ident: str
    facets: tuple[Facet, ...]


def make_occluder(kind: str, number: int, side: str, seed: int) -> Occluder:
    """The occluder of that kind and number; ``side`` is ``"train"`` or ``"test"``."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3, KINDS.index(kind), number, side == "test"]))
    colour = rng.uniform(0.1, 0.9, 3)
    texture = textures.plain(rng, colour, 64)
    if kind == "bin":
        r, h = rng.uniform(0.22, 0.35), rng.uniform(0.8, 1.15)
        facets = round_solid((0, 0), (r * 0.85, r, r), (0, h * 0.9, h), texture)
    elif kind == "box":
        facets = box((0, 0), (rng.uniform(0.5, 1.0), 0.5, rng.uniform(0.5, 1.2)), 0, texture, turn=rng.uniform(-30, 30))
    else:
        r = rng.uniform(0.15, 0.3)
        facets = round_solid((0, 0), (r, r), (0, 4.0), texture)
    return Occluder(kind, f"{kind}-{side}-{number:02d}", tuple(facets))
