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
    from torch import Tensor

    from occreid.methods import Method
    from occreid.records import Record, Split

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
_COMPARED = 42  # 1 + 2 + 7 + 32 pictures: each batch of the comparison has its own


def register(app: typer.Typer) -> None:
    """Add the command `export`."""
    app.command()(export)


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
    pictures, masks = _pictures(_folder(images) if images is not None else splits[0].query[:_COMPARED], model)
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
        found["int8"] = _quantized(model, target, int8, splits, calibration, (pictures, masks), quiet=as_json)
    if as_json:
        typer.echo(json.dumps(found, indent=2))


def _quantized(
    model: Method,
    source: Path,
    way: str,
    splits: list[Split],
    calibration: int,
    compared: tuple[Tensor, Tensor | None],
    quiet: bool,
) -> dict[str, Any]:
    """Write the int8 network beside its source and score both on every benchmark."""
    from occreid import export as room
    from occreid.evaluation import measure
    from occreid.models import load_model
    from occreid.models.exported import ExportedModel
    from occreid.retrieval import Protocol

    target = source.with_name(f"{source.stem}-int8.onnx")
    ranges = None
    if way == "static":
        ranges, _ = _pictures(_spread(splits[0].train, calibration), model)
    room.quantize(source, target, way, ranges)
    small = load_model(target)
    assert isinstance(small, ExportedModel)
    parity = room.check_parity(small.run, room.reference(model), *compared, tolerance=None)
    rows, benchmarks = [], []
    for split in splits:
        protocol = Protocol.of(model.card, split)
        before, after = (measure(each, split, protocol, device="cpu", progress=not quiet) for each in (model, small))
        names = [name for name in ("mAP", "R-1") if name in before.scores()]
        benchmarks.append({"benchmark": split.name, "float32": before.scores(), "int8": after.scores()})
        for name in names:
            one, two = before.scores()[name], after.scores()[name]
            rows.append([f"{split.name} {name}", percent(one), percent(two), f"{100 * (two - one):+.2f}"])
    if not quiet:
        typer.echo(
            f"{target}: {target.stat().st_size / 2**20:.1f} MiB, {way} int8; smallest cosine to PyTorch's descriptors "
            f"{parity.cosine:.4f}"
        )
        print_table(["", "float32", "int8", "difference"], rows)
    return {"file": str(target), "bytes": target.stat().st_size, "way": way, "cosine": parity.cosine,
            "benchmarks": benchmarks}  # fmt: skip


def _pictures(records: tuple[Record, ...] | list[Record], model: Method) -> tuple[Tensor, Tensor | None]:
    """(N, 3, H, W) uint8, as evaluation loads them, and (N, H, W) uint8 masks where the method needs them."""
    import torch

    from occreid.data.loading.loaders import eval_loader

    if not records:
        raise UserError("there is no picture to compare on.", "Give a folder of pictures: --images FOLDER")
    if model.needs_masks and any(record.mask is None for record in records):
        raise UserError(
            f"this {type(model).__name__} needs masks to describe, and there is none of the pictures to compare on.",
            "Make masks with 'occreid parse' or 'occreid masks', and name them: --option test_masks=FOLDER.",
        )
    height, width = model.input_size
    loader = eval_loader(records, height=height, width=width, batch_size=32, masks=model.needs_masks)
    batches = [(batch.images, batch.masks) for batch in loader]
    masks = [mask for _, mask in batches if mask is not None]
    return torch.cat([images for images, _ in batches]), torch.cat(masks) if model.needs_masks else None


def _folder(folder: Path) -> list[Record]:
    from occreid.data.walk import images_under
    from occreid.records import Record

    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}.", "Give a folder of pictures with --images.")
    return [Record(path, 0, 0) for path in images_under(folder)[:_COMPARED]]


def _spread(records: tuple[Record, ...], count: int) -> list[Record]:
    """So many records, evenly over all of them."""
    step = max(1, len(records) // count)
    return list(records[::step][:count])
