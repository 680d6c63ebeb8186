"""`occreid data stats`: what a benchmark is made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from occreid.cli.console import progress
from occreid.cli.data.shared import SHOWN, Inspected, print_counts, write_sheet
from occreid.cli.groups import grouped
from occreid.cli.options import Json

if TYPE_CHECKING:
    from occreid.data.inspect.stats import PartStats


@grouped
def stats(*, benchmark: Inspected, as_json: Json = False) -> None:
    """Describe a benchmark: images per id and camera, sizes, occlusion.

    Counts that differ from the published ones are accepted and misnamed files left out; notes say so. Refused with:
    --option strict=true

    Example: occreid data stats data/occsynth --sheet sheet.png
    """
    from occreid.data.inspect.stats import stats as measure

    split = benchmark.split(strict=False)
    with progress("measuring", len(split.records)) as tick:
        parts = measure(split, workers=benchmark.workers, tick=tick)
    if benchmark.sheet:
        write_sheet(split, benchmark.sheet)
    if as_json:
        from dataclasses import asdict

        plain = {part: asdict(figures) for part, figures in parts.items()}
        for figures in plain.values():
            figures["sizes"] = {f"{w}x{h}": count for (w, h), count in figures["sizes"].items()}
        about = {"name": split.name, "root": str(benchmark.root), "notes": split.notes}
        typer.echo(json.dumps({**about, "parts": plain}, indent=2))
        return
    print_counts(split)
    for part, figures in parts.items():
        _print_stats(part, figures)


def _print_stats(part: str, figures: PartStats) -> None:
    def listed(counts: dict[Any, int], show: Callable[[Any], str] = str) -> str:
        shown = [f"{show(key)}: {count}" for key, count in list(counts.items())[:SHOWN]]
        return ", ".join(shown) + (", …" if len(counts) > SHOWN else "")

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
