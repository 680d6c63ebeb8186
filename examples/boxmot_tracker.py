"""A BoxMOT tracker that tells people apart by an occreid model.

BoxMOT is under the AGPL-3.0 and no part of occreid: install it yourself (pip install boxmot) where that licence suits.
Its trackers with appearance (BotSort, StrongSort, DeepOcSort, …) take descriptors beside the boxes,
``tracker.update(dets, img, embs)``, so that they need no network of their own.

Example: python examples/boxmot_tracker.py runs/first door.mp4 --out door.txt
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid import UserError
from occreid.integrations import TrackEmbedder
from occreid.scenes import frames_of, open_boxes


def follow(
    tracker: Any, embedder: TrackEmbedder, source: str, detector: str, least: float = 0.1
) -> list[tuple[float, ...]]:
    """MOT's rows (frame from 1, track, x, y, width, height, score) of the persons in a video.

    Args:
        tracker: of BoxMOT, or any with its call.
        embedder: what a box looks like.
        source: a picture or video, see `occreid.scenes.frames_of`.
        detector: see `occreid.scenes.open_boxes`.
        least: score below which a box is left out; trackers have use for unsure ones.
    """
    rows: list[tuple[float, ...]] = []
    find = open_boxes(detector)
    for number, frame in enumerate(frames_of([source], every=0), 1):
        found = [box for box in find(frame) if box.score >= least]
        corners = [(b.x, b.y, b.x + b.width, b.y + b.height, b.score, 0) for b in found]  # …, score, class
        boxes: NDArray[np.float32] = np.array(corners, np.float32).reshape(-1, 6)
        image = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)
        looks = embedder.get_features(boxes[:, :4], image)
        for x1, y1, x2, y2, track, score, *_ in tracker.update(boxes, image, looks):
            rows.append((number, int(track), x1, y1, x2 - x1, y2 - y1, score))
    return rows


def main() -> None:
    """Follow the people in one video."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="what occreid.load_model takes")
    parser.add_argument("video")
    parser.add_argument("--out", type=Path, default=Path("tracks.txt"))
    parser.add_argument("--detector", default="fasterrcnn_mobilenet_v3_large_320_fpn", help="as of occreid crop")
    arguments = parser.parse_args()
    try:
        from boxmot import BotSort
    except ImportError:
        sys.exit("BoxMOT is not installed: pip install boxmot (AGPL-3.0)")
    rows = follow(BotSort(), TrackEmbedder(arguments.model), arguments.video, arguments.detector)
    arguments.out.write_text("".join(",".join(f"{cell:g}" for cell in row) + ",-1,-1,-1\n" for row in rows))
    print(f"{arguments.out}: {len({row[1] for row in rows})} tracks")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
