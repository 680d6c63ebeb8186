"""`occreid data build`: an occluded benchmark from one's own crops, in two steps with a look in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.data.shared import Detector
from occreid.cli.groups import grouped
from occreid.cli.options import Device
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.annotate.construction import Leak, Plan, Proposal

Crops = Annotated[Path, typer.Argument(help="A folder of crops, one person each; ids and cameras in the file names.")]
Review = Annotated[Path, typer.Option("--review", metavar="CSV", help="Step 1 writes it, step 2 reads it.")]


@dataclass(frozen=True, slots=True)
class Proposing:
    """Step 1: what is proposed as occluded, and why."""

    keypoints: Annotated[
        Path | None, typer.Option("--keypoints", metavar="JSON", help="Step 1: keypoints in COCO's format.")
    ] = None
    detector: Detector = None
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="Of file names: a regular expression, see the docs.")
    ] = None
    score: Annotated[float, typer.Option("--score", help="Confidence from which a keypoint counts as seen.")] = 0.3
    device: Device = "auto"

    def carry_out(self, crops: Path, review: Path) -> Proposal:
        """Write the table and its page."""
        from occreid.annotate.construction import propose

        hint = "Are the file names the same?" if self.detector is None else "Is there a person in each of them?"
        find = partial(_detect, crops, weights=str(self.detector), review=review, device=self.device)
        return propose(
            crops,
            review,
            lambda files: self.keypoints or find(files),
            pattern=self.pattern,
            score=self.score,
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class Building:
    """Step 2: how the benchmark is drawn from the corrected table."""

    out: Annotated[Path | None, typer.Option("--out", help="Step 2: the benchmark's folder; new or empty.")] = None
    train_share: Annotated[
        float | None, typer.Option("--train-share", help="Of all persons; left out, OPReID's 22 %.")
    ] = None
    query_share: Annotated[
        float | None, typer.Option("--query-share", help="Of all persons; left out, OPReID's 44 %.")
    ] = None
    queries: Annotated[int, typer.Option("--queries", min=1, help="Of a person, at most.")] = 1
    gallery_images: Annotated[
        int,
        typer.Option("--gallery-images", min=1, help="Occluded, and as many holistic, of a query's person, at most."),
    ] = 1
    other_images: Annotated[
        tuple[int, int],
        typer.Option("--other-images", help="Fewest and most of each kind, of persons without a query."),
    ] = (1, 3)
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the splits.")] = 0
    leak_bits: Annotated[
        int, typer.Option("--leak-bits", min=0, max=64, help="Hashes this near are nearly equal pictures.")
    ] = 3

    def carry_out(self, crops: Path, review: Path, out: Path) -> tuple[Plan, list[Leak]]:
        """Write the benchmark."""
        from occreid.annotate.construction import Amounts, Shares, plan_splits, read_review, write_benchmark

        asked = {"train": self.train_share, "query": self.query_share}
        shares = replace(Shares(), **{part: share for part, share in asked.items() if share is not None})
        amounts = Amounts(self.queries, self.gallery_images, self.other_images)
        plan = plan_splits(read_review(review), shares, self.seed, amounts)
        return plan, write_benchmark(plan, crops, out, seed=self.seed, distance=self.leak_bits)


@grouped
def build(
    *,
    crops: Crops,
    review: Review,
    proposing: Proposing,
    building: Building,
) -> None:
    """Build an occluded benchmark as OPReID was built: keypoints propose, you correct, splits are drawn.

    Step 1 writes a review page and its table, step 2 reads the table you saved from the page:

        occreid data build crops --keypoints keypoints.json --review review.csv

        occreid data build crops --detector coco --review review.csv

        occreid data build crops --review review.csv --out data/mine
    """
    out = building.out
    if [proposing.keypoints, proposing.detector, out].count(None) != 2:
        raise UserError(
            "give either --keypoints or --detector (step 1: propose) or --out (step 2: build).",
            "For example: occreid data build crops --keypoints keypoints.json --review review.csv",
        )
    if out is None:
        _print_proposal(proposing.carry_out(crops, review), crops, review)
    else:
        _print_built(*building.carry_out(crops, review, out), out)


def _print_proposal(made: Proposal, crops: Path, review: Path) -> None:
    typer.echo(
        f"{made.crops:,} crops, {made.occluded:,} proposed as occluded "
        f"({made.unknown:,} without keypoints among them); {made.skipped:,} files have other names.\n"
        f"Open {made.page}, correct the ticks, save the table over {review}, then:\n"
        f"  occreid data build {crops} --review {review} --out FOLDER"
    )


def _print_built(plan: Plan, leaks: list[Leak], out: Path) -> None:
    for part, own in plan.parts().items():
        typer.echo(f"{part:8}{len({c.pid for c in own}):7,} persons {len(own):8,} images")
    if leaks:
        typer.echo(f"{len(leaks):,} pairs of nearly equal pictures across parts or persons: see {out / 'leaks.csv'}")
    typer.echo(f"written to {out}; train on it with data.name: folder, data.root: {out / 'benchmark.csv'}")


def _detect(crops: Path, files: list[Path], weights: str, review: Path, device: str) -> Path:
    """The file of keypoints beside the review table, with all crops in it."""
    from occreid.annotate.construction import detect_keypoints
    from occreid.annotate.detectors import weights_key
    from occreid.annotate.keypoint_model import open_keypoint_model
    from occreid.extraction import usable_device
    from occreid.progress import progress_bar

    file = review.with_suffix(".keypoints.json")
    model = open_keypoint_model(weights, device=usable_device(device))
    info = {"description": "torchvision's Keypoint R-CNN", "weights": weights_key(weights)}
    with progress_bar("finding keypoints", len(files), True) as advance:
        looked = detect_keypoints(files, crops, file, model, info, advance=advance)
    typer.echo(f"keypoints looked for in {looked:,} crops now, {len(files) - looked:,} were there already: {file}")
    return file
