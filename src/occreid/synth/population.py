"""Everyone in a benchmark: looks by person id, with near-duplicates, and the occluders of each side."""

from __future__ import annotations

import numpy as np

from occreid.synth.people.looks import Look, draw_look, near_duplicate
from occreid.synth.scene.occluders import KINDS, PER_KIND, Occluder, make_occluder


def look_of(pid: int, seed: int) -> Look:
    """The look of a person; every third one is dressed almost like the one before."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 4, pid]))
    if pid % 3 == 0:
        return near_duplicate(look_of(pid - 1, seed), rng)
    return draw_look(rng)


def draw_occluder(split: str, seed: int, rng: np.random.Generator) -> Occluder:
    """A random occluder of the split's side."""
    side = "train" if split == "train" else "test"
    kind = KINDS[int(rng.integers(len(KINDS)))]
    return make_occluder(kind, int(rng.integers(PER_KIND)), side, seed)
