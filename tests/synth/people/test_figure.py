from dataclasses import replace

import numpy as np
import pytest

from occreid.synth.people.appearance import Appearance
from occreid.synth.people.bodies import COCO_KEYPOINTS, load_assets
from occreid.synth.people.figure import Figure, build_figure, pose_figure
from occreid.synth.people.mesh import Material
from occreid.synth.people.poses import Pose, draw_pose, pose_turns
from occreid.synth.people.posing import bone_transforms

STAND = Pose(phase=0.0, stride=0.0, left="swing", right="swing", lean=0, nod=0, look=0, sway=0, spread=3)


def test_a_person_stands_on_the_ground_at_a_human_height(figure: Figure):
    posed = pose_figure(figure, STAND)
    assert posed.vertices[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert 1.4 < posed.vertices[:, 2].max() < 2.15
    assert np.ptp(posed.vertices[:, 0]) < 0.9, "arms hang down"


def test_scale_makes_a_person_taller(look: Appearance, figure: Figure):
    taller = pose_figure(build_figure(replace(look, scale=look.scale * 1.05)), STAND)
    assert taller.vertices[:, 2].max() == pytest.approx(
        pose_figure(figure, STAND).vertices[:, 2].max() * 1.05, rel=1e-4
    )


def test_keypoints_equal_the_regression_from_skinned_vertices(figure: Figure, rest: np.ndarray):
    assets, pose = load_assets(), draw_pose(np.random.default_rng(3))
    transforms = bone_transforms(assets, figure.heads, pose_turns(pose, assets, figure.heads))
    blended = np.einsum("vj,jab->vab", assets.weights.astype(np.float64), transforms)
    posed = np.einsum("vab,vb->va", blended[:, :, :3], rest) + blended[:, :, 3]
    expected = assets.keypoints @ posed
    found = pose_figure(figure, pose).keypoints
    np.testing.assert_allclose(found - found[0], (expected - expected[0]) * figure.look.scale, atol=2e-4)


def test_keypoints_lie_inside_the_person(figure: Figure):
    posed = pose_figure(figure, STAND)
    for name, point in zip(COCO_KEYPOINTS, posed.keypoints, strict=True):
        assert np.linalg.norm(posed.vertices - point, axis=1).min() < 0.13, name


def test_normals_have_unit_length_and_look_outward(figure: Figure):
    posed = pose_figure(figure, STAND)
    length = np.linalg.norm(posed.normals, axis=1)
    assert np.median(length) == pytest.approx(1, abs=0.01)
    skull = (figure.piece.place[:, 2] > 0.98) & (np.bincount(figure.piece.faces.ravel()) > 0)
    outward = posed.vertices[skull] - posed.vertices[skull].mean(0)
    assert ((outward * posed.normals[skull]).sum(1) > 0).mean() > 0.8


@pytest.mark.parametrize("bag", ["none", "backpack", "shoulder", "handbag", "plastic"])
def test_bags_are_carried(look: Appearance, bag: str):
    loaded = build_figure(replace(look, bag=bag))
    faces = loaded.piece.material == Material.BAG
    assert faces.any() == (bag != "none")
    if bag == "none":
        return
    posed = pose_figure(loaded, STAND)
    middle = posed.vertices[loaded.piece.faces[faces]].mean((0, 1))
    points = dict(zip(COCO_KEYPOINTS, posed.keypoints, strict=True))
    if bag == "backpack":
        assert middle[1] > points["left_shoulder"][1] + 0.08, "on the back"
    else:
        assert middle[0] > 0.1, "on the left"
        assert middle[2] < points["left_elbow"][2]


def test_a_held_bag_hangs_straight_down_while_the_arm_swings(look: Appearance):
    loaded = build_figure(replace(look, bag="handbag"))
    bag = np.unique(loaded.piece.faces[loaded.piece.material == Material.BAG])
    shapes = []
    for phase in (0.0, 0.5):
        vertices = pose_figure(loaded, replace(STAND, stride=1.0, phase=phase)).vertices[bag]
        shapes.append(vertices - vertices.mean(0))
    np.testing.assert_allclose(*shapes, atol=1e-5)


def test_every_face_has_a_part(figure: Figure):
    assert len(figure.part) == len(figure.piece.faces)
    assert set(np.unique(figure.part)) == {1, 2, 3, 4}
