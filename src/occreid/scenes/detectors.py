"""Who says where persons are: a detector of torchvision, a function of somebody's own, or a file of boxes.

Letters: N boxes.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from occreid.annotate.detectors import COCO_PERSON, open_detector
from occreid.errors import UserError, worded
from occreid.scenes.box_files import ENDINGS, BoxFile
from occreid.scenes.boxes import Box, boxes_in
from occreid.scenes.frames import Frame

Detector = Callable[[Frame], list[Box]]
"""Scene → the persons in it."""
TORCHVISION = (
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fcos_resnet50_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "maskrcnn_resnet50_fpn",
)
_OWN = "It gets (H, W, 3) uint8 RGB and returns (boxes, scores); call it from Python to see where it fails."
_HINT = f"Give one of {', '.join(TORCHVISION)}, package.module:function, or a .json, .csv or MOT .txt file of boxes."


def open_boxes(
    name: str, *, weights: str = "coco", device: torch.device | str = "cpu", shorter_side: int = 480
) -> Detector:
    """A detector by its name.

    Args:
        name: one of `TORCHVISION`; ``package.module:function`` of one's own, (H, W, 3) uint8 RGB → (N, 4) corners
            x1, y1, x2, y2 in pixels and N scores in [0, 1]; or a file of boxes, see `occreid.scenes.box_files.BoxFile`.
        weights: of torchvision's: ``"coco"`` to download them, or a file.
        device: where torchvision's run.
        shorter_side: pixels to which they enlarge or shrink a scene.

    Raises:
        UserError: none of these, weights that cannot be had, or a file that holds no boxes.
    """
    path = Path(name)
    if path.suffix.lower() in ENDINGS:
        return BoxFile(path)
    if ":" in name:
        return _of_function(name)
    if name not in TORCHVISION:
        raise UserError(f"there is no detector '{name}'.", _HINT)
    network = open_detector(name, weights, _HINT, device=device, shorter_side=shorter_side)

    @torch.inference_mode()
    def detect(frame: Frame) -> list[Box]:
        pixels = torch.from_numpy(frame.pixels).permute(2, 0, 1).to(device).float() / 255
        found: dict[str, Any] = network([pixels])[0]
        persons = found["labels"] == COCO_PERSON
        return boxes_in(found["boxes"][persons], found["scores"][persons], frame.pixels.shape[:2], name)

    return detect


def _of_function(name: str) -> Detector:
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute or module_name.startswith("."):
        raise UserError(f"detector '{name}' names no function.", _HINT)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise UserError(
            f"detector '{name}': there is no module {module_name}.", "Run where it can be imported."
        ) from error
    call: Any = getattr(module, attribute, None)
    if not callable(call):
        raise UserError(f"detector '{name}': {module_name} has no function '{attribute}'.", "Check the name.")
    with worded(f"detector '{name}' cannot be made", _OWN):
        find: Any = call() if inspect.isclass(call) else call

    def detect(frame: Frame) -> list[Box]:
        with worded(f"{name} failed on {frame.name}", _OWN):
            answer: Any = find(frame.pixels.copy())
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise UserError(f"{name} gave no pair of boxes and scores for {frame.name}.", "Return (boxes, scores).")
        return boxes_in(answer[0], answer[1], frame.pixels.shape[:2], name)

    return detect
