"""`occreid data anonymize`: hide heads, tell what was not found, measure what it costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.console import progress
from occreid.cli.data.shared import Detector
from occreid.cli.groups import Benchmark, grouped
from occreid.cli.options import Device, require_known
from occreid.cli.tables import print_results
from occreid.errors import UserError

Out = Annotated[Path | None, typer.Option("--out", help="The new folder.")]
FillOption = Annotated[str, typer.Option("--fill", help="grey, pixels or blur; only grey leaves nothing.")]
UnfoundOption = Annotated[str, typer.Option("--unfound", help="Pictures whose head was not found: skip or copy.")]
Cost = Annotated[
    Path | None, typer.Option("--cost", metavar="RUN", help="Also evaluate this run with heads and without.")
]


@dataclass(frozen=True, slots=True)
class Heads:
    """How heads are found."""

    keypoints: Annotated[
        Path | None, typer.Option("--keypoints", metavar="JSON", help="Keypoints in COCO's format.")
    ] = None
    masks: Annotated[
        str | None, typer.Option("--masks", help="A folder of 'occreid parse', or 'own': the benchmark's part masks.")
    ] = None
    detector: Detector = None
    device: Device = "auto"


@grouped
def anonymize(
    *,
    benchmark: Benchmark,
    out: Out = None,
    heads: Heads,
    fill: FillOption = "grey",
    unfound: UnfoundOption = "skip",
    cost: Cost = None,
) -> None:
    """Copy a benchmark with all heads hidden.

    Heads are found by keypoints, part masks or a detector; pictures whose head none of them finds are left out and
    listed in anonymized.csv. Look at the result: no method finds all.

    For example:

        occreid data anonymize data/mine --keypoints keypoints.json --out data/mine-headless

        occreid data anonymize data/occsynth-demo --masks own --cost runs/first
    """
    from occreid.annotate.anonymize import REPORT, find_heads
    from occreid.annotate.anonymize import anonymize as carry_out
    from occreid.annotate.heads import FILLS

    if out is None and cost is None:
        raise UserError("there is nothing to do.", "Give --out for a copy, --cost for what it would cost, or both.")
    require_known("--fill", fill, FILLS)
    require_known("--unfound", unfound, ("skip", "copy"))
    root = benchmark.root
    find, split = find_heads(benchmark.split(), root, **asdict(heads))
    if out is not None:
        with progress("hiding", len(split.records)) as tick:
            outcome = carry_out(split.records, root, out, find, fill=fill, unfound=unfound, tick=tick)  # type: ignore[arg-type]
        typer.echo(
            f"{len(outcome.hidden):,} heads hidden, {len(outcome.headless):,} pictures show none, "
            f"{len(outcome.unfound):,} not found and {'left out' if unfound == 'skip' else 'copied as they are'}"
            f"{': see ' + str(out / REPORT) if outcome.unfound else ''}.\nwritten to {out}"
        )
    if cost is not None:
        _print_cost(cost, split, find, fill, heads.device)


def _print_cost(run: Path, split: Any, find: Any, fill: str, device: str) -> None:
    """Evaluate with heads and without."""
    from occreid.annotate.anonymize import Anonymizer
    from occreid.evaluation import measure
    from occreid.models import load_model

    model = load_model(run)
    hidden: Any = Anonymizer(find, fill)  # type: ignore[arg-type]  # checked there
    alters = {"with heads": None, "without": hidden}
    print_results([(title, measure(model, split, device=device, alter=alter)) for title, alter in alters.items()])
