"""The picture of README.md: a person looked for, and where a generated recording shows the same person.

Example: PYTHONPATH=examples python tools/readme_picture.py --model runs/first --out docs/images/find.png
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from occreid import load_model
from occreid.data import load_benchmark
from occreid.data.images import read_image
from occreid.data.inspect.sheet import Tile, draw_sheet, write_sheet
from occreid.data.sightings import on_paper
from occreid.models.shipped import default_model
from occreid.scenes.boxes import Box
from occreid.scenes.crops import Crop
from occreid.scenes.finding import find_person
from occreid.scenes.frames import Frame
from track_scene import scene

ANSWERS = 4
CELL = (160, 200)
BLUE, GREEN, RED = (40, 90, 200), (30, 140, 60), (190, 40, 40)


def main() -> None:
    """Generate people and a recording, look for one of them, and draw the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="what occreid.load_model takes; left out, the package's own")
    parser.add_argument("--out", type=Path, default=Path("docs/images/find.png"))
    arguments = parser.parse_args()

    model = load_model(arguments.model or default_model())
    with tempfile.TemporaryDirectory() as folder:
        people = Path(folder) / "people"
        frames = scene(people)
        split = load_benchmark("occsynth", people)
        seen = {pid for _, boxes in frames for pid in boxes}
        asked = next(r for r in (*split.query, *split.gallery, *split.train) if r.pid in seen and r.occluded)
        found = find_person(model, asked.path, _crops(frames), top=ANSWERS)
        at = {(t, int(box[0]), int(box[1])): pid for t, (_, boxes) in enumerate(frames) for pid, box in boxes.items()}
        query = read_image(asked.path)
    top = [Tile(on_paper(query, *CELL), "looked for", BLUE)]
    low = [Tile(np.full((*CELL, 3), 255, np.uint8), "")]
    hits = 0
    for place, one in enumerate(found, 1):
        right = at[one.facts["frame"], one.facts["x"], one.facts["y"]] == asked.pid  # type: ignore[index]
        hits += right
        word = "right" if right else "wrong"
        top.append(
            Tile(on_paper(one.crop, *CELL), f"{place} {word}, distance {one.distance:.3f}", GREEN if right else RED)
        )
        low.append(Tile(on_paper(one.whole, *CELL), one.about))
    write_sheet(arguments.out, draw_sheet([top, low], cell=CELL))
    print(f"{arguments.out}: {hits} of {len(found)} answers show the person looked for")


def _crops(frames: list) -> Iterator[Crop]:
    """Of every fifth frame: so that answers are moments and not one moment many times."""
    for number, (pixels, boxes) in enumerate(frames):
        if number % 10 == 5:
            frame = Frame("yard.mp4", number, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), number / 10)
            for x1, y1, x2, y2 in boxes.values():
                yield Crop(frame, Box(int(x1), int(y1), int(x2 - x1), int(y2 - y1), 0.9))


if __name__ == "__main__":
    main()
