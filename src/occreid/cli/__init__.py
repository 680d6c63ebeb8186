"""The command line: `occreid COMMAND`. Every command's heavy imports happen inside the command.

`main` turns a `UserError` into one or two lines and exit code 2, so that a mistake never shows a traceback.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys

import typer

from occreid import __version__
from occreid.cli import (
    ablate,
    adapt,
    backbones,
    bench,
    clever_hans,
    crop,
    data,
    demo,
    equip,
    evaluate,
    export,
    extract,
    find,
    gallery,
    import_model,
    masks,
    parse,
    push,
    reconstruct,
    report,
    results,
    search,
    serve,
    shorten,
    stress,
    train,
)
from occreid.cli.groups import add
from occreid.cli.hints import for_command
from occreid.errors import UserError

app = typer.Typer(
    name="occreid",
    help="Occluded person re-identification: train, evaluate, search and explain.\n\n"
    "Start with: occreid demo --out demo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"occreid {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", callback=_print_version, is_eager=True
    ),
    trust_code: bool = typer.Option(
        False, "--trust-code", help="Run classes outside of occreid that a model's card names. Anywhere on the line."
    ),
) -> None:
    """Occluded person re-identification."""
    if trust_code:
        os.environ["OCCREID_TRUST_CODE"] = "1"  # also for the processes that a command starts


_TRUST = "--trust-code"
_PANELS = {
    "Use a model": (search, gallery, serve, crop, find, adapt, equip, import_model, export, push),
    "Train": (demo, train, ablate, backbones),
    "Measure and explain": (evaluate, extract, report, results, stress, clever_hans, bench, shorten, reconstruct),
    "Data and labels": (data, parse, masks),
}
"""What stands together in ``occreid --help``, and in which order."""


def _register() -> None:
    """Add every command, each under its heading."""
    for panel, groups in _PANELS.items():
        before = len(app.registered_commands), len(app.registered_groups)
        for group in groups:
            add(app, group)
        for info in (*app.registered_commands[before[0] :], *app.registered_groups[before[1] :]):
            info.rich_help_panel = panel


_register()


def expanded(word: str) -> str:
    """A word of the command line with its ``~`` as the home folder, where the shell left it: behind ``=``, in quotes.

    >>> expanded("folder=~/d") == f"folder={os.path.expanduser('~')}/d", expanded("training.ema=~"), expanded("a~/b")
    (True, 'training.ema=~', 'a~/b')
    """
    head, equals, path = word.rpartition("=")
    return f"{head}{equals}{os.path.expanduser(path)}" if path.startswith("~/") else word


def _skip_last_walk() -> None:
    """Let the end of the process not walk through torch once more, which takes half a second.

    Where triton is loaded it must: else nanobind, which triton is bound with, complains about what was left.
    """
    if "triton" not in sys.modules:
        gc.freeze()


def main() -> None:
    """Run the command line; the entry point ``occreid``.

    Exit codes: 0 done, 1 the command found or met a problem, 2 a mistake in what was asked, 130 interrupted.
    """
    atexit.register(_skip_last_walk)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what a video lacks is said in our own words
    words = [expanded(word) for word in sys.argv[1:]]
    trusting = [word for word in words if word == _TRUST]
    try:
        app([*trusting[:1], *(word for word in words if word != _TRUST)])
    except UserError as error:
        print(f"occreid: {error.problem}", file=sys.stderr)
        if error.hint:
            command = next((word for word in words if not word.startswith("-")), "")
            print(f"         {for_command(error.hint, command)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("occreid: interrupted.", file=sys.stderr)
        sys.exit(130)  # as a shell says of Ctrl-C
    except BrokenPipeError:  # `occreid data list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
