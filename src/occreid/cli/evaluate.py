"""`occreid evaluate`: score a model or saved descriptors, or compare two saved results."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli import extract as extract_command
from occreid.cli.options import BatchSize, Device, Json, On, Option, Precision, Stressed, StressOn, Workers
from occreid.cli.results import print_comparison, print_extras, print_results
from occreid.cli.splits import load_benchmarks
from occreid.cli.subjects import Subject, is_extracted, subjects
from occreid.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from occreid.data.occlusion.stress import Stress
    from occreid.retrieval import Ranking

_RERANK = ("none", "k-reciprocal", "aqe", "alpha-qe")
_FALSE_ACCEPT_RATES = (1e-4, 1e-3, 1e-2)


Source = Annotated[
    Path | None, typer.Argument(help="A run folder, a .safetensors file, or a folder of 'occreid extract'.")
]
Compare = Annotated[
    tuple[Path, Path] | None,
    typer.Option("--compare", metavar="A.json B.json", help="Compare two saved results instead."),
]
SameCamera = Annotated[
    str | None, typer.Option("--same-camera", help="junk or keep; left out, what the benchmark's protocol says.")
]
Form = Annotated[str, typer.Option("--ap", help="step, or trapezoid (Market-1501's own code).")]
Shots = Annotated[str, typer.Option("--shots", help="multi, or single: one gallery image per person.")]
Draws = Annotated[int, typer.Option("--draws", min=1, help="single: galleries drawn.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of draws and bootstrap.")]
Ranks = Annotated[str, typer.Option("--ranks", help="CMC ranks.")]
Rerank = Annotated[str, typer.Option("--rerank", help="none, k-reciprocal, aqe or alpha-qe.")]
K1 = Annotated[int, typer.Option("--k1", help="k-reciprocal: neighbours.")]
K2 = Annotated[int, typer.Option("--k2", help="k-reciprocal: neighbours of its query expansion.")]
Lambda = Annotated[float, typer.Option("--lambda", help="k-reciprocal: weight of the original distance.")]
Neighbours = Annotated[int, typer.Option("--neighbours", help="aqe, alpha-qe: images joined to a query.")]
Alpha = Annotated[float, typer.Option("--alpha", help="alpha-qe: power of the similarity.")]
Intervals = Annotated[bool, typer.Option("--intervals", help="Add 95 % intervals (bootstrap over persons).")]
Subsets = Annotated[bool, typer.Option("--subsets", help="Add results by kind of query and camera pair.")]
Verification = Annotated[bool, typer.Option("--verification", help="Add EER and TAR at fixed FAR.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Save the result: a .json file, or a folder for several benchmarks.")
]


def register(app: typer.Typer) -> None:
    """Add the commands `evaluate` and `extract`."""
    app.command()(evaluate)
    extract_command.register(app)


@dataclass(frozen=True, slots=True)
class _Scoring:
    """The protocol as asked for on the command line."""

    same_camera: str | None
    ap: str
    shots: str
    draws: int
    seed: int
    ranks: tuple[int, ...]
    rerank: str
    k1: int
    k2: int
    lambda_: float
    neighbours: int
    alpha: float


def evaluate(
    source: Source = None,
    on: On = None,
    option: Option = None,
    compare: Compare = None,
    same_camera: SameCamera = None,
    ap: Form = "step",
    shots: Shots = "multi",
    draws: Draws = 10,
    seed: Seed = 0,
    ranks: Ranks = "1,3,5,10,20",
    rerank: Rerank = "none",
    k1: K1 = 20,
    k2: K2 = 6,
    lambda_: Lambda = 0.3,
    neighbours: Neighbours = 5,
    alpha: Alpha = 3.0,
    intervals: Intervals = False,
    subsets: Subsets = False,
    verification: Verification = False,
    stress: Stressed = None,
    stress_on: StressOn = "query",
    out: Out = None,
    device: Device = "auto",
    precision: Precision = "float32",
    batch_size: BatchSize = 64,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Score a model: CMC, mAP and mINP under a named protocol.

    For example:

        occreid evaluate runs/market

        occreid evaluate runs/market --on occluded_reid=data/Occluded_REID --on partial_reid=data/Partial_REID

        occreid evaluate runs/market --stress object:0.4 --stress person:0.4 --stress-on query

        occreid evaluate --compare a.json b.json
    """
    if compare is not None:
        _compare_files(compare, seed, as_json)
        return
    if source is None:
        raise UserError("there is nothing to evaluate.", "Write e.g.: occreid evaluate runs/market")
    if rerank not in _RERANK:
        raise UserError(f"there is no re-ranking '{rerank}'.", did_you_mean(rerank, _RERANK))
    scoring = _Scoring(same_camera, ap, shots, draws, seed, _numbers(ranks), rerank, k1, k2, lambda_, neighbours, alpha)
    benchmarks = None if on is None and is_extracted(source) else load_benchmarks(source, on, option)
    stresses = _stresses(stress, seed)
    results, extras = [], []
    for subject in subjects(source, benchmarks, device, precision, batch_size, workers, as_json, stresses, stress_on):
        ranking = _rank(subject, scoring)
        results.append((subject.name, ranking))
        extras.append(_extras(subject, ranking, intervals, subsets, verification, seed))
        if out is not None:
            several = stresses or (benchmarks and len(benchmarks) > 1)
            _save(ranking, out / f"{re.sub('[ ,:]+', '-', subject.name)}.json" if several else out)
    _report(results, extras, as_json)
    if out is not None and not as_json:
        typer.echo(f"saved {out}")


def _save(ranking: Ranking, file: Path) -> None:
    from occreid.retrieval import save_ranking

    save_ranking(ranking, file)


def _report(results: list[tuple[str, Ranking]], extras: list[dict[str, Any]], as_json: bool) -> None:
    from occreid.retrieval.results import summary

    if as_json:
        rows = [{**summary(ranking), **extra} for (_, ranking), extra in zip(results, extras, strict=True)]
        typer.echo(json.dumps(rows, indent=2))
        return
    print_results(results)
    for (name, _), extra in zip(results, extras, strict=True):
        print_extras(name, extra)


def _compare_files(files: tuple[Path, Path], seed: int, as_json: bool) -> None:
    from dataclasses import asdict

    from occreid.retrieval import compare, load_ranking

    first, second = (load_ranking(file) for file in files)
    found = compare(first, second, seed=seed)
    if as_json:
        typer.echo(json.dumps({name: asdict(difference) for name, difference in found.items()}, indent=2))
    else:
        print_comparison((files[0].stem, files[1].stem), first, found)


def _stresses(texts: list[str] | None, seed: int) -> list[Stress]:
    if not texts:
        return []
    from occreid.data.occlusion.stress import Stress

    return [Stress.parse(text, seed) for text in texts]


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError as error:
        raise UserError(f"--ranks {text} is not a list of numbers.", "For example: --ranks 1,5,10") from error


def _rank(subject: Subject, scoring: _Scoring) -> Ranking:
    """Score one set of descriptors, re-ranked or expanded where asked for."""
    from occreid.retrieval import distance_rows, expand_queries, rank_rows, rerank_rows

    query, gallery, metric = subject.query, subject.gallery, subject.metric
    rerank: dict[str, Any] | None = None
    if scoring.rerank == "k-reciprocal":
        rerank = {"method": scoring.rerank, "k1": scoring.k1, "k2": scoring.k2, "lambda": scoring.lambda_}
        blocks = rerank_rows(query, gallery, metric, scoring.k1, scoring.k2, scoring.lambda_)
    else:
        if scoring.rerank != "none":
            alpha = scoring.alpha if scoring.rerank == "alpha-qe" else 0.0
            rerank = {"method": scoring.rerank, "neighbours": scoring.neighbours, "alpha": alpha}
            query = expand_queries(query, gallery, metric, scoring.neighbours, alpha)
        blocks = distance_rows(query, gallery, metric)
    ranking = rank_rows(
        blocks,
        query,
        gallery,
        metric,
        scoring.same_camera or subject.same_camera,
        scoring.ap,  # type: ignore[arg-type]  # checked there
        scoring.ranks,
        scoring.shots,
        scoring.draws,
        scoring.seed,
        rerank,
    )
    protocol = replace(ranking.protocol, oracle=subject.oracle)
    return replace(ranking, facts=subject.facts, protocol=protocol)


def _extras(
    subject: Subject, ranking: Ranking, intervals: bool, subsets: bool, verification: bool, seed: int
) -> dict[str, Any]:
    """What was asked for beside the headline numbers, ready for JSON."""
    from occreid.retrieval import by_camera_pair, by_subset, confidence_intervals, verify

    protocol, extra = ranking.protocol, {}
    if intervals:
        extra["intervals"] = confidence_intervals(ranking, seed=seed)
    if subsets:
        divisions = {name: by_subset(ranking, labels) for name, labels in subject.labels.items()}
        if protocol.shots == "multi" and protocol.rerank is None and subject.query.camids is not None:
            pairs = by_camera_pair(
                subject.query,
                subject.gallery,
                subject.metric,
                protocol.same_camera,
                protocol.ap,  # type: ignore[arg-type]  # it was scored by it
                ranking.ranks,
            )
            divisions["cameras"] = {f"{one} → {other}": found for (one, other), found in pairs.items()}
        extra["subsets"] = {
            name: {
                label: {"queries": part.num_valid_queries, **part.scores()}
                for label, part in parts.items()
                if part.num_valid_queries
            }
            for name, parts in divisions.items()
        }
    if verification:
        roc = verify(subject.query, subject.gallery, subject.metric, protocol.same_camera)
        rates = {f"{rate:g}": roc.true_accepts_at(rate) for rate in _FALSE_ACCEPT_RATES}
        extra["verification"] = {
            "equal_error_rate": roc.equal_error_rate,
            "genuine_pairs": roc.num_genuine,
            "impostor_pairs": roc.num_impostor,
            # no threshold where even the nearest genuine pair admits too many impostors
            "tar_at_far": {far: {"tar": tar, "threshold": at if tar else None} for far, (tar, at) in rates.items()},
        }
    return extra
