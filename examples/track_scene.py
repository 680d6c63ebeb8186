"""Keep people apart in a video by how they look: a small tracker with occreid's descriptors, on a generated scene.

Example: python examples/track_scene.py runs/first --out scene

Generated persons walk past each other and behind a pillar for 8 seconds at 10 frames a second. The tracker is run twice
over the same boxes: by overlap alone, and by overlap and descriptors. Counted is how often a person's number changes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from occreid import UserError, load_model
from occreid.data import load_benchmark
from occreid.integrations import TrackEmbedder
from occreid.synth import generate

FRAMES, HEIGHT, WIDTH, PILLAR = 80, 240, 480, (225, 265)
Boxes = NDArray[np.float64]


def scene(root: Path, persons: int = 4) -> list[tuple[NDArray[np.uint8], dict[int, tuple[float, ...]]]]:
    """Frames (H, W, 3) in OpenCV's colours, each with person → box (x1, y1, x2, y2) of those a detector would see."""
    split = load_benchmark("occsynth", generate(root, size="tiny", seed=0) if not root.exists() else root)
    records = [r for r in (*split.train, *split.gallery) if r.occluded is False and r.mask is not None]
    pids = sorted({r.pid for r in records})[:persons]
    looks = {pid: [_cut_out(r) for r in records if r.pid == pid] for pid in pids}
    frames = []
    for t in range(FRAMES):
        frame, boxes = _yard(), {}
        for number, pid in enumerate(pids):
            way = 8 * t - 130 * (number // 2)  # pixels walked; the second pair comes later
            x = way if number % 2 == 0 else WIDTH - 60 - way  # half of them come from the right
            y = 60 + 14 * number
            if not 0 <= x <= WIDTH - 60:
                continue
            pixels, mask = looks[pid][t // 10 % len(looks[pid])]
            frame[y : y + pixels.shape[0], x : x + pixels.shape[1]][mask] = pixels[mask]
            if not PILLAR[0] - 40 < x < PILLAR[1] - 10:  # the detector misses who is behind the pillar
                boxes[pid] = (x, y, x + pixels.shape[1], y + pixels.shape[0])
        cv2.rectangle(frame, (PILLAR[0], 0), (PILLAR[1], HEIGHT), (90, 100, 95), -1)
        cv2.rectangle(frame, (PILLAR[0], 0), (PILLAR[0] + 8, HEIGHT), (110, 120, 115), -1)
        frames.append((frame, boxes))
    return frames


def _yard() -> NDArray[np.uint8]:
    """A wall with windows above a floor of slabs."""
    frame = np.full((HEIGHT, WIDTH, 3), (150, 160, 165), np.uint8)
    for x in range(20, WIDTH, 90):
        cv2.rectangle(frame, (x, 15), (x + 45, 75), (120, 110, 95), -1)
    floor = HEIGHT // 2
    frame[floor:] = np.linspace(105, 140, HEIGHT - floor)[:, None, None].astype(np.uint8)
    for step in range(-8, 9):
        cv2.line(frame, (WIDTH // 2 + 40 * step, floor), (WIDTH // 2 + 110 * step, HEIGHT), (100, 100, 100), 1)
    for y in (floor + 12, floor + 32, floor + 65):
        cv2.line(frame, (0, y), (WIDTH, y), (100, 100, 100), 1)
    return frame


class Tracker:
    """Greedy: each track takes the box that resembles it most; a track unseen for `patience` frames ends.

    Args:
        embedder: None compares by overlap alone.
        patience: frames.
        least: a pair of less resemblance than this is none.
    """

    def __init__(self, embedder: TrackEmbedder | None, patience: int = 25, least: float = 0.3) -> None:
        self.embedder, self.patience, self.least = embedder, patience, least
        self.tracks: dict[int, tuple[tuple[float, ...], NDArray[np.float32] | None, int]] = {}
        self._next = 1

    def update(self, boxes: Boxes, frame: NDArray[np.uint8], t: int) -> list[int]:
        """The number of each of N boxes (N, 4)."""
        looks = self.embedder.get_features(boxes, frame) if self.embedder and len(boxes) else [None] * len(boxes)
        pairs = [
            (self._likeness(track, box, look, t), number, row)
            for number, track in self.tracks.items()
            for row, (box, look) in enumerate(zip(boxes, looks, strict=True))
            if t - track[2] <= self.patience
        ]
        given: dict[int, int] = {}
        for likeness, number, row in sorted(pairs, reverse=True):
            if likeness >= self.least and row not in given and number not in given.values():
                given[row] = number
        for row in range(len(boxes)):
            if row not in given:
                given[row], self._next = self._next, self._next + 1
            old = self.tracks.get(given[row])
            mixed = looks[row] if old is None or old[1] is None else 0.9 * old[1] + 0.1 * looks[row]
            self.tracks[given[row]] = (tuple(boxes[row]), mixed, t)
        return [given[row] for row in range(len(boxes))]

    def _likeness(self, track, box, look, t: int) -> float:
        overlap = _overlap(track[0], box) if t - track[2] == 1 else 0.0
        return overlap if look is None else 0.5 * overlap + float(look @ track[1] / np.linalg.norm(track[1]))


def _overlap(a, b) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _cut_out(record) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    pixels = cv2.imread(str(record.path))
    mask = cv2.imread(str(record.mask), cv2.IMREAD_UNCHANGED) > 0
    size = (60, 130)
    mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return cv2.resize(pixels, size), mask


def follow(frames, tracker: Tracker, video: Path) -> int:
    """Run a tracker, write what it saw, and count how often a person's number changed."""
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), 10, (WIDTH, HEIGHT))
    last: dict[int, int] = {}
    changes = 0
    for t, (frame, boxes) in enumerate(frames):
        numbers = tracker.update(np.array(list(boxes.values()), np.float64).reshape(-1, 4), frame, t)
        drawn = frame.copy()
        for (pid, box), number in zip(boxes.items(), numbers, strict=True):
            changes += last.get(pid, number) != number
            last[pid] = number
            x1, y1, x2, y2 = (int(side) for side in box)
            cv2.rectangle(drawn, (x1, y1), (x2, y2), (255, 255, 255), 1)
            cv2.putText(drawn, str(number), (x1 + 2, y1 + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 255), 1)
        writer.write(drawn)
    writer.release()
    return changes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="what occreid.load_model takes: a run folder, a file, a name, hf:owner/name")
    parser.add_argument("--out", type=Path, default=Path("scene"), help="a folder for the people and the two videos")
    arguments = parser.parse_args()

    frames = scene(arguments.out / "people")
    embedder = TrackEmbedder(load_model(arguments.model))
    for name, tracker in (("overlap", Tracker(None)), ("descriptors", Tracker(embedder))):
        video = arguments.out / f"{name}.mp4"
        print(f"{name}: {follow(frames, tracker, video)} changes of a person's number; {video}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
