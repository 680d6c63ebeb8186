"""`occreid data build`: an occluded benchmark from one's own crops, in two steps with a look in between."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from occreid.errors import UserError

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
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the splits.")]
Bits = Annotated[int, typer.Option("--leak-bits", min=0, max=64, help="Hashes this near are nearly equal pictures.")]


def build(
    crops: Crops,
    review: Review,
    keypoints: KeypointFile = None,
    out: Out = None,
    pattern: Pattern = None,
    score: Score = 0.3,
    train_share: TrainShare = None,
    query_share: QueryShare = None,
    seed: Seed = 0,
    leak_bits: Bits = 3,
) -> None:
    """Build an occluded benchmark as OPReID was built: keypoints propose, you correct, splits are drawn.

    Step 1 writes a review page and its table, step 2 reads the table you saved from the page:

        occreid data build crops --keypoints keypoints.json --review review.csv

        occreid data build crops --review review.csv --out data/mine
    """
    if (keypoints is None) == (out is None):
        raise UserError(
            "give either --keypoints (step 1: propose) or --out (step 2: build).",
            "For example: occreid data build crops --keypoints keypoints.json --review review.csv",
        )
    if keypoints is not None:
        _propose(crops, keypoints, review, pattern, score)
    elif out is not None:
        _build(crops, review, out, train_share, query_share, seed, leak_bits)


def _propose(crops: Path, keypoints: Path, review: Path, pattern: str | None, score: float) -> None:
    from occreid.data.benchmarks.folder import PATTERN, compiled, parse_names
    from occreid.data.construction import Crop, missing_run, read_keypoints, write_review

    if not crops.is_dir():
        raise UserError(f"there is no folder {crops}.", "Give the folder of the crops.")
    skipped: list[Path] = []
    rows = parse_names(crops, "crops", compiled(pattern or PATTERN), skipped)
    found = read_keypoints(keypoints, score)
    known = [row for row in rows if row.path.name in found]
    if not known:
        raise UserError(f"{keypoints} has keypoints of none of the {len(rows)} crops.", "Are the file names the same?")
    proposed = []
    for row in rows:
        why = missing_run(found.get(row.path.name))
        path = row.path.relative_to(crops).as_posix()
        proposed.append(Crop(path, row.pid, row.camera or "", why is not None, why or ""))
    page = review.with_suffix(".html")
    write_review(proposed, crops, page, review)
    typer.echo(
        f"{len(rows):,} crops, {sum(c.occluded for c in proposed):,} proposed as occluded "
        f"({len(rows) - len(known):,} without keypoints among them); {len(skipped):,} files have other names.\n"
        f"Open {page}, correct the ticks, save the table over {review}, then:\n"
        f"  occreid data build {crops} --review {review} --out FOLDER"
    )


def _build(
    crops: Path, review: Path, out: Path, train: float | None, query: float | None, seed: int, bits: int
) -> None:
    from occreid.data.construction import Shares, plan_splits, read_review, write_benchmark

    usual = Shares()
    shares = Shares(usual.train if train is None else train, usual.query if query is None else query)
    plan = plan_splits(read_review(review), shares, seed)
    leaks = write_benchmark(plan, crops, out, seed=seed, distance=bits)
    for part, own in plan.parts().items():
        typer.echo(f"{part:8}{len({c.pid for c in own}):7,} persons {len(own):8,} images")
    if leaks:
        typer.echo(f"{len(leaks):,} pairs of nearly equal pictures across parts or persons: see {out / 'leaks.csv'}")
    typer.echo(f"written to {out}; train on it with data.name: folder, data.root: {out / 'benchmark.csv'}")
