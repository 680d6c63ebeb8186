"""`occreid evaluate`: score a model or saved descriptors, or compare two saved results."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.groups import Benchmarks, Running, grouped
from occreid.cli.options import FlipTest, Json, Stressed, StressOn, parse_numbers
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
    typer.Option(
        "--compare",
        metavar="A.json B.json",
        help="Compare two saved results instead; of several seeds A0.json,A1.json,…",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Save the result: a .json file, or a folder for several benchmarks.")
]


SameCamera = Annotated[
    str | None,
    typer.Option("--same-camera", help="junk or keep; left out, as the run's recipe or the benchmark's protocol says."),
]
Ap = Annotated[
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the protocol; left out, it is the run's own."""

    same_camera: SameCamera = None
    ap: Ap = None
    shots: Shots = None
    draws: Draws = None
    seed: Seed = None
    ranks: Ranks = None

    def changes(self) -> dict[str, Any]:
        """As `occreid.retrieval.Protocol` calls them."""
        found = {name: value for name, value in asdict(self).items() if value is not None}
        if self.ranks is not None:
            found["ranks"] = tuple(parse_numbers("--ranks", self.ranks, int, "1,5,10", least=1))
        return found


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


@dataclass(frozen=True, slots=True)
class Reranking:
    """What is done to the ranked lists."""

    rerank: Rerank = "none"
    k1: K1 = None
    k2: K2 = None
    lambda_: Lambda = None
    neighbours: Neighbours = None
    alpha: Alpha = None

    def changes(self) -> dict[str, Any]:
        """As `occreid.retrieval.Protocol` calls it; options of other ways than the chosen one are left out."""
        from occreid.retrieval import RERANKINGS

        if self.rerank == "none":
            return {}
        given = {"lambda" if name == "lambda_" else name: value for name, value in asdict(self).items()}
        way = {key: given[key] for key in RERANKINGS.get(self.rerank, ()) if given[key] is not None}
        return {"rerank": {"method": self.rerank, **way}}


Intervals = Annotated[bool, typer.Option("--intervals", help="Add 95 % intervals (bootstrap over persons).")]
Subsets = Annotated[bool, typer.Option("--subsets", help="Add results by kind of query and camera pair.")]
Verification = Annotated[bool, typer.Option("--verification", help="Add EER and TAR at fixed FAR.")]


@dataclass(frozen=True, slots=True)
class Extras:
    """What is asked for beside the headline numbers."""

    intervals: Intervals = False
    subsets: Subsets = False
    verification: Verification = False

    def of(self, described: Described, ranking: Ranking, seed: int) -> dict[str, Any]:
        """By their names."""
        from occreid.evaluation import details

        found: dict[str, Any] = {}
        if self.intervals:
            found["intervals"] = details.intervals(ranking, seed)
        if self.subsets:
            found["subsets"] = details.subsets(described, ranking)
        if self.verification:
            found["verification"] = details.verification(described)
        return found


@grouped
def evaluate(
    *,
    source: Source = None,
    benchmarks: Benchmarks,
    compare: Compare = None,
    asked: Asked,
    flip_test: FlipTest = False,
    reranking: Reranking,
    extras: Extras,
    stress: Stressed = None,
    stress_on: StressOn = "query",
    out: Out = None,
    running: Running,
    as_json: Json = False,
) -> None:
    """Score a model: CMC, mAP and mINP under a named protocol, that of its recipe where nothing else is asked for.

    For example:

        occreid evaluate runs/market

        occreid evaluate runs/market --on occluded_reid=data/Occluded_REID --on partial_reid=data/Partial_REID

        occreid evaluate runs/market --stress object:0.4 --stress person:0.4 --stress-on query

        occreid evaluate --compare a.json b.json
    """
    seed = asked.seed or 0
    if compare is not None:
        _compare_files(compare, seed, as_json)
        return
    if source is None:
        raise UserError("there is nothing to evaluate.", "Write e.g.: occreid evaluate runs/market")
    from occreid.data.occlusion.stress import Stress
    from occreid.evaluation import rank
    from occreid.evaluation.describe import check_on
    from occreid.evaluation.saved import is_extracted
    from occreid.evaluation.sources import describe_source
    from occreid.retrieval import Protocol, save_ranking

    settings = running.settings(progress=not as_json)
    stresses = [Stress.parse(text, seed) for text in stress or ()]
    changes = {**asked.changes(), **reranking.changes(), **({"flip_test": True} if flip_test else {})}
    Protocol(**changes)  # says what is wrong with them before anything is read
    check_on(stress_on)
    splits = None if benchmarks.on is None and is_extracted(source) else benchmarks.splits(source)
    results, found = [], []
    for described in describe_source(source, splits, settings, stresses, stress_on, **changes):
        ranking = rank(described)
        results.append((described.name, ranking))
        found.append(extras.of(described, ranking, seed))
        if out is not None:
            several = stresses or (splits and len(splits) > 1)
            save_ranking(ranking, out / f"{re.sub('[ ,:]+', '-', described.name)}.json" if several else out)
    _print(results, found, as_json)
    if out is not None and not as_json:
        typer.echo(f"saved {out}")


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
    from occreid.retrieval import compare, load_ranking, verdict

    first, second = ([load_ranking(Path(file)) for file in str(side).split(",")] for side in files)
    found, names = compare(first, second, seed=seed), (files[0].stem, files[1].stem)
    if as_json:
        typer.echo(json.dumps({name: asdict(difference) for name, difference in found.items()}, indent=2))
    else:
        print_comparison(names, first[0], found)
        typer.echo(verdict(first, second, seed=seed).sentence(*names))
