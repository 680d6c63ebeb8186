"""Models of other people: a network in an ONNX, ``.pt2`` or TorchScript file, and a card that says what it takes.

The card is written by `occreid.models.importing.import_network`; it names what no file says reliably: how the pixels
are scaled, in which order the colours come, and how descriptors are compared.

Letters: B images, H × W pixels, P parts, D dimensions.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError, worded
from occreid.files import read_json
from occreid.models.card import checked_card
from occreid.models.networks import FileModel, onnx_failures, open_onnx
from occreid.models.pictures import check_images
from occreid.models.zoo import Recognised, filled

Runtime = Literal["onnx", "pt2", "torchscript", "weights"]
"""Who runs a file; weights are those of a network defined here (`occreid.models.zoo`)."""
Network = Callable[[Tensor], Tensor]
"""Images as the network wants them → its output, both on any device."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What a foreign network takes and gives.

    Attributes:
        runtime: who runs the file.
        mean: of each channel in RGB order, subtracted from pixels in [0, ``range``].
        std: what is divided by then, in the same order.
        range: 1 for pixels in [0, 1], 255 for pixels in [0, 255].
        bgr: whether the network wants OpenCV's order of colours.
        layout: ``"NCHW"`` or ``"NHWC"``.
        dtype: ``"float32"``, ``"float16"`` or ``"uint8"``.
        batch: how many pictures it takes at once, where that is fixed.
        output: which output is the descriptor: a name (ONNX) or a number.
    """

    runtime: Runtime
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    range: Literal[1, 255] = 1
    bgr: bool = False
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    dtype: Literal["float32", "float16", "uint8"] = "float32"
    batch: int | None = None
    output: str | int = 0

    def entries(self) -> dict[str, Any]:
        """What the card keeps."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @staticmethod
    def of(entries: dict[str, Any]) -> Interface:
        """Read what `entries` gave."""
        colours = {key: tuple(entries[key]) for key in ("mean", "std")}
        return Interface(**{**entries, **colours})


class ForeignModel(FileModel):
    """A network that was made elsewhere.

    Args:
        path: the file; its card lies beside it.

    Raises:
        UserError: no file or card, or one that cannot be run.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        card = read_json(path.with_suffix(".json"), what="the card", hint=_again(path))
        needed = ("interface", "metric", "input_size")
        super().__init__(path, checked_card(card, f"the card of {path}", needed))
        with worded(f"the card of {path} has a damaged interface", _again(path)):
            self.interface = Interface.of(self.card["interface"])
        if self.interface.runtime == "weights":
            self.network = filled(Recognised(self.card["architecture"], load_file(path), ()))
        else:
            self.network = open_network(path, self.interface.runtime, self.interface.output)
        self.expect_pixels(self.interface.mean, self.interface.std)

    def describe(self, images: Tensor, masks: Tensor | None = None) -> Descriptors:
        """Descriptors of uint8 pictures of exactly ``input_size``, or of float ones in [0, 1]; masks count for nothing.

        Raises:
            UserError: pictures of another size, type or range.
        """
        check_images(images, self.input_size, str(self.path))
        found = run_batches(self.network, self.inputs(images), self.interface.batch, str(self.path))
        return Descriptors(found).to(images.device)

    def inputs(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB as the network wants it."""
        return prepared(images, self.interface, self._pixel_mean, self._pixel_std)


def prepared(images: Tensor, interface: Interface, mean: Tensor, std: Tensor) -> Tensor:
    """(B, 3, H, W) RGB, uint8 or in [0, 1], as a network of this interface wants it; mean and std (1, 3, 1, 1)."""
    pixels = images.float() * (interface.range / (255 if images.dtype == torch.uint8 else 1))
    pixels = (pixels - mean) / std
    if interface.bgr:
        pixels = pixels.flip(1)
    if interface.dtype == "uint8":
        pixels = pixels.round().clamp(0, 255)
    pixels = pixels.to(getattr(torch, interface.dtype))
    return pixels.permute(0, 2, 3, 1).contiguous() if interface.layout == "NHWC" else pixels.contiguous()


def is_foreign(path: Path) -> bool:
    """Whether a card of `occreid import` lies beside this file; the card of a run folder is another."""
    card = path.with_suffix(".json")
    if not card.is_file():
        return False
    held = read_json(card, what="the card", hint=_again(path))
    return isinstance(held, dict) and "interface" in held


def run_batches(network: Network, inputs: Tensor, batch: int | None, who: str = "the network") -> Tensor:
    """(B, …) inputs through a network, ``batch`` at a time where it takes no other number, as (B, P, D) or (B, D).

    Raises:
        UserError: another number of answers than of pictures.
    """
    if batch is None:
        return _vectors(network(inputs), len(inputs), who)
    pieces = []
    for piece in inputs.split(batch):
        short = batch - len(piece)
        whole = torch.cat([piece, piece[-1:].expand(short, *piece.shape[1:])]) if short else piece
        pieces.append(_vectors(network(whole), batch, who)[: len(piece)])
    return torch.cat(pieces)


def open_network(path: Path, runtime: Runtime, output: str | int = 0) -> Network:
    """A file's network as a function (a module where PyTorch runs it, so that it moves with the model).

    Raises:
        UserError: no such file, or one that the runtime cannot read.
    """
    if runtime == "onnx":
        return _onnx(path, output)
    if not zipfile.is_zipfile(path):  # torch would print pages about it
        raise UserError(f"cannot read {path} as {runtime} (it is no archive).", _again(path))
    with worded(f"cannot read {path} as {runtime}", _again(path)), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's advice about TorchScript is for whoever writes it
        if runtime == "torchscript":  # a scripted module may have been saved while it trained
            network: nn.Module = torch.jit.load(str(path), map_location="cpu").eval()
        else:
            network = torch.export.load(path).module()
    return _Chosen(network, int(output))


class _Chosen(nn.Module):
    """A network of which one output counts."""

    def __init__(self, network: nn.Module, output: int) -> None:
        super().__init__()
        self.network, self.output = network, output

    def train(self, mode: bool = True) -> _Chosen:
        """Nothing: a network in a file has one mode, and torch's exported ones refuse to be asked."""
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        found = self.network(inputs)
        return found if isinstance(found, Tensor) else list(found)[self.output]


def _onnx(path: Path, output: str | int) -> Network:
    session = open_onnx(path)
    name = session.get_inputs()[0].name
    wanted = session.get_outputs()[output].name if isinstance(output, int) else output

    def network(inputs: Tensor) -> Tensor:
        try:
            return torch.from_numpy(session.run([wanted], {name: inputs.cpu().numpy()})[0])
        except onnx_failures() as error:  # these are plain Exceptions
            raise RuntimeError(str(error)) from error

    return network


def _vectors(output: Tensor, pictures: int, who: str) -> Tensor:
    """(B, D), (B, D, 1, 1) or (B, P, D) as float32 descriptors, one for each of so many pictures."""
    found = len(output) if output.ndim else 0
    if found != pictures:
        raise UserError(
            f"{who} gives {found} answers for {pictures} picture{'s' * (pictures != 1)}.",
            "Export it for one picture or any number.",
        )
    while output.ndim > 2 and output.shape[-1] == 1:
        output = output.squeeze(-1)
    return output.float()


def _again(path: Path) -> str:
    return f"Take it in again: occreid import {json.dumps(str(path))}"
