from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.mesh import Material
from occreid.synth.people.shading import albedo, lit, relief
from occreid.synth.people.spots import Spots


def _spots(places: list[tuple[float, float, float]], arm: float = -0.3) -> Spots:
    place = np.array(places, np.float32)
    return Spots(place, np.full(len(place), arm, np.float32), 0.75 - place[:, 2], place[:, 0])


def _colour(look: Appearance, material: Material, *places: tuple[float, float, float]) -> np.ndarray:
    return albedo(np.full(len(places), material), look, _spots(list(places)))


@pytest.mark.parametrize("material", list(Material))
def test_every_material_has_colours(look: Appearance, material: Material):
    places = np.random.default_rng(0).uniform([-0.2, -0.15, -0.8], [0.2, 0.1, 1.0], (200, 3))
    colours = albedo(np.full(200, material), look, _spots([tuple(p) for p in places]))
    assert np.isfinite(colours).all()
    assert (colours >= -1e-6).all()
    assert colours.max() <= 1.3


def test_materials_do_not_mix(look: Appearance):
    material = np.array([Material.SHOE, Material.HAT, Material.BAG])
    colours = albedo(material, look, _spots([(0.1, 0, -0.77), (0, 0, 1.0), (0.3, 0, 0.9)]))
    np.testing.assert_allclose(colours, [look.shoe_colour, look.hat_colour, look.bag_colour], atol=1e-5)


def test_a_face_has_lips_brows_and_hair_above(look: Appearance):
    dark_haired = replace(look, hair="short", hair_colour=(0.05, 0.04, 0.04), skin=(0.9, 0.7, 0.6))
    cheek, lips, brow, crown = _colour(
        dark_haired, Material.SKIN, (0.06, -0.1, 0.90), (0, -0.16, 0.858), (0.034, -0.15, 0.947), (0, -0.05, 1.03)
    )
    assert lips[1] < cheek[1] - 0.1 and lips[0] > lips[1]
    assert brow.mean() < cheek.mean() - 0.2
    assert crown.mean() < 0.3


def test_an_open_jacket_shows_its_lining_in_front_only(look: Appearance):
    cloth = replace(look.upper.cloth, pattern="plain", colour=(0.8, 0.1, 0.1), second=(0.1, 0.1, 0.8))
    open_ = replace(look, bag="none", upper=replace(look.upper, kind="jacket", open=0.06, cloth=cloth))
    front, side, behind = _colour(open_, Material.UPPER, (0.0, -0.1, 0.5), (0.15, -0.1, 0.5), (0.0, 0.1, 0.5))
    assert front[2] > front[0]
    assert side[0] > side[2]
    assert behind[0] > behind[2]


def test_a_backpack_has_straps_on_the_shirt(look: Appearance):
    cloth = replace(look.upper.cloth, pattern="plain", colour=(0.9, 0.9, 0.9))
    person = replace(look, bag="backpack", bag_colour=(0.1, 0.1, 0.1), upper=replace(look.upper, cloth=cloth))
    strap, chest = _colour(person, Material.UPPER, (0.115, -0.1, 0.6), (0.0, -0.1, 0.6))
    assert strap.mean() < 0.3 < 0.8 < chest.mean()


def test_a_tucked_shirt_shows_a_belt(look: Appearance):
    tucked = replace(look, upper=replace(look.upper, hem=0.27))
    belt, leg = _colour(tucked, Material.LOWER, (0.1, -0.1, 0.29), (0.1, -0.1, -0.4))
    np.testing.assert_allclose(belt, (0.12, 0.09, 0.07), atol=1e-3)
    assert np.abs(leg - belt).max() > 0.01


def test_folds_change_with_the_picture_and_stay_moderate(look: Appearance):
    places = [tuple(p) for p in np.random.default_rng(0).uniform([-0.2, -0.15, 0.15], [0.2, 0.1, 0.7], (500, 3))]
    material = np.full(500, Material.UPPER)
    a, b = (relief(material, look, _spots(places), seed) for seed in (0, 41))
    assert not np.array_equal(a, b)
    assert a.min() >= 0.3 and a.max() <= 1.5
    assert a.mean() == pytest.approx(1, abs=0.1)


def test_legs_are_dark_under_the_hem_and_the_neck_under_the_chin(look: Appearance):
    shorts = replace(look, lower=replace(look.lower, hem=-0.2))
    near, far, chin, cheek = relief(
        np.full(4, Material.SKIN),
        shorts,
        _spots([(0.15, 0, -0.205), (0.15, 0, -0.5), (0, -0.05, 0.785), (0.05, -0.1, 0.9)]),
        0,
    )
    assert near < 0.7 < 0.95 < far
    assert chin < 0.7 < 0.95 < cheek


@given(seed=st.integers(0, 100))
def test_more_light_is_never_darker(seed: int):
    rng = np.random.default_rng(seed)
    colour, normal = rng.random((20, 3)), rng.normal(size=(20, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    light = np.array([0.3, -0.4, np.sqrt(0.75)])
    dim, bright = lit(colour, normal, light, 0.2, 0.5), lit(colour, normal, light, 0.9, 0.5)
    assert (bright >= dim - 1e-6).all()
    assert (dim >= 0).all() and (bright <= 1).all()


def test_what_faces_the_sun_is_brighter():
    light = np.array([0.0, -0.6, 0.8])
    facing, away = lit(np.full((2, 3), 0.6), np.array([light, -light]), light, 0.8, 0.5)
    assert facing.mean() > away.mean() + 0.1
