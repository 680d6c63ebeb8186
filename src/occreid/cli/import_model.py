"""`occreid import`: take in a network that another toolbox made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from occreid.cli.groups import grouped
from occreid.cli.options import Json, parse_numbers
from occreid.errors import UserError

NAME = "import"
"""The command; the word is Python's own."""
File = Annotated[
    Path, typer.Argument(help="An .onnx, .pt2 or TorchScript file, or a .pth of torchreid's or fast-reid's zoo.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="A folder for the network and its card; left out, the card goes beside it.")
]
MetricName = Annotated[str | None, typer.Option("--metric", help="cosine (the default), euclidean or visible_parts.")]
Output = Annotated[str | None, typer.Option("--output", help="Which output is the descriptor: its name or number.")]


@dataclass(frozen=True, slots=True)
class Input:
    """The pictures that the network takes."""

    height: Annotated[int | None, typer.Option("--height", help="Of its pictures, where the file does not say it.")] = (
        None
    )
    width: Annotated[int | None, typer.Option("--width", help="Of its pictures, where the file does not say it.")] = (
        None
    )
    mean: Annotated[
        str | None, typer.Option("--mean", help="Of red, green, blue; left out, ImageNet's: 0.485,0.456,0.406")
    ] = None
    std: Annotated[str | None, typer.Option("--std", help="Likewise; left out, ImageNet's: 0.229,0.224,0.225")] = None
    range_: Annotated[
        int, typer.Option("--range", help="1 for pixels in [0, 1], 255 for [0, 255], before mean and std.")
    ] = 1
    bgr: Annotated[bool, typer.Option("--bgr", help="The network wants blue, green, red.")] = False

    def values(self) -> dict[str, Any]:
        """By their names in `occreid.models.importing.Declared`."""
        if self.range_ not in (1, 255):
            raise UserError(f"--range cannot be {self.range_}.", "Give 1 or 255.")
        return {
            "height": self.height,
            "width": self.width,
            "mean": _colours("--mean", self.mean),
            "std": _colours("--std", self.std),
            "range": self.range_,
            "bgr": self.bgr,
        }


@grouped
def import_model(
    *,
    file: File,
    out: Out = None,
    pictures: Input,
    metric: MetricName = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Take in a model of another toolbox, so that every command can use it.

    Its size, layout, batch and outputs are read from the file. What no file says reliably is declared here, or
    guessed and named as a guess: pixel scaling and distance.

    For example:

        occreid import osnet.onnx --out models/osnet

        occreid evaluate models/osnet --on market1501=data/market1501
    """
    from occreid.models.importing import Declared, import_network

    declared = Declared(**pictures.values(), metric=metric, output=output)  # type: ignore[arg-type]  # checked next
    found = import_network(file, declared, out)
    if as_json:
        typer.echo(json.dumps(found.card, indent=2))
        return
    typer.echo(f"{found.path.with_suffix('.json')}: {_sentence(found.card)}")
    for guess in found.guessed:
        typer.echo(f"guessed: {guess}; say it if it is otherwise.")
    for note in found.notes:
        typer.echo(f"note: {note}")


def _colours(option: str, text: str | None) -> tuple[float, ...] | None:
    return None if text is None else tuple(parse_numbers(option, text, float, "0.5,0.5,0.5", least=-1000))


def _sentence(card: dict[str, Any]) -> str:
    interface = card["interface"]
    height, width = card["input_size"]
    many = "any number" if interface["batch"] is None else str(interface["batch"])
    return (
        f"takes {height}×{width} pictures, {many} at once, as {interface['dtype']} {interface['layout']} "
        f"{'BGR' if interface['bgr'] else 'RGB'}; gives {card['parts']} × {card['dimensions']} numbers, "
        f"compared by {card['metric']} distance"
    )
