import numpy as np
import pytest

from occreid.synth.people import wardrobe
from occreid.synth.people.patterns import PATTERN_NAMES


@pytest.mark.parametrize(
    "table", [wardrobe.CLOTH_COLOURS.values(), wardrobe.JEANS, wardrobe.SKINS, wardrobe.HAIRS, wardrobe.SHOES]
)
def test_palettes_hold_colours(table):
    colours = np.array(list(table))
    assert colours.ndim == 2 and colours.shape[1] == 3
    assert colours.min() > 0
    assert colours.max() < 1


@pytest.mark.parametrize(
    "colours, shares",
    [
        (wardrobe.SKINS, wardrobe.SKIN_SHARES),
        (wardrobe.HAIRS, wardrobe.HAIR_SHARES),
        (wardrobe.SHOES, wardrobe.SHOE_SHARES),
    ],
)
def test_shares_belong_to_their_palette_and_sum_to_one(colours, shares):
    assert len(colours) == len(shares)
    assert sum(shares) == pytest.approx(1)


def test_lower_colours_are_known_and_have_shares():
    assert set(wardrobe.LOWER_COLOURS) <= set(wardrobe.CLOTH_COLOURS)
    assert len(wardrobe.LOWER_COLOURS) == len(wardrobe.LOWER_SHARES)
    assert set(wardrobe.UPPER_SHARES) <= set(wardrobe.CLOTH_COLOURS)


def test_every_upper_garment_is_described_in_every_table():
    assert set(wardrobe.PATTERNS) == set(wardrobe.UPPER_HEMS) == set(wardrobe.UPPER_LOOSE)
    assert set(wardrobe.SLEEVE_SHARES) < set(wardrobe.PATTERNS)
    for shares in wardrobe.SLEEVE_SHARES.values():
        assert set(shares) <= set(wardrobe.SLEEVES)


def test_every_pattern_can_be_painted():
    named = {pattern for patterns in wardrobe.PATTERNS.values() for pattern in patterns}
    assert named <= set(PATTERN_NAMES)


def test_sleeves_and_hems_are_ordered():
    assert sorted(wardrobe.SLEEVES.values()) == list(wardrobe.SLEEVES.values())
    assert sorted(wardrobe.LOWER_HEMS.values(), reverse=True) == list(wardrobe.LOWER_HEMS.values())
