"""`occreid data`: list, verify, describe, generate and build benchmarks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.console import print_table, progress
from occreid.cli.options import Json, Name, Option, Root, parse_options
from occreid.cli.splits import load_split

if TYPE_CHECKING:
    from occreid.data.inspect.stats import PartStats
    from occreid.data.inspect.verify import Findings
    from occreid.records import Split

_SHOWN = 20

Sheet = Annotated[Path | None, typer.Option("--sheet", metavar="PNG", help="Write a contact sheet of some persons.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Threads that read images.")]


def register(app: typer.Typer) -> None:
    """Add the group `data`."""
    from occreid.cli.anonymize import anonymize
    from occreid.cli.build import build
    from occreid.cli.occluders import occluders

    group = typer.Typer(
        name="data", help="List, verify, describe, generate and build benchmarks.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command()(verify)
    group.command()(stats)
    group.command()(synth)
    group.command()(crops)
    group.command()(build)
    group.command()(anonymize)
    group.command()(occluders)
    app.add_typer(group)


def list_(as_json: Json = False) -> None:
    """List the benchmarks that can be read, with their published counts.

    Example: occreid data list
    """
    from occreid.data.benchmarks import benchmark_facts, benchmark_options, list_benchmarks

    facts = {name: benchmark_facts(name) for name in list_benchmarks()}
    if as_json:
        rows = [
            {
                "name": name,
                "status": "withdrawn" if fact.withdrawn else "",
                "layout": fact.layout,
                "note": fact.note,
                "options": {key: _plain(value) for key, value in benchmark_options(name).items()},
                "counts": {
                    variant: {part: {"images": i, "ids": n} for part, (i, n) in counts.items()}
                    for variant, counts in fact.counts.items()
                },
            }
            for name, fact in facts.items()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    rows = []
    for name, fact in facts.items():
        for variant, counts in fact.counts.items() or (("", {}),):
            cells = [f"{counts[p][0]:,} / {counts[p][1]:,}" if p in counts else "" for p in _PARTS]
            rows.append([f"{name} {variant}".strip(), *cells])
    typer.echo("images / ids as published")
    print_table(["name", *_PARTS], rows)
    for name, fact in facts.items():
        notes = ["withdrawn by its authors"] * fact.withdrawn + [fact.note] * bool(fact.note)
        if notes:
            typer.echo(f"{name}: {'; '.join(notes)}")


def verify(
    root: Root,
    name: Name = None,
    options: Option = None,
    sheet: Sheet = None,
    workers: Workers = 2,
    as_json: Json = False,
) -> None:
    """Check a benchmark on disk: layout, counts, every image, duplicates, ids.

    Exit code 0: sound; 1: problems were found.

    Example: occreid data verify data/Market-1501-v15.09.15 --name market1501

    Counts other than the published ones are accepted with: --option strict=false
    """
    from occreid.data.inspect.verify import verify as check

    accepted = parse_options(options)
    split = load_split(root, name, {**accepted, "strict": False})
    lenient = str(accepted.get("strict", "true")).lower() in ("false", "no", "off", "0")
    with progress("checking", _images(split)) as tick:
        findings = check(split, accept_differences=lenient, workers=workers, tick=tick)
    if sheet:
        _write_sheet(split, sheet)
    if as_json:
        from dataclasses import asdict

        report = {"name": split.name, "root": str(root), "sound": findings.sound, "counts": split.counts()}
        typer.echo(json.dumps({**report, "notes": split.notes, **asdict(findings)}, indent=2))
    else:
        _print_counts(split, but=("counts", "skipped"))  # these two are among the findings
        _print_findings(findings)
    if not findings.sound:
        raise typer.Exit(1)


def stats(
    root: Root,
    name: Name = None,
    options: Option = None,
    sheet: Sheet = None,
    workers: Workers = 2,
    as_json: Json = False,
) -> None:
    """Describe a benchmark: images per id and camera, sizes, occlusion.

    Counts that differ from the published ones are accepted.

    Example: occreid data stats data/occsynth --sheet sheet.png
    """
    from occreid.data.inspect.stats import stats as measure

    split = load_split(root, name, {"strict": False, **parse_options(options)})
    with progress("measuring", _images(split)) as tick:
        parts = measure(split, workers=workers, tick=tick)
    if sheet:
        _write_sheet(split, sheet)
    if as_json:
        from dataclasses import asdict

        plain = {part: asdict(figures) for part, figures in parts.items()}
        for figures in plain.values():
            figures["sizes"] = {f"{w}x{h}": count for (w, h), count in figures["sizes"].items()}
        typer.echo(json.dumps({"name": split.name, "root": str(root), "parts": plain}, indent=2))
        return
    _print_counts(split)
    for part, figures in parts.items():
        _print_stats(part, figures)


def synth(
    size: Annotated[str, typer.Option("--size", help="tiny (seconds), demo (a minute) or large (GPU training).")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; new or empty.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 1,
    sheet: Sheet = None,
) -> None:
    """Generate occsynth: persons, cameras and occluders, with exact labels.

    Example: occreid data synth --size demo --out data/occsynth --workers 2 --sheet sheet.png
    """
    from occreid.synth import generate

    written = generate(out, size=size, seed=seed, workers=workers)
    split = load_split(Path(written), "occsynth", {})
    _print_counts(split)
    if sheet:
        _write_sheet(split, sheet)
    typer.echo(f"written to {written}")


def crops(
    root: Annotated[Path, typer.Argument(help="The folder that holds COCO's train2014 and annotations.")],
    part: Annotated[str, typer.Option("--part", help="train or val.")] = "train",
    out: Annotated[
        Path | None, typer.Option("--out", help="Default: densepose_crops (of val: densepose_crops_val) in the folder.")
    ] = None,
    margin: Annotated[float, typer.Option("--margin", min=0.0, help="Of the box's sides, added on each side.")] = 0.0,
    min_height: Annotated[int, typer.Option("--min-height", min=0, help="Leave out lower persons, in pixels.")] = 0,
) -> None:
    """Cut the persons of COCO-DensePose out, with masks of the four body parts.

    Example: occreid data crops data/coco
    """
    from occreid.data.benchmarks.coco_densepose import CROPS, read_persons, write_crops
    from occreid.errors import UserError, did_you_mean

    if part not in ("train", "val"):
        raise UserError(f"COCO-DensePose has no part '{part}'.", did_you_mean(part, ("train", "val")))
    persons = read_persons(root, part, min_height)
    target = out or root / CROPS[part]
    with progress("cutting", len(persons)) as tick:
        for _ in write_crops(persons, target, margin=margin):
            tick()
    typer.echo(f"{len(persons)} persons written to {target}")


_PARTS = ("train", "query", "gallery")


def _write_sheet(split: Split, path: Path) -> None:
    from occreid.data.inspect.persons import contact_sheet

    shown = contact_sheet(split, path)
    typer.echo(f"wrote {shown} persons to {path}", err=True)


def _images(split: Split) -> int:
    return len(split.train) + len(split.query) + len(split.gallery)


def _print_counts(split: Split, but: tuple[str, ...] = ()) -> None:
    counts = split.counts()
    rows = [[part, *(f"{counts[part][key]:,}" for key in ("images", "ids", "cameras"))] for part in _PARTS]
    typer.echo(f"{split.name}, same camera: {split.same_camera}")
    print_table(["part", "images", "ids", "cameras"], rows)
    for key, note in sorted(split.notes.items()):
        if key not in but:
            typer.echo(f"note: {key}: {note}")


def _print_findings(findings: Findings) -> None:
    lists = {
        "unreadable": [f"{path}: {reason}" for path, reason in findings.unreadable.items()],
        "same bytes, different ids": [" = ".join(group) for group in findings.conflicts],
        "same bytes in training and test": [" = ".join(group) for group in findings.leaks],
        "ids in training and test": [str(pid) for pid in findings.shared_ids],
        "not as published": list(findings.differences),
        "same bytes, same id (harmless)": [" = ".join(group) for group in findings.copies],
        "queries without a match (not counted in metrics)": list(findings.unmatched_queries),
        "files that are no images (ignored)": list(findings.strays),
    }
    for title, lines in lists.items():
        if lines:
            typer.echo(f"{title}: {len(lines)}")
            for line in lines[:_SHOWN]:
                typer.echo(f"  {line}")
            if len(lines) > _SHOWN:
                typer.echo(f"  … and {len(lines) - _SHOWN} more (all with --json)")
    if findings.distractors:
        typer.echo(f"distractors in the gallery: {findings.distractors}")
    typer.echo("sound" if findings.sound else "problems were found")


def _print_stats(part: str, figures: PartStats) -> None:
    def listed(counts: dict[Any, int], show: Callable[[Any], str] = str) -> str:
        shown = [f"{show(key)}: {count}" for key, count in list(counts.items())[:_SHOWN]]
        return ", ".join(shown) + (", …" if len(counts) > _SHOWN else "")

    typer.echo(f"\n{part}")
    typer.echo(
        f"  images per id (images: ids), median {figures.median_images_per_id:g}: {listed(figures.images_per_id)}"
    )
    typer.echo(f"  images per camera (camera: images): {listed(figures.images_per_camera)}")
    typer.echo(f"  sizes (width×height: images): {listed(figures.sizes, lambda s: f'{s[0]}×{s[1]}')}")
    if figures.occluded is not None:
        typer.echo(f"  occluded: {figures.occluded:.1%}")
    if figures.visible is not None:
        typer.echo("  visible: " + ", ".join(f"{name} {share:.1%}" for name, share in figures.visible.items()))
    if figures.occluders:
        typer.echo(f"  occluders: {listed(figures.occluders)}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
