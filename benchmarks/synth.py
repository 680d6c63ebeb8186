"""What generating occsynth costs: `python benchmarks/synth.py [--people 12] [--repeats 3] [--edition occsynth-2]`.

Prints pictures per second and core, everything included (occluders, masks, encoding, files), and the ratio of
its cost to a reference measured between its own repeats: posing the same bodies and filling their bare faces
as flat polygons, far to near, at twice the size, with nothing else in the picture. Counts processor time, so
that a busy machine does not spoil it; warm, so that reading body data and drawing scenes once is left out
(it is printed apart).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from occreid.synth.editions import EDITIONS, FIRST_NAME
from occreid.synth.generate import make_person
from occreid.synth.people.figure import Figure, build_figure
from occreid.synth.protocol import SIZES, Shot, plan
from occreid.synth.render.person import stand
from occreid.synth.scene.cameras import draw_camera
from occreid.synth.write import FOLDERS


def painters_fill(figure: Figure, count: int, seed: int) -> None:
    """Pose a figure and fill its faces as polygons in painter's order, one flat shade each, at 256 × 512."""
    camera, rng = draw_camera(0, seed), np.random.default_rng(seed)
    for _ in range(count):
        person = stand(figure, camera, np.array([0.0, camera.near]), rng)
        low, high = person.uv.min(0), person.uv.max(0)
        points = ((person.uv - low) / (high[1] - low[1]) * 511)[figure.piece.faces]
        a, b = points[:, 2] - points[:, 0], points[:, 3] - points[:, 1]
        seen = np.flatnonzero(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0)
        order = seen[np.argsort(-person.depth[figure.piece.faces[seen]].mean(1))]
        shade = (np.abs(person.normals[figure.piece.faces[order, 0], 1]) * 200).astype(int).tolist()
        canvas = np.zeros((512, 512), np.uint8)
        for polygon, tone in zip(np.round(points[order]).astype(np.int32), shade, strict=True):
            cv2.fillConvexPoly(canvas, polygon, tone)


def _cpu(task, *args: object) -> float:
    start = time.process_time()
    task(*args)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--edition", default=FIRST_NAME, choices=EDITIONS)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    edition = EDITIONS[options.edition]
    size = SIZES["demo"]  # the same people and pictures for every edition
    everyone = plan(size, 0)
    chosen: list[list[Shot]] = everyone[5 : 5 + options.people // 2] + everyone[70 : 70 + options.people // 2]
    images = sum(map(len, chosen))
    figure = build_figure(edition.look(1, 0))
    with tempfile.TemporaryDirectory() as folder:
        for name in FOLDERS:
            (Path(folder) / name).mkdir()

        def everybody() -> None:
            for shots in chosen:
                make_person(Path(folder), shots, 0, edition.name)

        cold = _cpu(everybody)
        painters_fill(figure, 2, 0)
        ours, reference = np.inf, np.inf
        for _ in range(options.repeats):
            ours = min(ours, _cpu(everybody) / images)
            reference = min(reference, _cpu(painters_fill, figure, 20, 0) / 20)
    print(f"{images} images of {len(chosen)} people, {options.repeats} repeats, best of each, processor time")
    print(f"images per second and core   {1 / ours:8.1f}")
    print(f"milliseconds per image       {1000 * ours:8.1f}")
    print(f"reference (pose + fill)      {1000 * reference:8.1f} ms")
    print(f"ratio to the reference       {ours / reference:8.2f}")
    print(f"first pass, cold             {cold - ours * images:8.1f} s more, once per process")


if __name__ == "__main__":
    main()
