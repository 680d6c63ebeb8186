import numpy as np
import pytest

from occreid.synth.people.bodies import joint_positions, load_assets, neutral_vertices
from occreid.synth.people.coordinates import load_coordinates, scalp


def _nearest(joint: str) -> int:
    assets, body = load_assets(), neutral_vertices()
    point = joint_positions(body)[assets.bone(joint)]
    return int(np.linalg.norm(body[:13380] - point, axis=1).argmin())


@pytest.mark.parametrize("side", ["l", "r"])
def test_the_arm_counts_from_shoulder_to_wrist(side: str):
    arm = load_coordinates().arm
    assert arm[_nearest(f"upperarm_{side}")] == pytest.approx(0.0, abs=0.12)
    assert arm[_nearest(f"lowerarm_{side}")] == pytest.approx(0.5, abs=0.1)
    assert arm[_nearest(f"hand_{side}")] == pytest.approx(1.0, abs=0.1)


def test_the_trunk_and_the_legs_are_no_arm():
    at, body = load_coordinates(), neutral_vertices()
    middle = (np.abs(body[:, 0]) < 0.08) & (np.arange(len(body)) < 13380)
    assert (at.arm[middle] <= 0).all()
    assert at.leg_share[_nearest("calf_l")] > 0.9
    assert at.arm_share[_nearest("lowerarm_r")] > 0.9


def test_along_grows_downwards_on_trunk_and_legs():
    at, body = load_coordinates(), neutral_vertices()
    trunk = (at.arm_share < 0.01) & (np.arange(len(body)) < 13380)
    order = np.argsort(body[trunk, 2])
    assert (np.diff(at.along[trunk][order]) <= 1e-6).all()


def test_around_is_mirrored_between_left_and_right():
    at, body = load_coordinates(), neutral_vertices()
    chest = (np.abs(body[:, 2] - 0.5) < 0.05) & (at.arm_share < 0.3) & (body[:, 1] < -0.05) & (np.abs(body[:, 0]) < 0.1)
    assert (np.sign(at.around[chest]) == np.sign(body[chest, 0])).mean() > 0.95


def test_crown_and_nape_have_hair_nose_and_ear_have_none():
    points = np.array(
        [[0, -0.05, 1.04], [0, 0.09, 0.9], [0, -0.17, 0.9], [0.08, -0.05, 0.92], [0, 0.05, 0.7]], np.float32
    )
    found = scalp(points)
    assert (found[:2] > 0).all()
    assert (found[2:] < 0).all()
