"""Everyone in a benchmark: looks by person id, with near-duplicates, and the occluders of each side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from occreid.synth.people.appearance import Appearance, draw_appearance, near_duplicate
from occreid.synth.people.outfits import draw_person, similar_person
from occreid.synth.scene.occluders import KINDS, PER_KIND, TEST_KINDS, TRAIN_KINDS, Occluder, make_occluder
from occreid.synth.streams import Stream

TWINS = 3
"""Every person whose id is a multiple of this is dressed almost like the one before."""

MANY = 40
"""Occluders of each kind and side in the second edition."""

Draw = Callable[[np.random.Generator], Appearance]
Alter = Callable[[Appearance, np.random.Generator], Appearance]


def appearance_of(pid: int, seed: int, draw: Draw = draw_appearance, alter: Alter = near_duplicate) -> Appearance:
    """The look of a person of the first edition; another edition gives its own two functions."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, Stream.LOOKS, pid]))
    if pid % TWINS == 0:
        return alter(appearance_of(pid - 1, seed, draw, alter), rng)
    return draw(rng)


def appearance_of_second(pid: int, seed: int) -> Appearance:
    """The look of a person of the second edition."""
    return appearance_of(pid, seed, draw_person, similar_person)


def draw_occluder(split: str, seed: int, rng: np.random.Generator) -> Occluder:
    """A random occluder of the split's side, as the first edition has them: the same kinds on both sides."""
    side = "train" if split == "train" else "test"
    kind = KINDS[int(rng.integers(len(KINDS)))]
    return make_occluder(kind, int(rng.integers(PER_KIND)), side, seed)


def draw_occluder_second(split: str, seed: int, rng: np.random.Generator) -> Occluder:
    """A random occluder of the second edition: no kind hides people both in training and in the test."""
    side = "train" if split == "train" else "test"
    kinds = TRAIN_KINDS if side == "train" else TEST_KINDS
    return make_occluder(str(rng.choice(kinds)), int(rng.integers(MANY)), side, seed)
