import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.integrations import TrackEmbedder
from occreid.models import Method, create_model

EXAMPLES = Path(__file__).parents[2] / "examples"


class Halves(Method):
    """The mean colours of the upper and lower half; a black half is hidden."""

    metric = "visible_parts"
    input_size = (8, 4)

    def describe(self, images, masks=None):
        features = images.float().unflatten(2, (2, 4)).mean((3, 4)).transpose(1, 2)  # (B, 2, 3)
        return Descriptors(features, features.sum(2) > 0)


@pytest.fixture
def frame():
    """BGR: a red person, and a blue one whose legs are black."""
    pixels = np.full((60, 100, 3), 128, np.uint8)
    pixels[10:50, 10:30] = (0, 0, 200)
    pixels[10:30, 60:80] = (200, 0, 0)
    pixels[30:50, 60:80] = 0
    return pixels


BOXES = np.array([[10, 10, 30, 50], [60, 10, 80, 50]])
RED, HIDDEN_LEGS = np.array([1, 0, 0, 1, 0, 0]) / np.sqrt(2), np.array([0, 0, 1, 0, 0, 0])


@pytest.fixture
def embedder():
    return TrackEmbedder(Halves())


def test_boxmots_call_gives_unit_vectors_in_which_hidden_parts_count_for_nothing(embedder, frame):
    found = embedder.get_features(BOXES, frame)
    np.testing.assert_allclose(found, [RED, HIDDEN_LEGS], atol=1e-6)
    assert found.dtype == np.float32
    np.testing.assert_allclose(embedder.get_features(torch.tensor(BOXES), frame), found)
    more = np.concatenate([BOXES, [[0.9, 0], [0.8, 0]]], 1)  # score and class behind the corners
    np.testing.assert_allclose(embedder.get_features(more, frame), found)


def test_confidence_is_the_share_of_parts_that_are_seen(embedder, frame):
    assert embedder.confidence(BOXES, frame).tolist() == [1.0, 0.5]


def test_ultralytics_call_takes_centres_and_sizes(embedder, frame):
    found = embedder(frame, np.array([[20, 30, 20, 40, 0.9], [70, 30, 20, 40, 0.9]]))
    assert isinstance(found, list) and len(found) == 2
    np.testing.assert_allclose(found, [RED, HIDDEN_LEGS], atol=1e-6)


def test_colours_are_told(embedder, frame):
    rgb = TrackEmbedder(Halves(), bgr=False)
    np.testing.assert_allclose(rgb.get_features(BOXES, frame[..., ::-1]), [RED, HIDDEN_LEGS], atol=1e-6)

    class Boxes:
        xyxy = BOXES

    picture = Image.fromarray(frame[..., ::-1])
    for each in (rgb, embedder):
        np.testing.assert_allclose(each.extract_features(Boxes(), picture), [RED, HIDDEN_LEGS], atol=1e-6)


def test_boxes_without_pixels_have_a_row_that_resembles_nobody(embedder, frame):
    odd = np.array([[-50, -50, -10, -5], [10, 10, 30, 50], [30, 10, 10, 50], [np.nan, 0, 1, 1], [90, 0, 500, 500]])
    found, seen = embedder.describe(odd, frame)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [0, 1, 0, 1, 1], atol=1e-6)
    assert seen.tolist() == [0, 1, 0, 1, 1]
    for nobody in (np.zeros((0, 4)), [], np.zeros((0, 6))):
        assert embedder.get_features(nobody, frame).shape == (0, 6)
    assert TrackEmbedder(Halves()).get_features(np.zeros((0, 4)), frame).shape == (0, 6)


def test_what_is_no_frame_or_box_is_named(embedder, frame):
    with pytest.raises(UserError, match="a frame of shape"):
        embedder.get_features(BOXES, frame[..., 0])
    with pytest.raises(UserError, match="boxes of shape"):
        embedder.get_features([1, 2, 3, 4], frame)


def test_supervisions_detections_are_taken(embedder, frame):
    supervision = pytest.importorskip("supervision")
    found = embedder.extract_features(supervision.Detections(xyxy=BOXES.astype(float)), frame)
    np.testing.assert_allclose(found, [RED, HIDDEN_LEGS], atol=1e-6)


def test_the_boxmot_example_hands_boxes_and_looks_to_the_tracker(tmp_path):
    """BoxMOT itself is AGPL and never installed here: a stand-in has the call that its trackers have."""
    spec = importlib.util.spec_from_file_location("boxmot_tracker", EXAMPLES / "boxmot_tracker.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    class Tracker:
        def update(self, dets, img, embs=None):
            assert dets.shape == (1, 6) and img.shape == (120, 200, 3)
            assert len(embs) == 1 and np.linalg.norm(embs[0]) == pytest.approx(1, abs=1e-5)
            return np.array([[*dets[0, :4], 7, dets[0, 4], 0, 0]])

    cv2.imwrite(str(tmp_path / "street.png"), np.full((120, 200, 3), 128, np.uint8))
    (tmp_path / "boxes.json").write_text('[{"file": "street.png", "x": 10, "y": 40, "width": 20, "height": 60}]')
    embedder = TrackEmbedder(create_model("baseline", 2, backbone="resnet18", pretrained="none"))
    rows = example.follow(Tracker(), embedder, str(tmp_path / "street.png"), str(tmp_path / "boxes.json"))
    assert rows == [(1, 7, 10, 40, 20, 60, 1.0)]
