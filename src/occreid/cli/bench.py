"""`occreid bench`: throughput, parameters, operations and memory of models, side by side."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.console import print_table
from occreid.cli.groups import grouped
from occreid.cli.options import Device, Json, parse_numbers, parse_size
from occreid.files import write_file

Models = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL…",
        help="A method's name with options ('sureid keep_ratio=0.7'), a model's name, run folder or file, or "
        "a list such as sureid/table1.",
    ),
]
Against = Annotated[
    str | None, typer.Option("--against", metavar="MODEL", help="Give every rate as a multiple of its.")
]
BatchSizes = Annotated[str | None, typer.Option("--batch-size", help="Images at once, e.g. 1,32.  [default: 32]")]
Size = Annotated[str | None, typer.Option("--size", metavar="HxW", help="Of the images; left out, each model's own.")]
Precisions = Annotated[
    str,
    typer.Option("--precision", help="Of float32, bfloat16, float16, auto; several with commas."),
]
Out = Annotated[Path | None, typer.Option("--out", help="Save everything measured as JSON.")]


@dataclass(frozen=True, slots=True)
class Timing:
    """How it is timed."""

    device: Device = "auto"
    compiled: Annotated[bool, typer.Option("--compile", help="Through torch.compile.")] = False
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Weights and images in channels-last layout.")
    ] = False
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Turns of each model; the median counts.")] = 10
    warmup: Annotated[int, typer.Option("--warmup", min=0, help="Calls before anything is timed.")] = 2
    clock: Annotated[
        str, typer.Option("--clock", help="wall, or cpu: this process's time, on a CPU that others use.")
    ] = "wall"
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")] = None


@grouped
def bench(
    *,
    models: Models,
    against: Against = None,
    batch_size: BatchSizes = None,
    size: Size = None,
    precision: Precisions = "float32",
    timing: Timing,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time models. They take turns in one process, so that their ratios hold on a busy machine too.

    For example:

        occreid bench baseline han ssgr --batch-size 1,32

        occreid bench runs/sureid --against runs/teacher

        occreid bench sureid/table1
    """
    from occreid import bench as room
    from occreid.extraction import usable_device

    batch_sizes = None if batch_size is None else parse_numbers("--batch-size", batch_size, int, "1,32", least=1)
    pixels = None if size is None else parse_size(size)
    chosen = room.select(models, against=against, batch_sizes=batch_sizes, size=pixels)
    how: dict[str, Any] = {**asdict(timing), "device": usable_device(timing.device)}
    lines = room.measure(
        chosen.models,
        batch_sizes=chosen.batch_sizes,
        precisions=[word.strip() for word in precision.split(",")],  # type: ignore[misc]  # checked there
        against=chosen.against,
        **how,
    )
    about: dict[str, Any] = {
        "title": chosen.title,
        "command": shlex.join(["occreid", *sys.argv[1:]]),
        **room.facts(how["device"], timing.threads),
        **{key: how[key] for key in ("compiled", "channels_last", "rounds", "clock")},
        "against": chosen.against or chosen.models[0].name,
    }
    content = json.dumps(room.as_json(lines, about), indent=1) + "\n"
    if out is not None:
        write_file(out, content, hint="Choose another --out.")
    if as_json:
        typer.echo(content, nl=False)
        return
    print_table(*room.rows(lines, chosen.against), title=chosen.title)
    settings = "; compiled" * timing.compiled + "; channels last" * timing.channels_last
    typer.echo(
        f"\n{about['device']}; torch {about['torch']}{settings}; median of {timing.rounds} rounds, "
        f"{timing.clock} clock. Images are on the device; normalisation counts. A multiply-add is two operations."
    )
