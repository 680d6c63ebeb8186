"""`occreid extract`: descriptors of a benchmark to disk."""

from __future__ import annotations

import json
import time
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.options import BatchSize, Device, Json, On, Option, Precision, Workers
from occreid.cli.splits import load_benchmarks
from occreid.cli.subjects import ABOUT, OCCLUDERS, REFINED, facts
from occreid.errors import UserError, did_you_mean
from occreid.files import write_json

if TYPE_CHECKING:
    from occreid.descriptors import Descriptors
    from occreid.extraction import Engine
    from occreid.methods import Method

_ENGINES = ("local", "ray")
_PARTS = ("query", "gallery", "train")


def register(app: typer.Typer) -> None:
    """Add the command `extract`."""
    app.command()(extract)


def extract(
    source: Annotated[Path, typer.Argument(help="A run folder or a .safetensors file.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write; an interrupted one is continued.")],
    on: On = None,
    option: Option = None,
    parts: Annotated[str, typer.Option("--parts", help="Which of query,gallery,train.")] = "query,gallery",
    chunk: Annotated[int, typer.Option("--chunk", min=1, help="Images written at once.")] = 4096,
    engine: Annotated[str, typer.Option("--engine", help="local: this process. ray: a Ray cluster.")] = "local",
    actors: Annotated[int, typer.Option("--actors", min=1, help="Models that work at once under --engine ray.")] = 1,
    device: Device = "auto",
    precision: Precision = "float32",
    batch_size: BatchSize = 64,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Write the descriptors of a benchmark to disk, resumably, and say how fast it went.

    Example: occreid extract runs/market --on market1501=data/market1501 --out descriptors

    On a cluster (all nodes must see the images): --engine ray --actors 16 --chunk 512
    """
    from occreid.data.masks.evaluation import ORACLE, has_test_masks
    from occreid.evaluation import Occluders
    from occreid.extraction import extract_to_disk, usable_device
    from occreid.models import load_model, read_card
    from occreid.retrieval import query_labels

    chosen = _chosen(parts)
    benchmarks = load_benchmarks(source, on, option)
    if len(benchmarks) > 1:
        raise UserError("descriptors of several benchmarks do not fit in one folder.", "Give one --on per command.")
    split, card, model = benchmarks[0], read_card(source), load_model(source)
    rows: list[dict[str, object]] = []
    found: dict[str, Descriptors] = {}
    for part in chosen:
        records = getattr(split, part)
        if not records:
            raise UserError(f"{split.name} has no {part} images.", f"Leave {part} out of --parts.")
        start = time.perf_counter()
        found[part], now = extract_to_disk(
            model,
            records,
            out / part,
            key={"weights_sha256": card.get("sha256"), "input_size": list(model.input_size)},
            chunk=chunk,
            batch_size=batch_size,
            workers=workers,
            device=usable_device(device),
            precision=precision,  # type: ignore[arg-type]  # checked where it is used
            masks=has_test_masks(split),
            progress=not as_json,
            engine=_engine(engine, actors),
        )
        seconds = time.perf_counter() - start
        rows.append({"part": part, "images": len(records), "described": now, "images_per_second": now / seconds})
        if not as_json:
            speed = f"{now / seconds:,.0f} img/s" if now else "all there already"
            typer.echo(f"{part}: {len(records):,} images, {now:,} described now, {speed}")
    _save_refined(model, found, out)
    about = {
        **facts(split, card, precision),
        "metric": model.metric,
        "same_camera": split.same_camera,
        "labels": query_labels(split.query),
        "oracle": split.notes.get(ORACLE, ""),
        OCCLUDERS: [astuple(Occluders.of(part)) for part in (split.query, split.gallery)],
    }
    write_json(out / ABOUT, about)
    typer.echo(json.dumps({"out": str(out), "parts": rows}, indent=2) if as_json else f"descriptors are in {out}")


def _engine(name: str, actors: int) -> Engine | None:
    if name not in _ENGINES:
        raise UserError(f"there is no engine '{name}'.", did_you_mean(name, _ENGINES))
    if name == "local":
        return None
    from occreid.extraction.ray import ray_engine

    return ray_engine(actors)


def _chosen(parts: str) -> list[str]:
    chosen = [part.strip() for part in parts.split(",") if part.strip()]
    for part in chosen:
        if part not in _PARTS:
            raise UserError(f"a benchmark has no part '{part}'.", did_you_mean(part, _PARTS))
    return chosen


def _save_refined(model: Method, found: dict[str, Descriptors], out: Path) -> None:
    """Of a method that looks at the gallery to describe, what evaluation must use; beside the plain descriptors."""
    from occreid.methods import Method

    if type(model).refine is Method.refine or not {"query", "gallery"} <= found.keys():
        return
    for part in ("query", "gallery"):
        model.refine(found[part], found["gallery"]).save(out / REFINED / part)
