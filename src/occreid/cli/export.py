"""`occreid export`: a trained model as a file that runs elsewhere, written only if it says what PyTorch says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from occreid.cli.console import percent, print_table
from occreid.cli.options import FlipTest, On, Option
from occreid.cli.splits import load_benchmarks
from occreid.errors import UserError, did_you_mean

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
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def export(
    run: Run,
    kind: Kind = "onnx",
    out: Out = None,
    opset: Opset = 20,
    images: Images = None,
    int8: Int8 = None,
    calibration: Calibration = 128,
    flip_test: FlipTest = False,
    on: On = None,
    option: Option = None,
    as_json: Json = False,
) -> None:
    """Write a model as one file: uint8 RGB in, descriptor and visibility out, any batch size.

    It is compared with PyTorch on real pictures at batch sizes 1, 2, 7 and 32 first, and not written if it deviates.

    For example:

        occreid export runs/market

        occreid export runs/market --int8 static --on occsynth=data/occsynth-demo
    """
    from occreid import export as room
    from occreid.models import load_model, read_card

    if kind not in room.FORMATS:
        raise UserError(f"there is no format '{kind}'.", did_you_mean(kind, room.FORMATS))
    if int8 is not None and kind != "onnx":
        raise UserError(f"--int8 belongs to --format onnx, not to {kind}.", "Leave one of them out.")
    if int8 is not None and int8 not in room.WAYS:
        raise UserError(f"there is no quantisation '{int8}'.", did_you_mean(int8, room.WAYS))
    card, model = read_card(run), load_model(run)
    model.flip_test = model.flip_test or flip_test
    if model.needs_masks and images is not None:
        raise UserError(
            "the pictures of --images have no masks, and this model needs them.",
            "Leave --images out, and give --option test_masks=FOLDER.",
        )
    if model.needs_masks and int8 == "static":
        raise UserError("training pictures have no masks to find ranges with.", "Use --int8 dynamic.")
    target = out or (run if run.is_dir() else run.parent) / f"model{room.FORMATS[kind]}"
    if kind == "safetensors" and out is None:
        raise UserError("a run folder holds its weights as safetensors already.", "Give another place: --out FILE")
    splits = [] if images is not None and int8 is None else load_benchmarks(run, on, option)
    if int8 == "static" and not splits[0].train:
        raise UserError(f"{splits[0].name} has no training pictures for the ranges.", "Use --int8 dynamic.")
    records = room.folder_records(images) if images is not None else splits[0].query[: room.COMPARED]
    pictures, masks = room.load_pictures(records, model)
    parity = room.export_model(model, target, pictures, masks, kind=kind, opset=opset, card=card)
    found: dict[str, Any] = {
        "file": str(target),
        "bytes": target.stat().st_size,
        "deviation": parity.deviation,
        "batches": list(parity.batches),
        "images": parity.images,
        "inputs": ["images"] if masks is None else ["images", "masks"],
    }
    if not as_json:
        sizes = ", ".join(str(size) for size in parity.batches)
        typer.echo(
            f"{target}: {found['bytes'] / 2**20:.1f} MiB; deviates from PyTorch by at most {parity.deviation:.1e} of a "
            f"descriptor's length ({parity.images} pictures, batches of {sizes})"
        )
        if masks is not None:
            typer.echo("It takes pictures and masks: the method sees by the masks which parts are visible.")
    if int8 is not None:
        small = room.quantize_and_measure(
            *(model, target, int8, splits, (pictures, masks)), calibration=calibration, progress=not as_json
        )
        found["int8"] = small.to_json()
        if not as_json:
            _print_quantized(small)
    if as_json:
        typer.echo(json.dumps(found, indent=2))


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
