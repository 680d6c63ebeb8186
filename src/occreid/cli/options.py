"""Options that several commands share, and the one way their words become values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from occreid.errors import UserError, did_you_mean

Number = TypeVar("Number", int, float)

OWN_MODEL = Path("occreid-lite")
"""What commands take where no model is given: `occreid.models.shipped.DEFAULT`, which would import torch here."""

Root = Annotated[Path, typer.Argument(help="The benchmark's folder, the folder that holds it, or a CSV.")]
Name = Annotated[str | None, typer.Option("--name", help="The benchmark; left out, it is recognised by its layout.")]
On = Annotated[
    list[str] | None,
    typer.Option("--on", metavar="NAME=ROOT", help="A benchmark to test on; repeat it for a cross-domain table."),
]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        help="An option of the benchmark's loader, e.g. strict=false or distractors=0,9; may be repeated.",
    ),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps or auto.")]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        help="float32, bfloat16, float16, or auto: what is fastest here; left out, what the run was trained in.",
    ),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Images at once; left out, what the run was tested with.")
]
Workers = Annotated[int, typer.Option("--workers", min=0, help="Processes that load images.")]
FlipTest = Annotated[
    bool, typer.Option("--flip-test", help="Describe pictures together with their mirror images: twice the time.")
]
Stressed = Annotated[
    list[str] | None,
    typer.Option(
        "--stress",
        metavar="KIND:LEVEL[:SIDE]",
        help="Also score damaged pictures: flat, texture, object, person (hide that share), shift, blur, dark, small; "
        "repeat it.",
    ),
]
StressOn = Annotated[str, typer.Option("--stress-on", help="Whose pictures are damaged: query, gallery or both.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def parse_options(given: Sequence[str] | None) -> dict[str, str]:
    """``KEY=VALUE`` texts as a dictionary; the loader's types turn the values into what they mean.

    >>> parse_options(["strict=false", "distractors=0,9"])
    {'strict': 'false', 'distractors': '0,9'}

    Raises:
        UserError: a text without key or equals sign.
    """
    return dict(_pair("--option", text, "KEY=VALUE", "strict=false") for text in given or ())


def parse_benchmarks(given: Sequence[str] | None) -> list[tuple[str, Path]] | None:
    """``NAME=ROOT`` texts of ``--on`` as pairs; None where there are none.

    Raises:
        UserError: a text without name, root or equals sign.
    """
    if given is None:
        return None
    pairs = [_pair("--on", text, "NAME=ROOT", "market1501=data/market1501") for text in given]
    return [(name, Path(root)) for name, root in pairs]


def parse_numbers(
    option: str, text: str, kind: Callable[[str], Number], example: str, least: int = 0, separator: str = ","
) -> list[Number]:
    """Numbers with a separator between them.

    >>> parse_numbers("--ranks", "1, 5", int, "1,5,10")
    [1, 5]

    Args:
        option: the option's name, for the error.
        text: what was typed.
        kind: int or float.
        example: a text that would be right.
        least: the smallest number allowed.
        separator: what is between two numbers.

    Raises:
        UserError: something else than numbers, or one that is too small.
    """
    try:
        numbers = [kind(word) for word in text.split(separator)]
    except ValueError as error:
        raise UserError(f"{option} {text} is not a list of numbers.", f"For example: {option} {example}") from error
    if min(numbers) < least:
        raise UserError(f"{option} {text} holds a number below {least}.", f"For example: {option} {example}")
    return numbers


def parse_size(text: str) -> tuple[int, int]:
    """Height and width of ``--size``.

    >>> parse_size("256x128")
    (256, 128)

    Raises:
        UserError: something else than two numbers above 0.
    """
    found = parse_numbers("--size", text.lower(), int, "256x128", least=1, separator="x")
    if len(found) != 2:
        raise UserError(f"--size {text} is not HxW.", "For example: --size 256x128")
    return found[0], found[1]


def parse_words(option: str, text: str, known: Sequence[str]) -> list[str]:
    """Words of a known set with commas between them.

    Raises:
        UserError: an unknown word; the nearest one is suggested.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words or [text]:
        require_known(option, word, known)
    return words


def require_known(option: str, word: str, known: Sequence[str]) -> None:
    """Refuse a word that an option does not know; the nearest one is suggested.

    Raises:
        UserError: the word is unknown.
    """
    if word not in known:
        raise UserError(f"{option} cannot be '{word}'.", did_you_mean(word, known))


def _pair(option: str, text: str, form: str, example: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip() or (form == "NAME=ROOT" and not value):
        raise UserError(f"{option} {text} is not {form}.", f"For example: {option} {example}")
    return key.strip(), value
