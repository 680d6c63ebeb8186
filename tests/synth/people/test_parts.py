from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.figure import Figure, build_figure
from occreid.synth.people.mesh import Material

_ELSEWHERE = (Material.BAG, Material.HAIR, Material.HAT)


def _parts(figure: Figure, low: float, high: float, material: Material | None = None) -> set[int]:
    z = figure.piece.place[figure.piece.faces].mean(1)[:, 2]
    chosen = (z > low) & (z < high) & (figure.piece.arm[figure.piece.faces].mean(1) <= 0)
    if material is not None:
        chosen &= figure.piece.material == material
    return set(figure.part[chosen & ~np.isin(figure.piece.material, _ELSEWHERE)].tolist())


@pytest.mark.parametrize(
    "low, high, part", [(0.86, 1.1, 1), (0.35, 0.6, 2), (-0.2, 0.04, 3), (-0.7, -0.35, 4), (-0.9, -0.76, 4)]
)
def test_parts_follow_the_height_on_the_body(figure: Figure, low: float, high: float, part: int):
    assert _parts(figure, low, high) == {part}


def test_hands_and_arms_belong_to_the_torso(figure: Figure):
    on_arm = figure.piece.arm[figure.piece.faces].mean(1) > 0.1
    assert set(figure.part[on_arm].tolist()) == {2}


def test_shoes_are_lower_legs_and_hair_is_head(figure: Figure):
    for material, part in ((Material.SHOE, 4), (Material.HAIR, 1), (Material.EYE, 1)):
        found = set(figure.part[figure.piece.material == material].tolist())
        assert found <= {part}


def test_a_coats_tail_is_upper_legs_and_a_long_skirt_reaches_the_lower_legs(look: Appearance):
    coat = build_figure(replace(look, upper=replace(look.upper, kind="coat", hem=-0.2)))
    assert _parts(coat, -0.15, 0.0, Material.UPPER) == {3}
    skirt = build_figure(replace(look, lower=replace(look.lower, kind="skirt", hem=-0.6)))
    assert _parts(skirt, -0.55, -0.4, Material.LOWER) == {4}
    assert _parts(skirt, -0.2, 0.0, Material.LOWER) == {3}


def test_labels_fit_a_mask(figure: Figure):
    assert figure.part.dtype == np.uint8
