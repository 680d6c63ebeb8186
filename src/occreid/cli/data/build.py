"""`occreid data build`: an occluded benchmark from one's own crops, in two steps with a look in between."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.data.shared import Detector
from occreid.cli.options import Device
from occreid.errors import UserError

if TYPE_CHECKING:
    pass

Crops = Annotated[Path, typer.Argument(help="A folder of crops, one person each; ids and cameras in the file names.")]
KeypointFile = Annotated[
    Path | None, typer.Option("--keypoints", metavar="JSON", help="Step 1: keypoints in COCO's format.")
]
Review = Annotated[Path, typer.Option("--review", metavar="CSV", help="Step 1 writes it, step 2 reads it.")]
Out = Annotated[Path | None, typer.Option("--out", help="Step 2: the benchmark's folder; new or empty.")]
Pattern = Annotated[str | None, typer.Option("--pattern", help="Of file names: a regular expression, see the docs.")]
Score = Annotated[float, typer.Option("--score", help="Confidence from which a keypoint counts as seen.")]
TrainShare = Annotated[float | None, typer.Option("--train-share", help="Of all persons; left out, OPReID's 22 %.")]
QueryShare = Annotated[float | None, typer.Option("--query-share", help="Of all persons; left out, OPReID's 44 %.")]
Queries = Annotated[int, typer.Option("--queries", min=1, help="Of a person, at most.")]
GalleryImages = Annotated[
    int, typer.Option("--gallery-images", min=1, help="Occluded, and as many holistic, of a query's person, at most.")
]
OtherImages = Annotated[
    tuple[int, int], typer.Option("--other-images", help="Fewest and most of each kind, of persons without a query.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the splits.")]
Bits = Annotated[int, typer.Option("--leak-bits", min=0, max=64, help="Hashes this near are nearly equal pictures.")]


def build(
    crops: Crops,
    review: Review,
    keypoints: KeypointFile = None,
    detector: Detector = None,
    out: Out = None,
    pattern: Pattern = None,
    score: Score = 0.3,
    train_share: TrainShare = None,
    query_share: QueryShare = None,
    queries: Queries = 1,
    gallery_images: GalleryImages = 1,
    other_images: OtherImages = (1, 3),
    seed: Seed = 0,
    leak_bits: Bits = 3,
    device: Device = "auto",
) -> None:
    """Build an occluded benchmark as OPReID was built: keypoints propose, you correct, splits are drawn.

    Step 1 writes a review page and its table, step 2 reads the table you saved from the page:

        occreid data build crops --keypoints keypoints.json --review review.csv

        occreid data build crops --detector coco --review review.csv

        occreid data build crops --review review.csv --out data/mine
    """
    if sum(way is not None for way in (keypoints, detector, out)) != 1:
        raise UserError(
            "give either --keypoints or --detector (step 1: propose) or --out (step 2: build).",
            "For example: occreid data build crops --keypoints keypoints.json --review review.csv",
        )
    if out is not None:
        _build(crops, review, out, (train_share, query_share), (queries, gallery_images, other_images), seed, leak_bits)
    else:
        _propose(crops, keypoints, detector, review, pattern, score, device)


def _propose(
    crops: Path,
    keypoints: Path | None,
    detector: str | None,
    review: Path,
    pattern: str | None,
    score: float,
    device: str,
) -> None:
    from occreid.annotate.construction import propose

    hint = "Are the file names the same?" if detector is None else "Is there a person in each of them?"
    made = propose(
        crops,
        review,
        lambda files: keypoints or _detect(crops, files, str(detector), review, device),
        pattern=pattern,
        score=score,
        hint=hint,
    )
    typer.echo(
        f"{made.crops:,} crops, {made.occluded:,} proposed as occluded "
        f"({made.unknown:,} without keypoints among them); {made.skipped:,} files have other names.\n"
        f"Open {made.page}, correct the ticks, save the table over {review}, then:\n"
        f"  occreid data build {crops} --review {review} --out FOLDER"
    )


def _detect(crops: Path, files: list[Path], weights: str, review: Path, device: str) -> Path:
    """The file of keypoints beside the review table, with all crops in it."""
    from occreid.annotate.construction import detect_keypoints
    from occreid.annotate.detectors import weights_key
    from occreid.annotate.keypoint_model import open_keypoint_model
    from occreid.extraction import progress_bar, usable_device

    file = review.with_suffix(".keypoints.json")
    model = open_keypoint_model(weights, device=usable_device(device))
    info = {"description": "torchvision's Keypoint R-CNN", "weights": weights_key(weights)}
    with progress_bar("finding keypoints", len(files), True) as advance:
        looked = detect_keypoints(files, crops, file, model, info, advance=advance)
    typer.echo(f"keypoints looked for in {looked:,} crops now, {len(files) - looked:,} were there already: {file}")
    return file


def _build(
    crops: Path,
    review: Path,
    out: Path,
    share: tuple[float | None, float | None],
    amount: tuple[int, int, tuple[int, int]],
    seed: int,
    bits: int,
) -> None:
    from occreid.annotate.construction import Amounts, Shares, plan_splits, read_review, write_benchmark

    usual = Shares()
    train, query = share
    shares = Shares(usual.train if train is None else train, usual.query if query is None else query)
    plan = plan_splits(read_review(review), shares, seed, Amounts(*amount))
    leaks = write_benchmark(plan, crops, out, seed=seed, distance=bits)
    for part, own in plan.parts().items():
        typer.echo(f"{part:8}{len({c.pid for c in own}):7,} persons {len(own):8,} images")
    if leaks:
        typer.echo(f"{len(leaks):,} pairs of nearly equal pictures across parts or persons: see {out / 'leaks.csv'}")
    typer.echo(f"written to {out}; train on it with data.name: folder, data.root: {out / 'benchmark.csv'}")
