"""`occreid evaluate`: score a model or saved descriptors, or compare two saved results."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.options import (
    BatchSize,
    Device,
    FlipTest,
    Json,
    On,
    Option,
    Precision,
    Stressed,
    StressOn,
    Workers,
    parse_numbers,
)
from occreid.cli.splits import load_benchmarks
from occreid.cli.tables import print_comparison, print_extras, print_results
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.evaluation import Described
    from occreid.retrieval import Ranking

Source = Annotated[
    Path | None, typer.Argument(help="A run folder, a .safetensors file, or a folder of 'occreid extract'.")
]
Compare = Annotated[
    tuple[Path, Path] | None,
    typer.Option("--compare", metavar="A.json B.json", help="Compare two saved results instead."),
]
SameCamera = Annotated[
    str | None,
    typer.Option("--same-camera", help="junk or keep; left out, as the run's recipe or the benchmark's protocol says."),
]
Form = Annotated[
    str | None, typer.Option("--ap", help="step, or trapezoid (Market-1501's own code); left out, the run's.")
]
Shots = Annotated[
    str | None, typer.Option("--shots", help="multi, or single: one gallery image per person; left out, the run's.")
]
Draws = Annotated[int | None, typer.Option("--draws", min=1, help="single: galleries drawn; left out, the run's.")]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Of draws (left out, the run's), stress and bootstrap (0).")
]
Ranks = Annotated[str | None, typer.Option("--ranks", help="CMC ranks, e.g. 1,5,10; left out, the run's.")]
Rerank = Annotated[str, typer.Option("--rerank", help="none, k-reciprocal, aqe or alpha-qe.")]
K1 = Annotated[int | None, typer.Option("--k1", help="k-reciprocal: neighbours.  [default: 20]")]
K2 = Annotated[int | None, typer.Option("--k2", help="k-reciprocal: neighbours of its query expansion.  [default: 6]")]
Lambda = Annotated[
    float | None, typer.Option("--lambda", help="k-reciprocal: weight of the original distance.  [default: 0.3]")
]
Neighbours = Annotated[
    int | None, typer.Option("--neighbours", help="aqe, alpha-qe: images joined to a query.  [default: 5]")
]
Alpha = Annotated[float | None, typer.Option("--alpha", help="alpha-qe: power of the similarity.  [default: 3]")]
Intervals = Annotated[bool, typer.Option("--intervals", help="Add 95 % intervals (bootstrap over persons).")]
Subsets = Annotated[bool, typer.Option("--subsets", help="Add results by kind of query and camera pair.")]
Verification = Annotated[bool, typer.Option("--verification", help="Add EER and TAR at fixed FAR.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Save the result: a .json file, or a folder for several benchmarks.")
]


def register(app: typer.Typer) -> None:
    """Add the command `evaluate`."""
    app.command()(evaluate)


def evaluate(
    source: Source = None,
    on: On = None,
    option: Option = None,
    compare: Compare = None,
    same_camera: SameCamera = None,
    ap: Form = None,
    shots: Shots = None,
    draws: Draws = None,
    seed: Seed = None,
    ranks: Ranks = None,
    flip_test: FlipTest = False,
    rerank: Rerank = "none",
    k1: K1 = None,
    k2: K2 = None,
    lambda_: Lambda = None,
    neighbours: Neighbours = None,
    alpha: Alpha = None,
    intervals: Intervals = False,
    subsets: Subsets = False,
    verification: Verification = False,
    stress: Stressed = None,
    stress_on: StressOn = "query",
    out: Out = None,
    device: Device = "auto",
    precision: Precision = None,
    batch_size: BatchSize = None,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Score a model: CMC, mAP and mINP under a named protocol, that of its recipe where nothing else is asked for.

    For example:

        occreid evaluate runs/market

        occreid evaluate runs/market --on occluded_reid=data/Occluded_REID --on partial_reid=data/Partial_REID

        occreid evaluate runs/market --stress object:0.4 --stress person:0.4 --stress-on query

        occreid evaluate --compare a.json b.json
    """
    if compare is not None:
        _compare_files(compare, seed or 0, as_json)
        return
    if source is None:
        raise UserError("there is nothing to evaluate.", "Write e.g.: occreid evaluate runs/market")
    from occreid.data.occlusion.stress import Stress
    from occreid.evaluation import Settings, rank
    from occreid.evaluation.describe import check_on
    from occreid.evaluation.saved import is_extracted
    from occreid.evaluation.sources import describe_source
    from occreid.retrieval import save_ranking

    settings = Settings(device, precision, batch_size, workers, not as_json)  # type: ignore[arg-type]  # checked there
    stresses = [Stress.parse(text, seed or 0) for text in stress or ()]
    given = {"k1": k1, "k2": k2, "lambda": lambda_, "neighbours": neighbours, "alpha": alpha}
    changes = _changes(rerank, given, ranks, same_camera=same_camera, ap=ap, shots=shots, draws=draws, seed=seed)
    changes |= {"flip_test": True} if flip_test else {}
    check_on(stress_on)
    splits = None if on is None and is_extracted(source) else load_benchmarks(source, on, option)
    results, extras = [], []
    for described in describe_source(source, splits, settings, stresses, stress_on, **changes):
        ranking = rank(described)
        results.append((described.name, ranking))
        extras.append(_extras(described, ranking, intervals, subsets, verification, seed or 0))
        if out is not None:
            several = stresses or (splits and len(splits) > 1)
            save_ranking(ranking, out / f"{re.sub('[ ,:]+', '-', described.name)}.json" if several else out)
    _print(results, extras, as_json)
    if out is not None and not as_json:
        typer.echo(f"saved {out}")


def _changes(rerank: str, given: dict[str, float | None], ranks: str | None, **others: Any) -> dict[str, Any]:
    """What is asked of the protocol; checked here, before anything is read."""
    from occreid.retrieval import RERANKINGS, Protocol

    way: dict[str, Any] = {key: given[key] for key in RERANKINGS.get(rerank, ()) if given[key] is not None}
    changes = {name: value for name, value in others.items() if value is not None}
    if rerank != "none":
        changes["rerank"] = {"method": rerank, **way}
    if ranks is not None:
        changes["ranks"] = tuple(parse_numbers("--ranks", ranks, int, "1,5,10", least=1))
    Protocol(**changes)
    return changes


def _print(results: list[tuple[str, Ranking]], extras: list[dict[str, Any]], as_json: bool) -> None:
    from occreid.retrieval.results import summary

    if as_json:
        rows = [{**summary(ranking), **extra} for (_, ranking), extra in zip(results, extras, strict=True)]
        typer.echo(json.dumps(rows, indent=2))
        return
    print_results(results)
    for (name, _), extra in zip(results, extras, strict=True):
        print_extras(name, extra)


def _compare_files(files: tuple[Path, Path], seed: int, as_json: bool) -> None:
    from occreid.retrieval import compare, load_ranking

    first, second = (load_ranking(file) for file in files)
    found = compare(first, second, seed=seed)
    if as_json:
        typer.echo(json.dumps({name: asdict(difference) for name, difference in found.items()}, indent=2))
    else:
        print_comparison((files[0].stem, files[1].stem), first, found)


def _extras(
    described: Described, ranking: Ranking, intervals: bool, subsets: bool, verification: bool, seed: int
) -> dict[str, Any]:
    """What was asked for beside the headline numbers."""
    from occreid.evaluation import details

    extra: dict[str, Any] = {}
    if intervals:
        extra["intervals"] = details.intervals(ranking, seed)
    if subsets:
        extra["subsets"] = details.subsets(described, ranking)
    if verification:
        extra["verification"] = details.verification(described)
    return extra
