"""`occreid masks`: masks of whole persons, from Mask R-CNN or from silhouettes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from occreid.cli.groups import Benchmark, grouped
from occreid.cli.options import Device, Json
from occreid.errors import UserError

Out = Annotated[Path, typer.Option("--out", help="The folder of masks; those in it are kept.")]
Weights = Annotated[str | None, typer.Option("--weights", help="Mask R-CNN: coco, or a file of torchvision's weights.")]
Silhouettes = Annotated[Path | None, typer.Option("--silhouettes", help="Take silhouettes from this folder instead.")]


@grouped
def masks(
    *,
    benchmark: Benchmark,
    out: Out,
    weights: Weights = None,
    silhouettes: Silhouettes = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Write a mask of the person in every image of a benchmark, resumably, for methods that ask what is visible.

    For masks with body parts train a parser and use 'occreid parse'. Example:

        occreid masks data/market1501 --weights coco --out data/market1501-masks
    """
    from occreid.annotate.mask_providers import SilhouetteFolder, open_mask_rcnn, write_masks
    from occreid.extraction import usable_device
    from occreid.progress import progress_bar

    if (weights is None) == (silhouettes is None):
        raise UserError("it is not clear where the masks come from.", "Give --weights coco, or --silhouettes FOLDER.")
    root, records = benchmark.root, benchmark.split().records
    if silhouettes is not None:
        provider = SilhouetteFolder(root, silhouettes)
    else:
        provider = open_mask_rcnn(str(weights), device=usable_device(device))
    with progress_bar("masking", len(records), not as_json) as advance:
        made, empty = write_masks(records, root, out, provider, advance)
    if as_json:
        typer.echo(json.dumps({"out": str(out), "images": len(records), "made": made, "empty": empty}, indent=2))
    else:
        typer.echo(f"{len(records):,} images, {made:,} masked now, in {empty:,} of these nobody was found; see {out}")
