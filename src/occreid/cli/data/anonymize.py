"""`occreid data anonymize`: hide heads, tell what was not found, measure what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.console import progress
from occreid.cli.data.shared import Detector
from occreid.cli.options import Device, Name, Option, Root, parse_options
from occreid.cli.splits import load_split
from occreid.cli.tables import print_results
from occreid.errors import UserError

Out = Annotated[Path | None, typer.Option("--out", help="The new folder.")]
KeypointFile = Annotated[Path | None, typer.Option("--keypoints", metavar="JSON", help="Keypoints in COCO's format.")]
Masks = Annotated[
    str | None, typer.Option("--masks", help="A folder of 'occreid parse', or 'own': the benchmark's part masks.")
]
FillOption = Annotated[str, typer.Option("--fill", help="grey, pixels or blur; only grey leaves nothing.")]
UnfoundOption = Annotated[str, typer.Option("--unfound", help="Pictures whose head was not found: skip or copy.")]
Cost = Annotated[
    Path | None, typer.Option("--cost", metavar="RUN", help="Also evaluate this run with heads and without.")
]


def anonymize(
    root: Root,
    out: Out = None,
    name: Name = None,
    option: Option = None,
    keypoints: KeypointFile = None,
    masks: Masks = None,
    detector: Detector = None,
    fill: FillOption = "grey",
    unfound: UnfoundOption = "skip",
    cost: Cost = None,
    device: Device = "auto",
) -> None:
    """Copy a benchmark with all heads hidden.

    Heads are found by keypoints, part masks or a detector; pictures whose head none of them finds are left out and
    listed in anonymized.csv. Look at the result: no method finds all.

    For example:

        occreid data anonymize data/mine --keypoints keypoints.json --out data/mine-headless

        occreid data anonymize data/occsynth-demo --masks own --cost runs/first
    """
    from occreid.annotate.anonymize import REPORT
    from occreid.annotate.anonymize import anonymize as carry_out
    from occreid.annotate.heads import FILLS

    if out is None and cost is None:
        raise UserError("there is nothing to do.", "Give --out for a copy, --cost for what it would cost, or both.")
    for what, value, known in (("--fill", fill, FILLS), ("--unfound", unfound, ("skip", "copy"))):
        if value not in known:
            raise UserError(f"{what} is '{value}'.", f"Give {' or '.join(known)}.")
    split = load_split(root, name, parse_options(option))
    find, split = _finder(split, root, keypoints, masks, detector, device)
    if out is not None:
        records = (*split.train, *split.query, *split.gallery)
        with progress("hiding", len(records)) as tick:
            outcome = carry_out(records, root, out, find, fill=fill, unfound=unfound, tick=tick)  # type: ignore[arg-type]
        typer.echo(
            f"{len(outcome.hidden):,} heads hidden, {len(outcome.headless):,} pictures show none, "
            f"{len(outcome.unfound):,} not found and {'left out' if unfound == 'skip' else 'copied as they are'}"
            f"{': see ' + str(out / REPORT) if outcome.unfound else ''}.\nwritten to {out}"
        )
    if cost is not None:
        _print_cost(cost, split, find, fill, device)


def _finder(
    split: Any, root: Path, keypoints: Path | None, masks: str | None, detector: str | None, device: str
) -> tuple[Any, Any]:
    """How heads are found, and the split with the masks this takes."""
    from dataclasses import replace

    from occreid.annotate.anonymize import find_by_keypoints, find_by_mask
    from occreid.annotate.heads import head_from_keypoints

    if sum(way is not None for way in (keypoints, masks, detector)) != 1:
        raise UserError("how should heads be found?", "Give one of --keypoints, --masks and --detector.")
    if masks is not None:
        if masks != "own":
            from occreid.data.masks.folders import attach_masks

            parts = {part: attach_masks(getattr(split, part), root, masks) for part in ("train", "query", "gallery")}
            split = replace(split, **parts)
        elif all(r.mask is None for r in (*split.train, *split.query, *split.gallery)):
            raise UserError(f"{split.name} has no part masks of its own.", "Make some with: occreid parse")
        return find_by_mask, split
    if keypoints is not None:
        from occreid.annotate.construction import read_keypoints

        records = (*split.train, *split.query, *split.gallery)
        return find_by_keypoints(read_keypoints(keypoints), records), split
    from occreid.annotate.keypoint_model import open_keypoint_model
    from occreid.extraction import usable_device

    model = open_keypoint_model(str(detector), device=usable_device(device))
    return (lambda r, image: head_from_keypoints(model(image), *image.shape[:2])), split


def _print_cost(run: Path, split: Any, find: Any, fill: str, device: str) -> None:
    """Evaluate with heads and without."""
    from occreid.annotate.anonymize import Anonymizer
    from occreid.evaluation import measure
    from occreid.models import load_model

    model = load_model(run)
    hidden: Any = Anonymizer(find, fill)  # type: ignore[arg-type]  # checked there
    alters = {"with heads": None, "without": hidden}
    print_results([(title, measure(model, split, device=device, alter=alter)) for title, alter in alters.items()])
