from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.hair import hair_pieces, hat_pieces
from occreid.synth.people.mesh import Material


@pytest.mark.parametrize("cut", ["crop", "short", "full", "bob", "long", "ponytail", "bun"])
def test_every_cut_sits_on_the_head(rest: np.ndarray, look: Appearance, cut: str):
    pieces = hair_pieces(rest, replace(look, hair=cut))
    crown = rest[:13380, 2].max()
    assert max(p.vertices[p.cut > 0, 2].max() for p in pieces) > crown
    assert all((p.material == Material.HAIR).all() for p in pieces)


def test_cuts_have_their_lengths(rest: np.ndarray, look: Appearance):
    def lowest(cut: str) -> float:
        return min(float(p.vertices[p.cut > 0, 2].min()) for p in hair_pieces(rest, replace(look, hair=cut)))

    assert lowest("long") < lowest("bob") < lowest("crop")
    assert lowest("ponytail") < lowest("crop")


def test_fuller_hair_stands_off_farther(rest: np.ndarray, look: Appearance):
    tops = [hair_pieces(rest, replace(look, hair=cut))[0].vertices[:, 2].max() for cut in ("crop", "short", "full")]
    assert tops[0] < tops[1] < tops[2]


def test_bald_people_have_none(rest: np.ndarray, look: Appearance):
    assert hair_pieces(rest, replace(look, hair="bald")) == []


@pytest.mark.parametrize("kind, count", [("none", 0), ("beanie", 1), ("cap", 2), ("sunhat", 2)])
def test_hats(rest: np.ndarray, look: Appearance, kind: str, count: int):
    pieces = hat_pieces(rest, replace(look, hat=kind))
    assert len(pieces) == count
    for piece in pieces:
        assert piece.vertices[piece.cut > 0, 2].min() > rest[:13380, 2].max() - 0.14


def test_a_caps_brim_is_in_front(rest: np.ndarray, look: Appearance):
    _, brim = hat_pieces(rest, replace(look, hat="cap"))
    face = rest[:13380][rest[:13380, 2] > rest[:13380, 2].max() - 0.15, 1].min()
    assert brim.vertices[:, 1].min() < face
