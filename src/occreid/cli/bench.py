"""`occreid bench`: throughput, parameters, operations and memory of models, side by side."""

from __future__ import annotations

import json
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.console import print_table
from occreid.cli.options import parse_numbers
from occreid.errors import UserError
from occreid.files import write_file

if TYPE_CHECKING:
    from occreid.bench import Model

Models = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL…",
        help="A method's name with options ('sureid keep_ratio=0.7'), a run folder, a .safetensors or .onnx file, or "
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
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps or auto.")]
Compile = Annotated[bool, typer.Option("--compile", help="Through torch.compile.")]
ChannelsLast = Annotated[bool, typer.Option("--channels-last", help="Weights and images in channels-last layout.")]
Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Turns of each model; the median counts.")]
Warmup = Annotated[int, typer.Option("--warmup", min=0, help="Calls before anything is timed.")]
Clock = Annotated[str, typer.Option("--clock", help="wall, or cpu: this process's time, on a CPU that others use.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads.")]
Out = Annotated[Path | None, typer.Option("--out", help="Save everything measured as JSON.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def register(app: typer.Typer) -> None:
    """Add the command `bench`."""
    app.command()(bench)


def bench(
    models: Models,
    against: Against = None,
    batch_size: BatchSizes = None,
    size: Size = None,
    precision: Precisions = "float32",
    device: Device = "auto",
    compiled: Compile = False,
    channels_last: ChannelsLast = False,
    rounds: Rounds = 10,
    warmup: Warmup = 2,
    clock: Clock = "wall",
    threads: Threads = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Time models. They take turns in one process, so that their ratios hold on a busy machine too.

    For example:

        occreid bench baseline han ssgr --batch-size 1,32

        occreid bench runs/sureid --against runs/teacher

        occreid bench sureid/table1
    """
    import torch

    from occreid import bench as room
    from occreid.extraction import usable_device

    chosen, sizes, reference, title = _gathered(models, against, batch_size, size)
    where = usable_device(device)
    if clock not in ("wall", "cpu"):
        raise UserError(f"there is no clock '{clock}'.", "Choose wall or cpu.")
    if clock == "cpu" and where.type != "cpu":
        raise UserError(f"the clock cpu cannot time {where}.", "Leave --clock out.")
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        lines = room.measure(
            chosen,
            batch_sizes=sizes,
            precisions=[word.strip() for word in precision.split(",")],  # type: ignore[misc]  # checked there
            against=reference,
            device=where,
            compiled=compiled,
            channels_last=channels_last,
            rounds=rounds,
            warmup=warmup,
            clock=time.process_time if clock == "cpu" else None,
        )
        facts = room.facts(where)
    finally:
        torch.set_num_threads(before)
    about: dict[str, Any] = {
        "title": title,
        "command": shlex.join(["occreid", *sys.argv[1:]]),
        **facts,
        "compiled": compiled,
        "channels_last": channels_last,
        "rounds": rounds,
        "clock": clock,
        "against": reference or chosen[0].name,
    }
    content = json.dumps(room.as_json(lines, about), indent=1) + "\n"
    if out is not None:
        write_file(out, content, hint="Choose another --out.")
    if as_json:
        typer.echo(content, nl=False)
        return
    if title:
        typer.echo(title)
    print_table(*room.rows(lines, reference))
    settings = ", ".join([*(["compiled"] if compiled else []), *(["channels last"] if channels_last else [])])
    typer.echo(
        f"\n{about['device']}; torch {about['torch']}{'; ' + settings if settings else ''}; median of {rounds} rounds, "
        f"{clock} clock. Images are on the device; normalisation counts. A multiply-add is two operations."
    )


def _gathered(
    words: list[str], against: str | None, batch_size: str | None, size: str | None
) -> tuple[list[Model], list[int], str | None, str]:
    """Models, batch sizes, reference and title: of a list's file, or of the words."""
    from occreid import bench as room

    file = room.find_list(words[0]) if len(words) == 1 else None
    sizes = None if batch_size is None else parse_numbers("--batch-size", batch_size, int, "1,32", least=1)
    if file is None:
        chosen, reference, title = [room.Model.parse(text) for text in words], None, ""
    else:
        listed = room.load_list(file)
        chosen, reference = [candidate.model() for candidate in listed.models], listed.against
        sizes = sizes or listed.batch_sizes
        title = listed.title + (f" ({listed.paper})" if listed.paper else "")
    if against is not None:
        names = [model.name for model in chosen]
        rival = room.Model.parse(against)
        reference = rival.name
        if rival.name not in names:
            chosen.append(rival)
    if size is not None:
        pair = parse_numbers("--size", size, int, "256x128", least=1, separator="x")
        if len(pair) != 2:
            raise UserError(f"--size {size} is not HxW.", "For example: --size 256x128")
        chosen = [replace(model, size=(pair[0], pair[1])) for model in chosen]
    return chosen, sizes or [32], reference, title
