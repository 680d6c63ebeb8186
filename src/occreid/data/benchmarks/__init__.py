"""Benchmarks: a file holds a function of its own name and that benchmark's `FACTS`; the file is the registration.

The function is ``name(root, *, option=default, …) -> Split``; its typed signature is the schema of its options. A file
of several versions holds a function of each, and ``FACTS`` by their names.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from occreid.data.benchmarks._facts import Facts
from occreid.data.benchmarks._facts import WithdrawnDatasetWarning as WithdrawnDatasetWarning
from occreid.data.masks.evaluation import with_test_masks
from occreid.data.table import Row, read_table
from occreid.data.walk import check_name, existing_folder, images_under
from occreid.errors import UserError, did_you_mean
from occreid.names import plain_name
from occreid.records import Record, Split

_LARGEST = 2**63 - 1  # what a tensor of ids can hold


def list_benchmarks() -> tuple[str, ...]:
    """Names of all benchmarks, sorted.

    >>> "market1501" in list_benchmarks()
    True
    """
    return tuple(sorted(_registered()))


def benchmark_options(name: str) -> dict[str, Any]:
    """A benchmark's options and their defaults, read from its function.

    >>> benchmark_options("market1501")["strict"]
    True

    Raises:
        UserError: no such benchmark.
    """
    parameters = inspect.signature(_loader(name)).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def benchmark_facts(name: str) -> Facts:
    """What is published about a benchmark: counts, layout, status.

    Raises:
        UserError: no such benchmark.
    """
    return _entry(name)[1]


def load_benchmark(name: str, root: str | Path, **options: Any) -> Split:
    """Read a benchmark's folder.

    Args:
        name: one of `list_benchmarks`.
        root: the benchmark's folder, or the folder that holds it.
        options: keyword-only arguments of the benchmark's function; their types are checked. All take
            ``strict``: False accepts other counts than the published ones and skips misnamed files,
            which `Split.notes` then tells. Besides, any benchmark takes ``test_masks``: where a method finds
            masks of the test images, see `occreid.data.masks.evaluation.with_test_masks`.

    Raises:
        UserError: unknown benchmark or option, missing or empty folders, misnamed files, wrong counts.
    """
    loader, root = _loader(name), Path(root).expanduser()
    check_name(root)
    known = benchmark_options(name)
    hints = typing.get_type_hints(loader)
    test_masks = checked_option(name, "test_masks", options.pop("test_masks", None), str | None)
    for key, value in options.items():
        if key not in known:
            raise UserError(f"{name} has no option '{key}'.", did_you_mean(key, (*known, "test_masks")))
        options[key] = checked_option(name, key, value, hints[key])
    split = loader(root, **options)
    large = next((r for r in split.records if max(r.pid, r.camid) > _LARGEST), None)
    if large is not None:
        raise UserError(f"{large.path} has an id or a camera beyond 64 bits.", "Rename it: ids are whole numbers.")
    return split if test_masks is None else with_test_masks(split, root, test_masks)


def folder_records(place: str | Path, *, camera: str | None = None) -> list[Record]:
    """Records of pictures that are no benchmark: of persons whose numbers mean nothing (−1).

    Args:
        place: a folder with pictures at any depth, of unknown persons; or a ``.csv`` with the column path, and perhaps
            pid, camid, timestamp and tags, see `occreid.data.table.read_table`.
        camera: the name of the camera of all of them that the table names none of.

    Raises:
        UserError: there is none, or a table that makes no sense.
    """
    place = Path(place)
    if place.suffix.lower() == ".csv" and not place.is_dir():
        return [_record(row, camera) for row in read_table(place, needed=("path",))]
    return [Record(file, pid=-1, camid=-1, camera=camera) for file in images_under(existing_folder(place))]


def _record(row: Row, camera: str | None) -> Record:
    person = plain_name(row.pid)
    return Record(
        row.path,
        pid=-1,
        camid=-1,
        occluded=row.occluded,
        timestamp=row.timestamp,
        tags=row.tags,
        person="" if person == "-1" else person,
        camera=plain_name(row.camera) if row.camera else camera,
    )


@functools.cache
def _registered() -> dict[str, tuple[Callable[..., Split], Facts]]:
    """Name → function and facts of every benchmark; the files are small and import no torch."""
    found: dict[str, tuple[Callable[..., Split], Facts]] = {}
    for file in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if not file.name.startswith("_"):
            module = importlib.import_module(f"{__name__}.{file.name}")
            facts = module.FACTS if isinstance(module.FACTS, dict) else {file.name: module.FACTS}
            found |= {name: (getattr(module, name), own) for name, own in facts.items()}
    return found


def _entry(name: str) -> tuple[Callable[..., Split], Facts]:
    if name not in _registered():
        raise UserError(f"there is no benchmark '{name}'.", did_you_mean(name, list_benchmarks()))
    return _registered()[name]


def _loader(name: str) -> Callable[..., Split]:
    return _entry(name)[0]


def checked_option(benchmark: str, key: str, value: Any, hint: Any) -> Any:
    """An option's value as its type has it; texts are read as a command line writes them.

    Raises:
        UserError: it is none of that type.
    """
    from pydantic import TypeAdapter, ValidationError

    if isinstance(value, str) and typing.get_origin(hint) in (tuple, list):
        value = value.split(",")  # as a command line writes a list
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        choices = [c for part in (hint, *typing.get_args(hint)) for c in _choices(part)]
        wanted = error.errors()[0]["msg"]
        advice = did_you_mean(str(value), choices) if choices else f"{wanted[0].upper()}{wanted[1:]}."
        raise UserError(f"{benchmark}'s option '{key}' cannot be {value!r}.", advice) from error


def _choices(hint: Any) -> list[str]:
    return [str(c) for c in typing.get_args(hint)] if typing.get_origin(hint) is typing.Literal else []
