"""Keypoints of the person in a crop by torchvision's Keypoint R-CNN, for data that come without.

Letters: H × W pixels, n persons found in a picture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from occreid.annotate.construction.keypoints import Keypoints
from occreid.annotate.detectors import open_detector, persons_in
from occreid.data.images import Pixels


class KeypointModel:
    """The person the network is surest of and whose box is largest; None where it finds nobody.

    Args:
        network: images (3, H, W) in [0, 1] → boxes, labels, scores, keypoints (n, 17, 3) and keypoints_scores
            (n, 17), as torchvision's detectors; see `open_keypoint_model`.
        score: least score of a person, in [0, 1].
        point_score: score from which a keypoint counts as seen; torchvision's are logits, above 0 where likely.
        device: where it runs.
    """

    def __init__(
        self,
        network: Callable[[list[Tensor]], list[dict[str, Tensor]]],
        *,
        score: float = 0.5,
        point_score: float = 2.0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network, self.score, self.point_score, self.device = network, score, point_score, device

    def __call__(self, image: Pixels) -> Keypoints | None:
        """Keypoints in the pixels of (H, W, 3) uint8 RGB."""
        found = persons_in(self.network, image, self.score, self.device)
        if not len(found["scores"]):
            return None
        left, top, right, bottom = found["boxes"].unbind(1)
        best = ((right - left) * (bottom - top) * found["scores"]).argmax()
        points, scores = found["keypoints"][best].cpu(), found["keypoints_scores"][best].cpu()
        return Keypoints(
            tuple((float(x), float(y)) for x, y in points[:, :2]), tuple((scores >= self.point_score).tolist())
        )


def open_keypoint_model(weights: str, *, device: torch.device | str = "cpu") -> KeypointModel:
    """Torchvision's Keypoint R-CNN (ResNet-50 FPN), with weights and errors as `open_detector` has them."""
    hint = "Give a file of torchvision's weights, or keypoints as COCO-format JSON."
    return KeypointModel(open_detector("keypointrcnn_resnet50_fpn", weights, hint, device=device), device=device)
