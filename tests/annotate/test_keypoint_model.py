import numpy as np
import pytest
import torch

from occreid.annotate.keypoint_model import KeypointModel, open_keypoint_model
from occreid.errors import UserError


def detector(*people):
    """A detector that finds (label, score, width of the box, keypoint logit)."""

    def run(images):
        (image,) = images
        assert image.dtype == torch.float32 and image.max() <= 1 and image.shape == (3, 12, 6)
        label, score, width, logit = (torch.tensor([person[i] for person in people]).float() for i in range(4))
        keypoints = torch.arange(17).float()[None, :, None].expand(len(people), 17, 3) + width[:, None, None]
        boxes = torch.stack([0 * width, 0 * width, width, 10 + 0 * width], 1)
        scores = logit[:, None].expand(len(people), 17).clone()
        scores[:, 0] = -9
        return [
            {
                "labels": label.long(),
                "scores": score,
                "boxes": boxes,
                "keypoints": keypoints,
                "keypoints_scores": scores,
            }
        ]

    return run


@pytest.mark.parametrize(
    ("people", "width"),
    [
        ([(1, 0.9, 4, 5.0)], 4),
        ([(1, 0.9, 2, 5.0), (1, 0.8, 5, 5.0)], 5),
        ([(3, 0.99, 6, 5.0), (1, 0.6, 3, 5.0)], 3),
        ([(1, 0.4, 6, 5.0)], None),
        ([], None),
    ],
)
def test_the_surest_and_largest_person_counts(people, width):
    found = KeypointModel(detector(*people))(np.full((12, 6, 3), 200, np.uint8))
    if width is None:
        assert found is None
    else:
        assert found.points[3] == (3.0 + width, 3.0 + width) and found.seen == (False,) + (True,) * 16


def test_points_that_are_not_likely_are_not_seen():
    found = KeypointModel(detector((1, 0.9, 4, 1.0)))(np.zeros((12, 6, 3), np.uint8))
    assert not any(found.seen)


def test_weights_that_are_not_there_or_not_its_own_are_named(tmp_path):
    with pytest.raises(UserError, match=r"there are no weights nowhere\.pth"):
        open_keypoint_model("nowhere.pth")
    torch.save({"layer": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth does not hold weights of torchvision's keypointrcnn"):
        open_keypoint_model(str(tmp_path / "other.pth"))
