import numpy as np
import pytest

from occreid.synth.people.appearance import Cloth
from occreid.synth.people.spots import Spots
from occreid.synth.people.textiles import KNOWN, MOTIFS, SIDE, TEXTILES, motif, textile, textile_colour

BLUE, WHITE = (0.1, 0.2, 0.7), (0.9, 0.9, 0.9)


def cloth(pattern: str, seed: int = 3) -> Cloth:
    return Cloth(BLUE, WHITE, pattern, 0.04, seed)


def chest(count: int = 40) -> Spots:
    """A grid of points on the chest and as many on the back."""
    x, z = np.meshgrid(np.linspace(-0.15, 0.15, count), np.linspace(0.2, 0.7, count))
    x, z = np.tile(x.ravel(), 2), np.tile(z.ravel(), 2)
    y = np.repeat([-0.1, 0.1], count * count)
    place = np.stack([x, y, z], 1).astype(np.float32)
    return Spots(place, np.full(len(x), -0.1, np.float32), (0.75 - z).astype(np.float32), x.astype(np.float32))


@pytest.mark.parametrize("pattern", TEXTILES)
def test_a_textile_is_a_picture_that_repeats(pattern: str):
    picture = textile(cloth(pattern))
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.min() >= 0 and picture.max() <= 1
    assert picture.std(axis=(0, 1)).max() > 0.005, "it is not plain"
    spots = chest()
    shifted = Spots(spots.place, spots.arm, spots.along + 0.32, spots.around + 0.32)  # one repeat: 8 × 0.04 m
    same = np.isclose(textile_colour(cloth(pattern), spots, BLUE), textile_colour(cloth(pattern), shifted, BLUE))
    assert same.mean() > 0.97


@pytest.mark.parametrize("pattern", KNOWN)
def test_the_seed_decides(pattern: str):
    def painted(seed: int) -> np.ndarray:
        return np.concatenate([textile_colour(cloth(pattern, seed + k), chest(), BLUE) for k in range(4)])

    first = painted(1)
    assert first.dtype == np.float32 and np.isfinite(first).all() and first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, painted(1))
    if pattern != "heather":
        assert not np.array_equal(first, painted(50))


def test_motifs_differ_and_lie_on_the_cloth():
    inks = [motif(cloth("motif", seed)) for seed in range(12)]
    assert all(ink.shape == (SIDE, SIDE, 4) and ink[..., 3].max() == 1 for ink in inks)
    assert len({ink.tobytes() for ink in inks}) == 12
    for seed in range(12):
        colour = textile_colour(cloth("motif", seed), chest(), BLUE)
        plain = np.isclose(colour, np.array(BLUE, np.float32)).all(1).mean()
        assert 0.2 < plain < 1.0


def test_a_motif_stays_off_the_sleeves():
    spots = chest()
    sleeves = Spots(spots.place, np.full_like(spots.arm, 0.4), spots.along, spots.around)
    for seed in range(8):
        painted = textile_colour(cloth(MOTIFS[0], seed), sleeves, BLUE)
        np.testing.assert_array_equal(painted, np.tile(np.float32(BLUE), (len(painted), 1)))
