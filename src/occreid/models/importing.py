"""Taking in a network that was made elsewhere: what its file says is read, the rest is declared, and both are tried.

Letters: B images, H × W pixels, D dimensions.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from occreid.distances import METRICS, Metric
from occreid.errors import UserError, did_you_mean, require
from occreid.files import replacing, write_json
from occreid.models.foreign import ForeignModel, Interface, Runtime, open_network
from occreid.models.networks import open_onnx
from occreid.models.trying import tried
from occreid.models.weights import versions
from occreid.models.zoo import ENDINGS, Recognised, filled, read_checkpoint, recognise
from occreid.tensor_files import write_tensors

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_RUNTIMES: dict[str, Runtime] = {".onnx": "onnx", ".pt2": "pt2", ".torchscript": "torchscript", ".pt": "torchscript"}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a user says of a network; None leaves it to the file, and where the file says nothing to a guess."""

    height: int | None = None
    width: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    range: Literal[1, 255] = 1
    bgr: bool = False
    metric: Metric | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What was written, which facts are guesses that somebody should confirm, and what the network's trial found."""

    path: Path
    card: dict[str, Any]
    guessed: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a file says of itself."""

    shape: tuple[int | None, ...] | None = None
    dtype: str = "float32"
    outputs: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    parameters: int = 0


def import_network(source: str | Path, declared: Declared, out: str | Path | None = None) -> Imported:
    """Write the card of a foreign network, once the network has described pictures.

    Args:
        source: an ``.onnx``, ``.pt2``, ``.torchscript`` or ``.pt`` file, or a ``.pth`` checkpoint of a zoo's weights
            (`occreid.models.zoo`).
        declared: what is known of it.
        out: a folder to copy file and card to; left out, the card is written beside the file.

    Raises:
        UserError: no such file, one that is no network, that takes something else than pictures, or gives something
            else than one vector for each; a fact that is missing or cannot be.
    """
    source = Path(source)
    weights = source.suffix in ENDINGS
    runtime = "weights" if weights else _RUNTIMES.get(source.suffix)
    if not source.is_file() or runtime is None:
        what = f"{source} is no network" if source.is_file() else f"there is no file '{source}'"
        raise UserError(f"{what}.", f"Give a file that ends in {', '.join((*_RUNTIMES, *ENDINGS))}.")
    if weights and out is None:
        raise UserError(f"{source} holds weights, which are written anew.", "Say where to: --out FOLDER")
    found = recognise(read_checkpoint(source), source) if weights else None
    if found is not None:
        contents, declared, sized = _checkpoint_contents(found, declared)
    else:
        contents, sized = _onnx_contents(source) if runtime == "onnx" else _torch_contents(source, runtime), ()
    interface, size, guessed = _interface(source, runtime, contents, declared)
    guessed = (*sized, *guessed)
    metric = declared.metric or contents.facts.get("metric")
    if metric is None:
        metric, guessed = "cosine", (*guessed, "metric (cosine)")
    if metric not in METRICS:
        raise UserError(f"there is no metric '{metric}'.", did_you_mean(metric, METRICS))
    network = open_network(source, runtime, interface.output) if found is None else filled(found)
    trial = tried(source, network, interface, size)
    path = source if out is None else Path(out) / f"model{'.safetensors' if weights else source.suffix}"
    if path != source:
        with replacing(path, what="the network") as part:
            shutil.copyfile(source, part) if found is None else write_tensors(found.tensors, part)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    card = {
        "format": 1,
        "method": source.stem,
        "foreign": True,
        "options": {},
        "num_classes": 0,
        "input_size": list(size),
        "metric": metric,
        "parts": trial.parts,
        "dimensions": trial.dimensions,
        "parameters": contents.parameters,
        "interface": trial.interface.entries(),
        **({} if found is None else {"architecture": found.architecture, "unused": list(found.unused)}),
        "guessed": list(guessed),
        "notes": list(trial.notes),
        "sha256": sha256,
        "versions": versions(),
    }
    write_json(path.with_suffix(".json"), card, indent=2, what="the card")
    ForeignModel(path)  # what was written can be read
    return Imported(path, card, guessed, trial.notes)


def _checkpoint_contents(found: Recognised, declared: Declared) -> tuple[_Contents, Declared, tuple[str, ...]]:
    """A checkpoint's contents, what is declared with its guesses added, and those: weights know no size."""
    parameters = sum(tensor.numel() for tensor in found.tensors.values() if tensor.is_floating_point())
    sized: tuple[str, ...] = ()
    if declared.height is None and declared.width is None:
        declared, sized = replace(declared, height=256, width=128), ("height and width (256×128)",)
    if found.mean is not None and found.std is not None and declared.mean is None and declared.std is None:
        declared = replace(declared, mean=found.mean, std=found.std, range=255)
    return _Contents(parameters=parameters), declared, sized


def _interface(
    source: Path, runtime: Runtime, contents: _Contents, declared: Declared
) -> tuple[Interface, tuple[int, int], tuple[str, ...]]:
    """What the network takes, the pictures' size, and what of it is a guess."""
    guessed = []
    layout, batch, (height, width) = _layout(source, contents.shape)
    height, width = _agreed(source, "height", declared.height, height), _agreed(source, "width", declared.width, width)
    mean, std = declared.mean or _numbers(source, contents, "mean"), declared.std or _numbers(source, contents, "std")
    if (mean is None) != (std is None):
        raise UserError("a mean without a deviation, or the reverse, scales nothing.", "Give both --mean and --std.")
    if mean is None or std is None:
        if contents.dtype == "uint8" or declared.range == 255:
            mean, std = (0.0,) * 3, (1.0,) * 3
        else:
            mean, std = IMAGENET_MEAN, IMAGENET_STD
            guessed.append("mean and std (ImageNet's)")
    if min(std) <= 0:
        raise UserError(f"a deviation of {min(std):g} scales nothing.", "Give e.g. --std 0.229,0.224,0.225")
    if len(mean) != 3 or len(std) != 3:
        raise UserError(f"mean {mean} and std {std} are not three channels each.", "Give e.g. --mean 0.5,0.5,0.5")
    return (
        Interface(
            runtime=runtime,
            mean=(mean[0], mean[1], mean[2]),
            std=(std[0], std[1], std[2]),
            range=255 if contents.dtype == "uint8" else declared.range,
            bgr=declared.bgr,
            layout=layout,
            dtype=contents.dtype,  # type: ignore[arg-type]  # `_onnx_contents` has looked
            batch=batch,
            output=_output(source, contents.outputs, declared.output),
        ),
        (height, width),
        tuple(guessed),
    )


def _layout(
    source: Path, shape: tuple[int | None, ...] | None
) -> tuple[Literal["NCHW", "NHWC"], int | None, tuple[int | None, int | None]]:
    """Layout, fixed batch and (H, W) of an input's shape; what is None is not fixed."""
    if shape is None:
        return "NCHW", None, (None, None)
    if len(shape) == 4 and shape[1] == 3:
        return "NCHW", shape[0], (shape[2], shape[3])
    if len(shape) == 4 and shape[3] == 3:
        return "NHWC", shape[0], (shape[1], shape[2])
    if len(shape) == 4 and shape[1] is None and shape[3] is None:
        return "NCHW", shape[0], (shape[2], None)
    raise UserError(f"{source} takes an input of shape {list(shape)}, no colour pictures.", "Give a network that does.")


def _agreed(source: Path, name: str, declared: int | None, contents: int | None) -> int:
    if contents is not None and declared is not None and declared != contents:
        raise UserError(f"{source} takes a {name} of {contents}, not {declared}.", f"Leave --{name} out.")
    if contents is None and declared is None:
        raise UserError(f"{source} does not say the {name} of its pictures.", f"Give --{name}, e.g. 256 × 128.")
    found = contents or declared
    if found is None or found < 1:
        raise UserError(f"a {name} of {found} is impossible.", f"Give a --{name} of 1 or more.")
    return found


def _numbers(source: Path, contents: _Contents, key: str) -> tuple[float, ...] | None:
    """Numbers that a file's metadata hold under a name, e.g. ``"0.5, 0.5, 0.5"`` or ``"[0.5, 0.5, 0.5]"``."""
    if key not in contents.facts:
        return None
    try:
        return tuple(float(word) for word in contents.facts[key].strip("[]() ").split(","))
    except ValueError as error:
        raise UserError(f"{source} says '{key}: {contents.facts[key]}'.", f"Say it yourself: --{key} R,G,B") from error


def _output(source: Path, names: tuple[str, ...], declared: str | None) -> str | int:
    if declared is None:
        return names[0] if names else 0
    if names and declared not in names:
        raise UserError(f"{source} has no output '{declared}'.", did_you_mean(declared, names))
    if not names and not declared.isdigit():
        raise UserError(f"the outputs of {source} have no names.", "Give its number: --output 0")
    return declared if names else int(declared)


def _onnx_contents(source: Path) -> _Contents:
    session = open_onnx(source)
    inputs, metadata = session.get_inputs(), session.get_modelmeta().custom_metadata_map
    if "occreid" in metadata:
        raise UserError(f"{source} was written by 'occreid export' and needs no import.", "Use it as it is.")
    if len(inputs) != 1:
        raise UserError(f"{source} takes {len(inputs)} inputs.", "Give a network that takes pictures alone.")
    kinds = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
    if inputs[0].type not in kinds:
        raise UserError(f"{source} takes {inputs[0].type}, no pixels.", f"Known: {', '.join(kinds)}.")
    shape = tuple(side if isinstance(side, int) else None for side in inputs[0].shape)
    outputs = tuple(output.name for output in session.get_outputs())
    return _Contents(shape, kinds[inputs[0].type], outputs, dict(metadata), _onnx_parameters(source))


def _onnx_parameters(source: Path) -> int:
    onnx = require("onnx", "export")
    graph = onnx.load(str(source), load_external_data=False).graph
    return sum(int(torch.tensor(list(tensor.dims)).prod()) if tensor.dims else 1 for tensor in graph.initializer)


def _torch_contents(source: Path, runtime: Runtime) -> _Contents:
    if runtime == "torchscript" and not _is_torchscript(source):
        raise UserError(
            f"{source} is no TorchScript file.", "A checkpoint of weights alone holds no network: export it to ONNX."
        )
    network: Any = open_network(source, runtime)
    parameters = sum(p.numel() for p in network.parameters())
    if runtime == "torchscript":
        return _Contents(parameters=parameters)
    # of an exported program the first user input's fake tensor says the shape
    program = torch.export.load(source)
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    if len(inputs) != 1:
        raise UserError(f"{source} takes {len(inputs)} inputs.", "Give a network that takes pictures alone.")
    value = inputs[0].meta["val"]
    shape = tuple(side if isinstance(side, int) else None for side in value.shape)
    return _Contents(shape, str(value.dtype).removeprefix("torch."), parameters=parameters)


def _is_torchscript(source: Path) -> bool:
    if not zipfile.is_zipfile(source):
        return False
    with zipfile.ZipFile(source) as archive:
        return any(name.endswith("constants.pkl") for name in archive.namelist())
