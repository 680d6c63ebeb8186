"""Who says where persons are: a detector of torchvision, a function of somebody's own, or a file of boxes.

Letters: N boxes.
"""

from __future__ import annotations

import csv
import importlib
import inspect
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from occreid.annotate.detectors import COCO_PERSON, open_detector
from occreid.errors import UserError, worded
from occreid.files import read_json, read_text
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
            x1, y1, x2, y2 in pixels and N scores in [0, 1]; or a file of boxes: ``.json`` (a list of objects with
            file, x, y, width, height, and optionally frame, score, track), ``.csv`` (the same columns) or MOT's
            ``.txt`` (frame from 1, track, x, y, width, height, score).
        weights: of torchvision's: ``"coco"`` to download them, or a file.
        device: where torchvision's run.
        shorter_side: pixels to which they enlarge or shrink a scene.

    Raises:
        UserError: none of these, weights that cannot be had, or a file that holds no boxes.
    """
    path = Path(name)
    if path.suffix.lower() in (".json", ".csv", ".txt"):
        return _of_file(path)
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


def _of_file(path: Path) -> Detector:
    kind = path.suffix.lower()
    if kind == ".txt":
        held = _keyed(path, _mot(path))
    else:
        rows = (
            read_json(path, what="the file of boxes", hint=_HINT)
            if kind == ".json"
            else list(csv.DictReader(io.StringIO(read_text(path, what="the file of boxes", hint=_HINT))))
        )
        if not isinstance(rows, list):
            raise UserError(f"{path} holds no list of boxes.", 'Write [{"file": …, "x": …, …}, …].')
        held = _keyed(path, rows)

    fits: list[bool] = []  # a tracker's boxes may leave the scene later; where all do at once, they are of another

    def detect(frame: Frame) -> list[Box]:
        size = frame.pixels.shape[:2]
        keys = [(Path(frame.source).name, frame.number), ("", frame.number)]
        found = [box for key in keys for box in held.get(key, ())]
        corners = [(x, y, x + w, y + h) for x, y, w, h, _, _ in found]
        if found and not fits:
            _require_inside(path, frame, corners)
            fits.append(True)
        return boxes_in(corners, [row[4] for row in found], size, str(path), tracks=[row[5] for row in found])

    return detect


def _require_inside(path: Path, frame: Frame, corners: list[tuple[float, float, float, float]]) -> None:
    """Refuse boxes that cannot be of this scene: of another size, or shares instead of pixels.

    Raises:
        UserError: none of them shows a pixel of it.
    """
    height, width = frame.pixels.shape[:2]
    seen = [b for b in corners if b[2] > 0 and b[3] > 0 and b[0] < width and b[1] < height and b[2] - b[0] > 1]
    if not seen:
        shown = ", ".join(f"{number:g}" for number in corners[0])
        raise UserError(
            f"{path} has no box inside {frame.name}, which is {width} × {height} pixels; the first is {shown}.",
            "Boxes are in pixels of the scene as it is: no shares, and of no other size.",
        )


_Row = tuple[float, float, float, float, float, int | None]


def _keyed(path: Path, rows: Iterable[dict[str, Any]]) -> dict[tuple[str, int], list[_Row]]:
    """Boxes by (file name, frame); MOT's files have no names."""
    held: dict[tuple[str, int], list[_Row]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        try:
            x, y, width, height = (float(row[key]) for key in ("x", "y", "width", "height"))
            key = (Path(str(row.get("file") or "")).name, int(row.get("frame") or 0))
            track = row.get("track")
            score = row.get("score")
            held[key].append(
                (
                    x,
                    y,
                    width,
                    height,
                    1.0 if score in (None, "") else float(score),
                    None if track in (None, "") else int(track),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"{path}, box {number}: {json.dumps(row, default=str)[:80]} is none ({error}).",
                "Each needs x, y, width, height, of pictures file, and of videos frame from 0.",
            ) from error
    if not held:
        raise UserError(f"{path} holds no boxes.", "Each has x, y, width, height, of pictures file, of videos frame.")
    return dict(held)


def _mot(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(read_text(path, what="the file of boxes", hint=_HINT).splitlines(), 1):
        cells = line.split(",")
        if not line.strip():
            continue
        if len(cells) < 6:
            raise UserError(f"{path}, line {number} is no line of MOT's.", "frame,track,x,y,width,height,score,…")
        try:
            score = min(max(float(cells[6]), 0.0), 1.0) if len(cells) > 6 else 1.0
            rows.append(
                {
                    "frame": int(cells[0]) - 1,  # MOT counts from 1
                    "track": int(float(cells[1])) if float(cells[1]) >= 0 else None,
                    **dict(zip(("x", "y", "width", "height"), map(float, cells[2:6]), strict=True)),
                    "score": score,
                }
            )
        except ValueError as error:
            raise UserError(f"{path}, line {number} holds no numbers ({error}).", "frame,track,x,y,…") from error
    return rows
