from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.people.bodies import COCO_KEYPOINTS
from occreid.synth.people.figure import Figure, pose_figure
from occreid.synth.people.poses import ARMS, Pose, draw_pose

WALK = Pose(phase=0.0, stride=1.0, left="swing", right="swing", lean=0, nod=0, look=0, sway=0, spread=1)


def _points(figure: Figure, pose: Pose) -> dict[str, np.ndarray]:
    return dict(zip(COCO_KEYPOINTS, pose_figure(figure, pose).keypoints, strict=True))


def test_left_heel_strikes_in_front_at_phase_zero(figure: Figure):
    at_zero, at_half = (_points(figure, replace(WALK, phase=p)) for p in (0.0, 0.5))
    assert at_zero["left_ankle"][1] < at_zero["right_ankle"][1] - 0.3
    assert at_half["left_ankle"][1] > at_half["right_ankle"][1] + 0.3


def test_arms_swing_against_the_legs(figure: Figure):
    points = _points(figure, WALK)
    assert points["right_wrist"][1] < points["left_wrist"][1] - 0.15


def test_no_t_pose_ever(figure: Figure):
    rng = np.random.default_rng(1)
    for _ in range(25):
        points = _points(figure, draw_pose(rng))
        for side in ("left", "right"):
            reach = abs(points[f"{side}_elbow"][0] - points[f"{side}_shoulder"][0])
            assert reach < 0.22, "an upper arm stands off sideways"
            assert points[f"{side}_elbow"][2] < points[f"{side}_shoulder"][2]


def test_standing_feet_are_together_and_level(figure: Figure):
    points = _points(figure, replace(WALK, stride=0.0))
    assert abs(points["left_ankle"][1] - points["right_ankle"][1]) < 0.03
    assert points["left_ankle"][2] == pytest.approx(points["right_ankle"][2], abs=0.01)
    assert points["left_ankle"][2] < 0.15


def test_the_knee_bends_backwards_in_swing(figure: Figure):
    points = _points(figure, replace(WALK, phase=0.73))
    hip, knee, ankle = (points[f"left_{name}"] for name in ("hip", "knee", "ankle"))
    assert knee[1] < (hip[1] + ankle[1]) / 2


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_pose_is_possible_on_both_sides(figure: Figure, arm: str):
    straight = replace(WALK, stride=0.0)
    left, right = _points(figure, replace(straight, left=arm)), _points(figure, replace(straight, right=arm))
    mirrored = right["right_wrist"] * np.array([-1, 1, 1])
    np.testing.assert_allclose(left["left_wrist"], mirrored, atol=0.03)


def test_phone_hand_is_raised_and_the_head_nods(figure: Figure):
    points = _points(figure, replace(WALK, stride=0.0, right="phone"))
    assert points["right_wrist"][2] > points["left_wrist"][2] + 0.2
    nodding = _points(figure, replace(WALK, stride=0.0, nod=25.0))
    assert nodding["nose"][2] < points["nose"][2]


def test_poses_depend_on_the_generator_only():
    assert draw_pose(np.random.default_rng(4)) == draw_pose(np.random.default_rng(4))
    assert draw_pose(np.random.default_rng(4)) != draw_pose(np.random.default_rng(5))
