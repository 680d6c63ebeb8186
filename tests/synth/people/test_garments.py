from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.bodies import joint_positions, load_assets, neutral_vertices
from occreid.synth.people.garments import lower_pieces, shell, shoe_pieces, skin_piece, smooth, upper_pieces
from occreid.synth.people.mesh import Material, Piece
from occreid.synth.people.wardrobe import LOWER_HEMS, SLEEVES, UPPER_HEMS


def _kept(piece: Piece) -> np.ndarray:
    """Vertices that are on a face and not cut off."""
    return piece.cut > 0


@pytest.mark.parametrize("name", ["none", "short", "long"])
def test_sleeves_end_where_they_should(rest: np.ndarray, look: Appearance, name: str):
    shirt = upper_pieces(rest, replace(look, upper=replace(look.upper, sleeve=SLEEVES[name])))[0]
    assert shirt.arm[_kept(shirt)].max() <= SLEEVES[name] + 1e-6
    assert shirt.arm[_kept(shirt)].max() > SLEEVES[name] - 0.15


@pytest.mark.parametrize("kind", sorted(UPPER_HEMS))
def test_every_upper_garment_can_be_made(rest: np.ndarray, look: Appearance, kind: str):
    pieces = upper_pieces(rest, replace(look, upper=replace(look.upper, kind=kind, hem=UPPER_HEMS[kind])))
    assert len(pieces) == (2 if kind == "coat" else 1)
    for piece in pieces:
        assert np.isfinite(piece.vertices).all()
        assert (piece.material == Material.UPPER).all()
        assert piece.place[_kept(piece), 2].min() >= UPPER_HEMS[kind] - 1e-5


@pytest.mark.parametrize("name", sorted(LOWER_HEMS))
def test_trousers_end_at_their_hem(rest: np.ndarray, look: Appearance, name: str):
    heads = joint_positions(rest)
    piece = lower_pieces(rest, replace(look, lower=replace(look.lower, hem=LOWER_HEMS[name])), heads)[0]
    assert piece.place[_kept(piece), 2].min() == pytest.approx(LOWER_HEMS[name], abs=0.06)
    assert piece.place[_kept(piece), 2].min() >= LOWER_HEMS[name]


def test_a_skirt_widens_with_its_flare(rest: np.ndarray, look: Appearance):
    heads = joint_positions(rest)
    widths = []
    for flare in (0.1, 0.9):
        skirt = replace(look, lower=replace(look.lower, kind="skirt", hem=-0.5, flare=flare))
        piece = lower_pieces(rest, skirt, heads)[0]
        assert piece.two_sided.all()
        widths.append(np.ptp(piece.vertices[piece.place[:, 2] < -0.3, 0]))
    assert widths[1] > widths[0] * 1.1


def test_no_waistband_under_a_loose_shirt(rest: np.ndarray, look: Appearance):
    heads = joint_positions(rest)
    tops = []
    for hem in (0.1, 0.27):
        piece = lower_pieces(rest, replace(look, upper=replace(look.upper, hem=hem)), heads)[0]
        tops.append(piece.place[_kept(piece), 2].max())
    assert tops[0] < 0.14 < 0.25 < tops[1]


def test_cloth_stands_off_the_body(rest: np.ndarray, look: Appearance):
    shirt = upper_pieces(rest, look)[0]
    chest = np.abs(shirt.place[:, 2] - 0.5) < 0.05
    body = (np.abs(neutral_vertices()[:, 2] - 0.5) < 0.05) & (np.abs(neutral_vertices()[:, 0]) < 0.15)
    assert shirt.vertices[chest, 1].min() < rest[:13380][body[:13380], 1].min()


def test_bare_skin_is_what_clothes_leave(rest: np.ndarray, look: Appearance):
    covered = skin_piece(
        rest, replace(look, upper=replace(look.upper, sleeve=SLEEVES["long"]), lower=replace(look.lower, hem=-0.76))
    )
    bare = skin_piece(
        rest, replace(look, upper=replace(look.upper, sleeve=SLEEVES["none"]), lower=replace(look.lower, hem=-0.02))
    )
    assert len(bare.faces) > len(covered.faces)
    belly = (np.abs(bare.place[:, 2] - 0.35) < 0.1) & (np.abs(bare.place[:, 0]) < 0.1)
    assert not belly.any(), "skin under a shirt could show through it"


@pytest.mark.parametrize("kind", ["sneakers", "shoes", "boots", "sandals"])
def test_shoes_are_on_the_feet_and_the_sole_is_flat(rest: np.ndarray, look: Appearance, kind: str):
    shoe = shoe_pieces(rest, replace(look, shoes=kind))[0]
    assert shoe.place[_kept(shoe), 2].max() < -0.59
    soles = shoe.vertices[shoe.place[:, 2] < -0.80, 2]
    assert np.ptp(soles) < 1e-6
    assert soles.min() <= rest[:13380, 2].min()


def test_smoothing_shrinks_a_spike_and_leaves_a_plane():
    grid = np.array([[x, y, 0] for y in range(3) for x in range(3)], float)
    faces = np.array([[i, i + 1, i + 4, i + 3] for i in (0, 1, 3, 4)])
    grid[4, 2] = 1.0
    assert 0 < smooth(grid, faces, 3)[4, 2] < 0.35
    assert smooth(grid, faces, 0)[4, 2] == 1.0


def test_a_shell_is_cut_from_the_faces_it_touches(rest: np.ndarray):
    keep = neutral_vertices()[:, 2] > 0.5
    piece = shell(rest, "body", keep, Material.SKIN, np.ones(len(rest)))
    assert 0 < len(piece.faces) < len(load_assets().faces["body"])
    assert piece.place[piece.faces][:, :, 2].max(1).min() > 0.5
