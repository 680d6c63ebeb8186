"""`occreid export`: a trained model as a file that runs elsewhere, written only if it says what PyTorch says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from occreid.cli.console import percent, print_table
from occreid.cli.groups import Benchmarks, grouped
from occreid.cli.options import FlipTest, Json, require_known

if TYPE_CHECKING:
    from occreid.export import Quantized

Run = Annotated[Path, typer.Argument(help="A run folder or .safetensors file.")]
Kind = Annotated[str, typer.Option("--format", help="onnx, torchscript or safetensors.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="The file to write; left out: model.<format> in the run folder.")
]
Opset = Annotated[int, typer.Option("--opset", help="ONNX operator set, 18 to 23.")]
Images = Annotated[
    Path | None,
    typer.Option("--images", help="A folder of pictures to compare on; left out: queries of the benchmark."),
]
Int8 = Annotated[
    str | None, typer.Option("--int8", help="dynamic or static: write an int8 network too, and measure what it costs.")
]
Calibration = Annotated[int, typer.Option("--calibration", min=1, help="static: training pictures for the ranges.")]


@grouped
def export(
    *,
    run: Run,
    kind: Kind = "onnx",
    out: Out = None,
    opset: Opset = 20,
    images: Images = None,
    int8: Int8 = None,
    calibration: Calibration = 128,
    flip_test: FlipTest = False,
    benchmarks: Benchmarks,
    as_json: Json = False,
) -> None:
    """Write a model as one file: uint8 RGB in, descriptor and visibility out, any batch size.

    It is compared with PyTorch on real pictures at batch sizes 1, 2, 7 and 32 first, and not written if it deviates.

    For example:

        occreid export runs/market

        occreid export runs/market --int8 static --on occsynth=data/occsynth-demo
    """
    from occreid import export as room

    require_known("--format", kind, [*room.FORMATS])
    if int8 is not None:
        require_known("--int8", int8, [*room.WAYS])
    done = room.export_run(
        *(run, lambda: benchmarks.splits(run)),
        out=out,
        kind=kind,
        opset=opset,
        images=images,
        int8=int8,
        calibration=calibration,
        flip_test=flip_test,
        progress=not as_json,
    )
    if as_json:
        typer.echo(json.dumps(done.to_json(), indent=2))
        return
    parity = done.parity
    sizes = ", ".join(str(size) for size in parity.batches)
    typer.echo(
        f"{done.file}: {done.size / 2**20:.1f} MiB; deviates from PyTorch by at most {parity.deviation:.1e} of a "
        f"descriptor's length ({parity.images} pictures, batches of {sizes})"
    )
    if done.masks:
        typer.echo("It takes pictures and masks: the method sees by the masks which parts are visible.")
    if done.int8 is not None:
        _print_quantized(done.int8)


def _print_quantized(small: Quantized) -> None:
    rows = []
    for name, (before, after) in small.scores.items():
        for score in ("mAP", "R-1"):
            if score in before.scores():
                one, two = before.scores()[score], after.scores()[score]
                rows.append([f"{name} {score}", percent(one), percent(two), f"{100 * (two - one):+.2f}"])
    typer.echo(
        f"{small.file}: {small.file.stat().st_size / 2**20:.1f} MiB, {small.way} int8; smallest cosine to PyTorch's "
        f"descriptors {small.cosine:.4f}"
    )
    print_table(["", "float32", "int8", "difference"], rows)
