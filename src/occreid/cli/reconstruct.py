"""`occreid reconstruct`: OR-GNN's reconstruction as a step on saved descriptors, and the rows of its Tables 1 and 4."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.options import Device, Json
from occreid.cli.results import print_results
from occreid.cli.subjects import ABOUT, OCCLUDERS
from occreid.errors import UserError
from occreid.files import read_json, write_json

if TYPE_CHECKING:
    from occreid.descriptors import Descriptors
    from occreid.methods.orgnn import OrGnn, Reconstruction
    from occreid.retrieval import Ranking

_UPPER_BOUND = "true identities chose the neighbours"

Weights = Annotated[Path, typer.Option("--weights", help="A run folder of orgnn.")]
Source = Annotated[
    Path | None, typer.Option("--from", help="A folder of 'occreid extract': its query and gallery are reconstructed.")
]
Query = Annotated[Path | None, typer.Option("--query", help="Descriptors to reconstruct, instead of --from.")]
Gallery = Annotated[Path | None, typer.Option("--gallery", help="Descriptors to reconstruct them from, as extracted.")]
Out = Annotated[Path | None, typer.Option("--out", help="The folder to write; new or empty.")]
Mode = Annotated[str | None, typer.Option("--mode", help="base, oan, gnn, oan+average, oan+gnn or oan+orgnn.")]
K = Annotated[int | None, typer.Option("--k", min=1, help="Neighbours by each visible part; left out, the run's.")]
Theta = Annotated[float | None, typer.Option("--theta", help="Least similarity of a neighbour; left out, the run's.")]
Oracle = Annotated[
    bool, typer.Option("--oracle", help="Drop neighbours of other persons by their true ids: an upper bound.")
]
Ladder = Annotated[bool, typer.Option("--ladder", help="Score every mode, with and without re-ranking, as a table.")]
Block = Annotated[int, typer.Option("--block", min=1, help="Images at work at once.")]


def register(app: typer.Typer) -> None:
    """Add the command `reconstruct`."""
    app.command()(reconstruct)


def reconstruct(
    weights: Weights,
    source: Source = None,
    query: Query = None,
    gallery: Gallery = None,
    out: Out = None,
    mode: Mode = None,
    k: K = None,
    theta: Theta = None,
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
    from occreid.extraction import usable_device

    model = _load(weights)
    how = _changed(model.reconstruction, mode, k, theta)
    task = _Task(model.to(usable_device(device)), how, oracle, block)
    if (source is None) == (query is None) or (query is None) != (gallery is None):
        raise UserError("it is not clear what to reconstruct.", "Give --from FOLDER, or --query and --gallery.")
    if source is None:
        _single(task, query, gallery, out, as_json)  # type: ignore[arg-type]  # both are there
    elif ladder:
        _ladder(task, source, weights, as_json)
    else:
        _whole(task, source, weights, out, as_json)


@dataclass(frozen=True, slots=True)
class _Task:
    """What all forms of the command share."""

    model: OrGnn
    how: Reconstruction
    oracle: bool
    block: int

    def rebuild(self, descriptors: Descriptors, gallery: Descriptors) -> Descriptors:
        from occreid.methods.orgnn import reconstruct as rebuild

        return rebuild(descriptors, gallery, self.model.gnn, self.how, oracle=self.oracle, rows=self.block)

    def mark(self, said: str) -> str:
        """What the result must say it was told, besides what the descriptors were told already."""
        return "; ".join(text for text in (said, _UPPER_BOUND if self.oracle else "") if text)

    def settings(self) -> dict[str, Any]:
        return {"mode": self.how.mode, "k": self.how.k, "theta": self.how.theta, "oracle": self.oracle}


def _load(weights: Path) -> OrGnn:
    from occreid.methods.orgnn import OrGnn
    from occreid.models import load_model

    model = load_model(weights)
    if not isinstance(model, OrGnn):
        name = model.spec.name if model.spec else type(model).__name__
        raise UserError(f"{weights} is a run of {name}, which does not reconstruct.", "Give a run of orgnn.")
    return model


def _changed(how: Reconstruction, mode: str | None, k: int | None, theta: float | None) -> Reconstruction:
    given = {"mode": mode, "k": k, "theta": theta}
    return replace(how, **{key: value for key, value in given.items() if value is not None})


def _extracted(source: Path, weights: Path) -> tuple[Descriptors, Descriptors, dict[str, Any]]:
    """Query, gallery and what is said of them; refuses those of other weights."""
    from occreid.descriptors import Descriptors
    from occreid.models import read_card

    about = read_json(source / ABOUT, hint="Give a folder written by: occreid extract")
    if about.get("weights_sha256") != read_card(weights).get("sha256"):
        raise UserError(
            f"the descriptors in {source} are of other weights ({about.get('method')}) than {weights}.",
            f"Extract them with: occreid extract {weights} --out FOLDER",
        )
    if "reconstruction" in about:
        raise UserError(f"the descriptors in {source} are reconstructed already.", "Give those of: occreid extract")
    return Descriptors.load(source / "query"), Descriptors.load(source / "gallery"), about


def _single(task: _Task, query: Path, gallery: Path, out: Path | None, as_json: bool) -> None:
    from occreid.descriptors import Descriptors

    folder = _claimed(out)
    images, others = Descriptors.load(query), Descriptors.load(gallery)
    start = time.perf_counter()
    task.rebuild(images, others).save(folder)
    _report(folder, {"query": len(images)}, len(others), time.perf_counter() - start, as_json)


def _whole(task: _Task, source: Path, weights: Path, out: Path | None, as_json: bool) -> None:
    folder = _claimed(out)
    query, gallery, about = _extracted(source, weights)
    start = time.perf_counter()
    for part, images in (("query", query), ("gallery", gallery)):
        task.rebuild(images, gallery).save(folder / part)
    seconds = time.perf_counter() - start
    said = {**about, "metric": task.how.metric, "oracle": task.mark(about.get("oracle", ""))}
    write_json(folder / ABOUT, {**said, "reconstruction": task.settings()})
    _report(folder, {"query": len(query), "gallery": len(gallery)}, len(gallery), seconds, as_json)


def _claimed(out: Path | None) -> Path:
    if out is None:
        raise UserError("there is no folder to write to.", "Give --out FOLDER, or --ladder for a table.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is not empty.", "Choose a new folder with --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {out} ({error.strerror}).", "Choose a folder you can write to.") from error
    return out


def _report(out: Path, images: dict[str, int], gallery: int, seconds: float, as_json: bool) -> None:
    total = sum(images.values())
    if as_json:
        found = {"out": str(out), "images": images, "gallery": gallery, "images_per_second": total / seconds}
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(
            f"{total:,} images from a gallery of {gallery:,}: {total / seconds:,.0f} images/s; they are in {out}"
        )


def _ladder(task: _Task, source: Path, weights: Path, as_json: bool) -> None:
    """Table 4, and Table 1's upper bound where an oracle is asked for."""
    from occreid.methods.orgnn import MODES

    query, gallery, about = _extracted(source, weights)
    steps = [replace(task, how=replace(task.how, mode=mode), oracle=False) for mode in MODES]
    if task.oracle:
        steps.append(replace(task, how=replace(task.how, mode="oan+orgnn")))
    rows: list[tuple[str, Ranking]] = []
    for step in steps:
        sides = step.rebuild(query, gallery), step.rebuild(gallery, gallery)
        name = f"{step.how.mode}{' UPPER BOUND' * step.oracle}"
        rows += [(f"{name}{' + re-ranking' * again}", _ranked(step, sides, about, again)) for again in (False, True)]
    if as_json:
        from occreid.retrieval.results import summary

        typer.echo(json.dumps([{"row": name, **summary(ranking)} for name, ranking in rows], indent=2))
    else:
        print_results(rows)


def _ranked(step: _Task, sides: tuple[Descriptors, Descriptors], about: dict[str, Any], again: bool) -> Ranking:
    from occreid.retrieval import distance_rows, rank_rows, rerank_rows

    query, gallery = sides
    settings = {"method": "k-reciprocal", "k1": 20, "k2": 6, "lambda": 0.3} if again else None
    rows = rerank_rows if again else distance_rows
    ranking = rank_rows(
        rows(query, gallery, step.how.metric),
        query,
        gallery,
        step.how.metric,
        about["same_camera"],
        "step",
        (1, 3, 5, 10),
        "multi",
        1,
        0,
        settings,
    )
    protocol = replace(ranking.protocol, oracle=step.mark(about.get("oracle", "")))
    facts = {key: value for key, value in about.items() if key not in ("metric", "same_camera", "labels", OCCLUDERS)}
    return replace(ranking, protocol=protocol, facts={**facts, "reconstruction": step.settings()})
