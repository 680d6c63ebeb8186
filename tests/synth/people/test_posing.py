import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occreid.synth.people.bodies import joint_positions, load_assets, neutral_vertices
from occreid.synth.people.posing import between, bone_transforms, rotation, skin, vertex_normals


@given(axis=st.sampled_from("xyz"), degrees=st.floats(-720, 720))
def test_rotations_are_proper(axis: str, degrees: float):
    turn = rotation(axis, degrees)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ rotation(axis, -degrees), np.eye(3), atol=1e-12)


@given(seed=st.integers(0, 1000))
def test_between_turns_one_direction_into_the_other(seed: int):
    a, b = np.random.default_rng(seed).normal(size=(2, 3))
    turn = between(a, b)
    np.testing.assert_allclose(turn @ a / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-6)
    assert np.linalg.det(turn) == pytest.approx(1)


def _skinned(turns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    assets, body = load_assets(), neutral_vertices()
    transforms = bone_transforms(assets, joint_positions(body), turns)
    normals = vertex_normals(body, assets.faces["body"])
    return skin(body.T.copy(), normals.T.copy(), assets.weights.T.copy(), transforms)


def test_no_turn_leaves_the_body_where_it_is():
    vertices, _ = _skinned({})
    np.testing.assert_allclose(vertices[:13380], neutral_vertices()[:13380], atol=1e-5)


def test_a_turned_root_turns_everything():
    vertices, normals = _skinned({"Root": rotation("z", 90)})
    body = neutral_vertices()
    root = joint_positions(body)[load_assets().bone("Root")]
    np.testing.assert_allclose(vertices[:13380], (body - root)[:13380] @ rotation("z", 90).T + root, atol=1e-4)
    rest = vertex_normals(body, load_assets().faces["body"])
    np.testing.assert_allclose(normals[:13380], rest[:13380] @ rotation("z", 90).T, atol=1e-4)


def test_a_turned_knee_moves_only_what_hangs_on_it():
    vertices, _ = _skinned({"calf_l": rotation("x", 60)})
    moved = np.linalg.norm(vertices - neutral_vertices(), axis=1)[:13380]
    body = neutral_vertices()[:13380]
    assert moved[body[:, 0] < -0.02].max() < 0.002
    assert moved[(body[:, 0] > 0) & (body[:, 2] < -0.6)].min() > 0.1


def test_skinning_equals_the_loop_over_bones():
    rng = np.random.default_rng(0)
    vertices, weights, transforms = rng.normal(size=(3, 7)), rng.random((4, 7)), rng.normal(size=(4, 3, 4))
    weights /= weights.sum(0)
    moved, _ = skin(vertices, vertices, weights, transforms)
    for v in range(7):
        expected = sum(weights[j, v] * (transforms[j, :, :3] @ vertices[:, v] + transforms[j, :, 3]) for j in range(4))
        np.testing.assert_allclose(moved[v], expected)


def test_normals_of_a_flat_quad_point_up():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [9, 9, 9]], np.float32)
    normals = vertex_normals(square, np.array([[0, 1, 2, 3]]))
    np.testing.assert_allclose(normals[:4], [[0, 0, 1]] * 4)
    assert (normals[4] == 0).all()
