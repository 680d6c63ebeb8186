"""`occreid crop`: persons cut out of pictures and videos."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.groups import grouped
from occreid.cli.options import Device, Json

if TYPE_CHECKING:
    from occreid.scenes import Crop
    from occreid.scenes.tracks import Joiner


DETECTOR = "fasterrcnn_mobilenet_v3_large_320_fpn"
"""What finds persons where nothing else is asked for."""
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        help="A detector of torchvision, package.module:function (picture → boxes, scores), or a file of boxes: "
        ".json, .csv, or .txt of MOT.",
    ),
]
Weights = Annotated[str, typer.Option("--weights", help="Of torchvision's detector: coco (downloads), or a file.")]
Every = Annotated[float, typer.Option("--every", min=0, help="Seconds between frames of a video; 0 takes all.")]
Score = Annotated[float, typer.Option("--score", min=0, max=1, help="Leave out boxes below it.")]
Smallest = Annotated[int, typer.Option("--smallest", min=8, help="Leave out boxes lower than so many pixels.")]
Most = Annotated[int | None, typer.Option("--frames", min=1, help="At most so many frames of each video.")]


@dataclass(frozen=True, slots=True)
class Scenes:
    """Where persons are looked for, and which boxes count."""

    sources: Annotated[list[str], typer.Argument(help="Pictures, folders of them, video files, or rtsp:// addresses.")]
    detector: DetectorName = DETECTOR
    weights: Weights = "coco"
    every: Every = 1.0
    start: Annotated[str | None, typer.Option("--start", help="When the videos begin, e.g. 2026-03-01T08:00.")] = None
    score: Score = 0.5
    smallest: Smallest = 32
    frames: Most = None
    device: Device = "auto"

    def crops(self, joiner: Callable[[], Joiner] | None = None, best: bool = False) -> Iterator[Crop]:
        """The persons in them.

        Raises:
            UserError: no scene, no detector, or a moment that is none.
        """
        from occreid.extraction import usable_device
        from occreid.scenes import crop_persons, frames_of, open_boxes
        from occreid.timestamps import parse_timestamp

        begin = None if self.start is None else parse_timestamp(self.start, "--start")
        boxes = open_boxes(self.detector, weights=self.weights, device=usable_device(self.device))
        scenes = frames_of(self.sources, every=self.every, start=begin, most=self.frames)
        return crop_persons(scenes, boxes, least=self.score, height=self.smallest, joiner=joiner, best_of_track=best)


@grouped
def crop(
    *,
    scenes: Scenes,
    out: Annotated[Path, typer.Option("--out", help="A new folder for the crops and crops.csv.")],
    camera: Annotated[str, typer.Option("--camera", help="The camera's name; left out, each source's own.")] = "",
    track: Annotated[bool, typer.Option("--track", help="Join boxes of consecutive frames into paths.")] = False,
    model: Annotated[Path | None, typer.Option("--model", help="With --track: joins by appearance too.")] = None,
    best: Annotated[bool, typer.Option("--best", help="Keep only the surest crop of each path.")] = False,
    as_json: Json = False,
) -> None:
    """Cut the persons out of scenes and videos: a folder of crops with camera, time, box and score of each.

    For example:

        occreid crop door.mp4 --start 2026-03-01T08:00 --camera door --track --best --out crops/door

        occreid crop scenes/ --detector boxes.json --out crops/scenes
    """
    from occreid.scenes import write_crops

    number = write_crops(scenes.crops(_joiner(track, model), best), out, camera=camera)
    if as_json:
        typer.echo(json.dumps({"folder": str(out), "crops": number}))
        return
    typer.echo(f"{out}: {number:,} crops; where and when each was seen is in crops.csv")


def _joiner(track: bool, model: Path | None) -> Callable[[], Joiner] | None:
    from occreid.errors import UserError
    from occreid.models import load_model
    from occreid.scenes.tracks import Joiner

    if model is not None and not track:
        raise UserError("--model joins boxes into paths, and none are asked for.", "Add --track.")
    if not track:
        return None
    if model is None:
        return Joiner
    network = load_model(model)
    return lambda: Joiner(look=lambda crops: network.embed(list(crops)), metric=network.metric)
