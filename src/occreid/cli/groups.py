"""Options that belong together, as one argument of a command: a dataclass whose fields are the options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from inspect import Parameter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from occreid.cli.options import BatchSize, Device, Name, On, Option, Precision, Root, Workers, parse_options
from occreid.cli.splits import load_benchmarks, load_split
from occreid.errors import UserError

if TYPE_CHECKING:
    from occreid.evaluation import Settings
    from occreid.records import Split


def add(app: typer.Typer, module: ModuleType) -> None:
    """Add what a module of this room is: a group that registers itself, or the command of the module's own name."""
    if hasattr(module, "register"):
        module.register(app)
        return
    name = module.__name__.rpartition(".")[2]
    app.command(getattr(module, "NAME", name.replace("_", "-")))(getattr(module, name))


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters that are dataclasses stand, for typer, as the options that are their fields."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }
    shown: list[Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            kinds = get_type_hints(groups[name], include_extras=True)
            shown += [_option(field, kinds[field.name]) for field in fields(groups[name])]
        else:
            shown.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name]))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # what inspect, and so typer, reads first
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return run


def _option(field: Field[Any], kind: Any) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One benchmark on disk."""

    root: Root
    name: Name = None
    option: Option = None

    def split(self, **usual: Any) -> Split:
        """What it holds; options that the user names go before the usual ones."""
        return load_split(self.root, self.name, {**usual, **parse_options(self.option)})


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Benchmarks to test a model on; left out, the one it was trained on."""

    on: On = None
    option: Option = None

    def splits(self, source: Path) -> list[Split]:
        """What they hold, for the model in ``source``."""
        return load_benchmarks(source, self.on, self.option)

    def only(self, source: Path, several: str) -> Split:
        """The one that is named, where more make no sense.

        Raises:
            UserError: ``several``: there are more.
        """
        first, *others = self.splits(source)
        if others:
            raise UserError(several, "Give --on once.")
        return first


@dataclass(frozen=True, slots=True)
class Running:
    """Where and how a model runs; left out, as its run did."""

    device: Device = "auto"
    precision: Precision = None
    batch_size: BatchSize = None
    workers: Workers = 0

    def settings(self, progress: bool) -> Settings:
        """As the library takes them.

        Raises:
            UserError: an unknown precision, or a device that is not there.
        """
        from occreid.evaluation import Settings

        return Settings(self.device, self.precision, self.batch_size, self.workers, progress)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Computing:
    """Where and how a model runs, whatever its run did."""

    device: Device = "auto"
    precision: Annotated[str, typer.Option("--precision", help="float32, bfloat16 or float16.")] = "float32"
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Images at once.")] = 64
    workers: Workers = 0
