"""`occreid clever-hans`: does a model match persons, or the things in front of them?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.options import Device, Json, On, Option
from occreid.cli.splits import load_benchmarks
from occreid.cli.subjects import Subject, is_extracted, subjects
from occreid.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from occreid.evaluation import CleverHans

Run = Annotated[
    Path, typer.Argument(help="A run folder, a .safetensors file, or for --natural a folder of 'occreid extract'.")
]
Natural = Annotated[
    str | None,
    typer.Option(
        "--natural",
        metavar="kind|id",
        help="Paste nothing: take what the benchmark says hides each person, and count as shared its kind or the very "
        "thing.",
    ),
]
Trials = Annotated[int, typer.Option("--trials", min=1, help="How many; they go round the queries.")]
Share = Annotated[float, typer.Option("--share", help="Share of each picture that is covered, at most 0.9.")]
Occluders = Annotated[str, typer.Option("--occluders", help="A folder of cut-outs, or procedural.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of pictures, things and places.")]
Sheet = Annotated[Path | None, typer.Option("--sheet", metavar="PNG", help="Write the most telling pictures.")]


def register(app: typer.Typer) -> None:
    """Add the command `clever-hans`."""
    app.command("clever-hans")(clever_hans)


def clever_hans(
    run: Run,
    on: On = None,
    option: Option = None,
    trials: Trials = 240,
    share: Share = 0.4,
    occluders: Occluders = "procedural",
    seed: Seed = 0,
    sheet: Sheet = None,
    natural: Natural = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Ask whether a model follows the occluder: 0 if it ignores it, 1 if it looks at nothing else.

    For example:

        occreid clever-hans runs/first --trials 240 --sheet fooled.png

        occreid clever-hans runs/first --on market1501=data/market1501 --occluders data/cutouts

        occreid clever-hans runs/first --on occsynth=data/occsynth-demo --natural kind
    """
    if natural is not None:
        _natural(run, on, option, natural, seed, sheet, device, as_json)
        return
    from occreid.data.occlusion.library import OccluderLibrary
    from occreid.evaluation import clever_hans as carry_out
    from occreid.evaluation import draw_trials
    from occreid.evaluation.clever_hans import describe_pictures
    from occreid.evaluation.clever_hans_sheet import write_telling
    from occreid.extraction import usable_device
    from occreid.models import load_model

    library = OccluderLibrary.open(occluders)
    splits = load_benchmarks(run, on, option)
    where = usable_device(device)
    model = load_model(run).to(where)
    describe = describe_pictures(lambda images: model.describe(images.to(where)), *model.input_size)
    rows: list[dict[str, Any]] = []
    for split in splits:
        drawn = draw_trials(split.query, split.gallery, trials, len(library), seed)
        found = carry_out(describe, drawn, library, model.metric, share)
        rows.append({"benchmark": split.name, **_summary(found, seed), "share": share, "seed": seed})
        if sheet is not None:
            file = sheet if len(splits) == 1 else sheet.with_stem(f"{sheet.stem}-{split.name}")
            write_telling(found, library, share, file)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        low, high = row["interval"]
        typer.echo(
            f"{row['benchmark']}: Clever Hans score {row['score']:.3f} (95 % {low:.3f} to {high:.3f}), "
            f"{row['trials']} trials\n"
            f"  a wrong image wins while it shares the query's occluder: {100 * row['fooled']:.1f} %\n"
            f"  the same image wins behind another occluder:             {100 * row['fooled_anyway']:.1f} %\n"
            f"  a query is most like itself behind another occluder:     {100 * row['consistency']:.1f} %"
        )


def _summary(found: CleverHans, seed: int) -> dict[str, Any]:
    return {
        "trials": len(found.trials),
        "score": found.score,
        "interval": found.interval(seed=seed),
        "fooled": found.fooled,
        "fooled_anyway": found.fooled_anyway,
        "consistency": found.consistency,
    }


def _natural(
    run: Path,
    on: list[str] | None,
    option: list[str] | None,
    by: str,
    seed: int,
    sheet: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Of what hides people in the benchmarks' own pictures."""
    if by not in ("kind", "id"):
        raise UserError(f"occluders are not shared by '{by}'.", did_you_mean(by, ("kind", "id")))
    if sheet is not None:
        raise UserError("there is no sheet of natural occluders.", "Leave --sheet out, or --natural.")
    benchmarks = None if on is None and is_extracted(run) else load_benchmarks(run, on, option)
    rows = [
        _natural_row(subject, by, seed) for subject in subjects(run, benchmarks, device, "float32", 64, 0, quiet=True)
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        low, high = row["interval"]
        what, other = ("kind", "another kind") if by == "kind" else ("very thing", "another of its kind")
        typer.echo(
            f"{row['benchmark']}: Clever Hans score without pasting {row['score']:.3f} (95 % {low:.3f} to {high:.3f}), "
            f"{row['queries']:,} of {row['queries_in_all']:,} queries\n"
            f"  a wrong image wins behind the query's {what}: {100 * row['fooled']:.1f} % "
            f"({row['shared_pairs']:,} pairs with a right one)\n"
            f"  a wrong image wins behind {other}: {100 * row['fooled_anyway']:.1f} % ({row['apart_pairs']:,} pairs)"
        )
        if row["oracle"]:
            typer.echo(f"  ORACLE: {row['oracle']}")


def _natural_row(subject: Subject, by: str, seed: int) -> dict[str, Any]:
    from occreid.evaluation import natural_clever_hans

    if subject.occluders is None:
        raise UserError(
            "the descriptors come without what hides each person.", "Write them again with: occreid extract"
        )
    found = natural_clever_hans(
        subject.query,
        subject.gallery,
        *subject.occluders,
        subject.metric,
        subject.same_camera,
        by,  # type: ignore[arg-type]  # checked by the caller
    )
    return {
        "benchmark": subject.name,
        "by": by,
        "queries": len(found.queries),
        "queries_in_all": len(subject.query),
        "persons": len(set(found.pids.tolist())),
        "shared_pairs": int(found.shared_pairs.sum()),
        "apart_pairs": int(found.apart_pairs.sum()),
        "score": found.score,
        "interval": found.interval(seed=seed),
        "fooled": found.fooled,
        "fooled_anyway": found.fooled_anyway,
        "oracle": subject.oracle,
        "seed": seed,
    }
