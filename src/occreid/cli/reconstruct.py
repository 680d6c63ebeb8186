"""`occreid reconstruct`: OR-GNN's reconstruction as a step on saved descriptors, and the rows of its Tables 1 and 4."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.groups import grouped
from occreid.cli.options import Device, Json
from occreid.cli.tables import print_results
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.retrieval import Ranking

Weights = Annotated[Path, typer.Option("--weights", help="A run folder of orgnn.")]
Out = Annotated[Path | None, typer.Option("--out", help="The folder to write; new or empty.")]
Oracle = Annotated[
    bool, typer.Option("--oracle", help="Drop neighbours of other persons by their true ids: an upper bound.")
]
Ladder = Annotated[bool, typer.Option("--ladder", help="Score every mode, with and without re-ranking, as a table.")]
Block = Annotated[int, typer.Option("--block", min=1, help="Images at work at once.")]


@dataclass(frozen=True, slots=True)
class Saved:
    """The descriptors on disk: of a whole benchmark, or a query and a gallery."""

    source: Annotated[
        Path | None,
        typer.Option("--from", help="A folder of 'occreid extract': its query and gallery are reconstructed."),
    ] = None
    query: Annotated[Path | None, typer.Option("--query", help="Descriptors to reconstruct, instead of --from.")] = None
    gallery: Annotated[
        Path | None, typer.Option("--gallery", help="Descriptors to reconstruct them from, as extracted.")
    ] = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is changed of the run's own way; left out, nothing."""

    mode: Annotated[str | None, typer.Option("--mode", help="base, oan, gnn, oan+average, oan+gnn or oan+orgnn.")] = (
        None
    )
    k: Annotated[
        int | None, typer.Option("--k", min=1, help="Neighbours by each visible part; left out, the run's.")
    ] = None
    theta: Annotated[
        float | None, typer.Option("--theta", help="Least similarity of a neighbour; left out, the run's.")
    ] = None


@grouped
def reconstruct(
    *,
    weights: Weights,
    saved: Saved,
    out: Out = None,
    changes: Changes,
    oracle: Oracle = False,
    ladder: Ladder = False,
    block: Block = 256,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Reconstruct hidden parts of saved descriptors from their neighbours in a gallery.

    For example:

        occreid extract runs/orgnn --option test_masks=masks --out descriptors

        occreid reconstruct --weights runs/orgnn --from descriptors --out whole

        occreid evaluate whole --rerank k-reciprocal

    A new query against a gallery that stays as it is:

        occreid reconstruct --weights runs/orgnn --query new --gallery descriptors/gallery --out new-whole

    The rows of the paper's Table 4:

        occreid reconstruct --weights runs/orgnn --from descriptors --ladder
    """
    from occreid.evaluation import reconstruct as room
    from occreid.extraction import usable_device

    source, query, gallery = saved.source, saved.query, saved.gallery
    if (source is None) == (query is None) or (query is None) != (gallery is None):
        raise UserError("it is not clear what to reconstruct.", "Give --from FOLDER, or --query and --gallery.")
    where = usable_device(device)
    model = room.load_orgnn(weights)
    given = {key: value for key, value in asdict(changes).items() if value is not None}
    task = room.Rebuilder(model.to(where), replace(model.reconstruction, **given), oracle, block)
    if ladder and source is not None:
        _print_ladder([*room.ladder(task, source, weights)], as_json)
        return
    if out is None:
        raise UserError("there is no folder to write to.", "Give --out FOLDER, or --ladder for a table.")
    if source is not None:
        done = room.reconstruct_folder(task, source, weights, out)
    else:
        assert query is not None and gallery is not None  # else neither way was chosen
        done = room.reconstruct_part(task, query, gallery, out)
    if as_json:
        about = {"images": done.images, "gallery": done.gallery, "images_per_second": done.rate}
        typer.echo(json.dumps({"out": str(out), **about}, indent=2))
    else:
        total = sum(done.images.values())
        typer.echo(f"{total:,} images from a gallery of {done.gallery:,}: {done.rate:,.0f} images/s; they are in {out}")


def _print_ladder(rows: list[tuple[str, Ranking]], as_json: bool) -> None:
    from occreid.retrieval.results import summary

    if as_json:
        typer.echo(json.dumps([{"row": name, **summary(ranking)} for name, ranking in rows], indent=2))
    else:
        print_results(rows)
