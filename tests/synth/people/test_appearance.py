from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from occreid.synth.people.appearance import Appearance, draw_appearance, draw_lower, draw_upper, near_duplicate
from occreid.synth.people.wardrobe import PATTERNS, SLEEVES


@pytest.fixture(scope="module")
def crowd() -> list[Appearance]:
    return [draw_appearance(np.random.default_rng(k)) for k in range(400)]


def test_the_same_seed_draws_the_same_person():
    assert draw_appearance(np.random.default_rng(5)) == draw_appearance(np.random.default_rng(5))
    assert draw_appearance(np.random.default_rng(5)) != draw_appearance(np.random.default_rng(6))


def test_people_are_various(crowd: list[Appearance]):
    assert {look.upper.kind for look in crowd} >= set(PATTERNS)
    assert {look.lower.kind for look in crowd} == {"trousers", "jeans", "shorts", "leggings", "skirt"}
    assert {look.bag for look in crowd} == {"none", "backpack", "shoulder", "handbag", "plastic"}
    assert {look.hat for look in crowd} == {"none", "cap", "beanie", "sunhat"}
    assert max(Counter((look.upper.kind, look.lower.kind) for look in crowd).values()) < len(crowd) / 5


def test_colours_are_colours(crowd: list[Appearance]):
    for look in crowd:
        for colour in (
            look.skin,
            look.hair_colour,
            look.shoe_colour,
            look.bag_colour,
            look.upper.cloth.colour,
            look.lower.cloth.second,
        ):
            assert len(colour) == 3
            assert all(0 <= c <= 1 for c in colour)


def test_skirts_and_dresses_hang_together(crowd: list[Appearance]):
    for look in crowd:
        if look.upper.kind == "dress":
            assert look.lower.kind == "skirt"
            assert look.lower.cloth == look.upper.cloth
        if look.lower.kind == "skirt":
            assert look.lower.hem < 0


def test_phenotypes_are_in_range(crowd: list[Appearance]):
    for look in crowd:
        values = [getattr(look.body, f.name) for f in fields(look.body) if f.name != "origins"]
        assert all(0 <= v <= 1 for v in values)
        assert sum(look.body.origins) == pytest.approx(1)


def test_near_duplicates_share_most_but_not_all(crowd: list[Appearance]):
    for k, look in enumerate(crowd[:60]):
        other = near_duplicate(look, np.random.default_rng(1000 + k))
        assert other != look
        same = [
            look.upper == other.upper,
            look.lower == other.lower,
            look.hair == other.hair,
            look.shoes == other.shoes,
            look.hat == other.hat,
        ]
        assert sum(same) >= 3
        assert same[0] or same[1] or look.upper.kind == "dress", "one garment at least is the same"


def test_garments_fit_their_kind():
    rng = np.random.default_rng(0)
    for _ in range(200):
        upper = draw_upper(rng, True)
        assert upper.cloth.pattern in PATTERNS[upper.kind]
        assert upper.loose > 0
        if upper.kind in ("jacket", "coat", "hoodie"):
            assert upper.sleeve == SLEEVES["long"]
        else:
            assert upper.open == 0
        assert draw_lower(rng, False).kind not in ("skirt", "leggings")
