"""`occreid parse`: part masks of a benchmark's images, predicted or taken over from another parser."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.console import progress
from occreid.cli.groups import Benchmark, Computing, grouped
from occreid.cli.options import Json, parse_words
from occreid.errors import UserError
from occreid.records import SPLIT_PARTS

if TYPE_CHECKING:
    from occreid.records import Record


@grouped
def parse(
    *,
    benchmark: Benchmark,
    weights: Annotated[Path | None, typer.Option("--weights", help="A run of parser or hpnet.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of masks. Default: ROOT-masks.")] = None,
    parts: Annotated[str, typer.Option("--parts", help="Which of train,query,gallery.")] = "train,query,gallery",
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="Take over masks that another parser made.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="YAML", help="What the values of those masks mean.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: measure IoU against the benchmark's own masks.")
    ] = False,
    hide: Annotated[
        str | None,
        typer.Option(
            "--hide", metavar="STRESS", help="Write nothing: paste things over pictures and count what is seen."
        ),
    ] = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", metavar="PNG", help="Show some masks over images.")] = None,
    computing: Computing,
    as_json: Json = False,
) -> None:
    """Write part masks of a benchmark's images; an interrupted command is continued.

    Example: occreid parse data/market1501 --weights runs/parser --out data/market1501-masks --sheet sheet.png

    Other people's masks: occreid parse data/market1501 --from their-masks --mapping their.yaml

    Does it draw what it cannot see? occreid parse data/market1501 --weights runs/parser --parts query --hide object:0.4
    """
    measures = check or hide is not None
    if (weights is None) == (source is None) or (source is None) != (mapping is None) or (measures and weights is None):
        raise UserError(
            "parse needs a model, or masks and what they mean.", "Give --weights RUN, or --from FOLDER --mapping YAML."
        )
    root, records = benchmark.root, _records(benchmark, parts)
    settings = asdict(computing)
    if check:
        assert weights is not None
        _check(weights, records, settings, as_json)
        return
    if hide is not None:
        assert weights is not None
        _hide(weights, records, hide, computing.device, computing.batch_size, as_json)
        return
    folder = out or Path(f"{root.with_suffix('') if root.suffix.lower() == '.csv' else root}-masks")
    if source is not None and mapping is not None:
        written = _take_over(records, root, source, mapping, folder)
    else:
        assert weights is not None
        written = _predict(records, root, weights, folder, settings, quiet=as_json)
    if sheet is not None:
        _show(records, root, folder, sheet)
    if as_json:
        typer.echo(json.dumps({"out": str(folder), "images": len(records), "written": written}, indent=2))
    else:
        typer.echo(f"{len(records):,} masks are in {folder}, {written:,} written now")


def _records(benchmark: Benchmark, parts: str) -> list[Record]:
    chosen = parse_words("--parts", parts, SPLIT_PARTS)
    split = benchmark.split()
    records = [record for part in SPLIT_PARTS if part in chosen for record in getattr(split, part)]
    if not records:
        raise UserError(f"{split.name} in {benchmark.root} has no image in {parts}.", "Choose other --parts.")
    return list(dict.fromkeys(records))


def _check(weights: Path, records: list[Record], settings: dict[str, Any], as_json: bool) -> None:
    from occreid.evaluation.parts import part_iou
    from occreid.models import load_parser

    masked = [record for record in records if record.mask is not None]
    if not masked:
        raise UserError("these images have no masks of their own to measure against.", "Leave --check out.")
    found = part_iou(load_parser(weights), masked, progress=not as_json, **settings)
    scores = found.scores()
    if as_json:
        typer.echo(json.dumps({"images": found.images, "scores": scores}, indent=2))
        return
    typer.echo(f"{found.images:,} images")
    for label, value in scores.items():
        typer.echo(f"{label:>20} {100 * value:5.1f} %")


def _hide(weights: Path, records: list[Record], hide: str, device: str, batch_size: int, as_json: bool) -> None:
    from occreid.data.occlusion.stress import Stress
    from occreid.evaluation.part_visibility import visible_shares
    from occreid.models import load_parser

    stress, model = Stress.parse(hide), load_parser(weights)
    found = visible_shares(model, records, stress, batch_size=batch_size, device=device, progress=not as_json)
    fractions, parts = found.by_fraction(), found.false_by_part()
    if as_json:
        about = {"images": found.images, "stress": hide, "parts": found.parts, "called": found.called}
        typer.echo(json.dumps({**about, "by_fraction": fractions, "false_visible": parts}, indent=2))
        return
    typer.echo(f"{found.images:,} images under {hide}: parts that are called visible, by what is left of them")
    for upper, share in fractions.items():
        label = "nothing (false visible)" if upper == 0 else f"up to {100 * upper:.0f} %"
        typer.echo(f"{label:>24} {100 * share:5.1f} %")
    for name, share in parts.items():
        typer.echo(f"{f'false visible {name}':>24} {100 * share:5.1f} %")


def _predict(
    records: list[Record], root: Path, weights: Path, folder: Path, settings: dict[str, Any], quiet: bool
) -> int:
    from occreid.annotate.parsing import parse_to_disk
    from occreid.models import load_parser, read_card

    sha256 = str(read_card(weights).get("sha256"))
    return parse_to_disk(load_parser(weights), records, root, folder, weights=sha256, progress=not quiet, **settings)


def _take_over(records: list[Record], root: Path, source: Path, mapping: Path, folder: Path) -> int:
    from occreid.annotate.mask_import import import_masks, read_mapping

    written = 0
    with progress("taking over", len(records)) as tick:
        for _, new in import_masks(records, root, source, read_mapping(mapping), folder):
            written += new
            tick()
    return written


def _show(records: list[Record], root: Path, folder: Path, sheet: Path) -> None:
    from occreid.data.inspect.overlay import overlay_sheet
    from occreid.data.masks.folders import attach_masks

    shown = overlay_sheet(attach_masks(records, root, folder), sheet)
    typer.echo(f"wrote {shown} pictures with their masks to {sheet}", err=True)
