"""`occreid extract`: descriptors of a benchmark to disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.groups import Benchmarks, Running, grouped
from occreid.cli.options import FlipTest, Json, parse_words, require_known

if TYPE_CHECKING:
    from occreid.extraction import Engine


@grouped
def extract(
    *,
    source: Annotated[Path, typer.Argument(help="A run folder or a .safetensors file.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; an interrupted one is continued.")],
    benchmarks: Benchmarks,
    parts: Annotated[str, typer.Option("--parts", help="Which of query,gallery,train.")] = "query,gallery",
    chunk: Annotated[int, typer.Option("--chunk", min=1, help="Images written at once.")] = 4096,
    engine: Annotated[str, typer.Option("--engine", help="local: this process. ray: a Ray cluster.")] = "local",
    actors: Annotated[int, typer.Option("--actors", min=1, help="Models that work at once under --engine ray.")] = 1,
    flip_test: FlipTest = False,
    running: Running,
    as_json: Json = False,
) -> None:
    """Write the descriptors of a benchmark to disk, resumably, and say how fast it went.

    Example: occreid extract runs/market --on market1501=data/market1501 --out descriptors

    On a cluster (all nodes must see the images): --engine ray --actors 16 --chunk 512
    """
    from occreid.evaluation import Describer
    from occreid.evaluation.saved import PARTS, describe_to_disk
    from occreid.models import load_model

    chosen, by = parse_words("--parts", parts, PARTS), _engine(engine, actors)
    settings = running.settings(progress=not as_json)
    split = benchmarks.only(source, "descriptors of several benchmarks do not fit in one folder.")
    model = load_model(source)
    model.flip_test = model.flip_test or flip_test
    describer = Describer(model, split, settings=settings)
    written = describe_to_disk(describer, out, chosen, chunk=chunk, engine=by)
    if as_json:
        rows = [
            {"part": w.part, "images": w.images, "described": w.described, "images_per_second": w.rate} for w in written
        ]
        typer.echo(json.dumps({"out": str(out), "parts": rows}, indent=2))
        return
    for w in written:
        speed = f"{w.rate:,.0f} img/s" if w.described else "all there already"
        typer.echo(f"{w.part}: {w.images:,} images, {w.described:,} described now, {speed}")
    typer.echo(f"descriptors are in {out}")


def _engine(name: str, actors: int) -> Engine | None:
    require_known("--engine", name, ("local", "ray"))
    if name == "local":
        return None
    from occreid.extraction.ray import ray_engine

    return ray_engine(actors)
