"""Recipes on disk: finding them by path or name, dotted overrides, errors a person can act on, saving."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from occreid.errors import UserError, did_you_mean
from occreid.training.recipe import Recipe, Section
from occreid.yaml_files import dump_yaml, parse_yaml, read_yaml

Form = TypeVar("Form", bound=Section)
_SUFFIXES = (".yaml", ".yml")
LADDER, BENCH = ".ablate.yaml", ".bench.yaml"
"""How the names of ladders of recipes (`occreid.training.ablation`) and of lists to time (`occreid.bench`) end."""


def load_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name: a YAML file, or the name of a shipped recipe such as ``"baseline/market1501"``.
        overrides: ``"key=value"`` with a dotted key and a YAML value, e.g. ``"data.height=384"``.

    Raises:
        UserError: no such recipe, no YAML, an unknown key (with the nearest) or a value that does not fit.
    """
    path = find_recipe(name)
    return parse_recipe(read_sections(path), overrides, source=str(path))


def parse_recipe(content: dict[str, Any], overrides: Sequence[str] = (), source: str = "recipe") -> Recipe:
    """Validate the content of a recipe; see `load_recipe`."""
    given: set[str] = set()
    for override in overrides:
        given.add(_apply(content, override, source))
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise _explain(error, source, given) from error


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML; `load_recipe` reads it back to an equal recipe."""
    return dump_yaml(recipe.model_dump(mode="json"))


def list_recipes() -> tuple[str, ...]:
    """Names of the recipes that can be found from here, e.g. ``"baseline/market1501"``, sorted."""
    found: set[str] = set()
    for folder in recipe_folders():
        for suffix in _SUFFIXES:
            files_there = (p for p in folder.rglob(f"*{suffix}") if not p.name.endswith((LADDER, BENCH)))
            found |= {p.relative_to(folder).with_suffix("").as_posix() for p in files_there}
    return tuple(sorted(found))


def find_recipe(name: str | Path) -> Path:
    """The file behind a path or a shipped name; the working directory's ``recipes/`` comes first.

    Raises:
        UserError: there is none; the nearest name is suggested.
    """
    return find_shipped(name, "recipe", _SUFFIXES, list_recipes)


def find_shipped(name: str | Path, what: str, suffixes: Sequence[str], known: Callable[[], Sequence[str]]) -> Path:
    """The file behind a path, or behind a name in `recipe_folders`.

    Args:
        name: a path, or a name with or without ``recipes/`` before it and a suffix behind.
        what: what it is called in an error.
        suffixes: endings that a name may leave out.
        known: the names there are, asked for only where none fits.

    Raises:
        UserError: there is none; the nearest name is suggested.
    """
    path = Path(name)
    if path.is_file():
        return path
    inside = path.relative_to("recipes") if path.parts[:1] == ("recipes",) else path
    if not path.is_absolute():
        for folder in recipe_folders():
            for candidate in (folder / inside, *(folder / f"{inside}{suffix}" for suffix in suffixes)):
                if candidate.is_file():
                    return candidate
    bare = inside.as_posix()
    for suffix in suffixes:
        bare = bare.removesuffix(suffix)
    raise UserError(f"there is no {what} '{name}'.", did_you_mean(bare, known()))


def changed_keys(one: Recipe, other: Recipe) -> list[str]:
    """Dotted keys in which two recipes differ, sorted."""
    a, b = _flat(one.model_dump()), _flat(other.model_dump())
    return sorted(key for key in a.keys() | b.keys() if a.get(key, ...) != b.get(key, ...))


def recipe_folders() -> Iterator[Path]:
    """Where recipes are looked for, in this order; only folders that exist."""
    seen: set[Path] = set()
    checkout = Path(__file__).resolve().parents[3]
    shipped = Path(str(files("occreid").joinpath("_recipes")))
    candidates = [
        Path("recipes"),
        *([checkout / "recipes"] if (checkout / "pyproject.toml").is_file() else []),
        shipped,
    ]
    for folder in candidates:
        if folder.is_dir() and folder.resolve() not in seen:
            seen.add(folder.resolve())
            yield folder


def read_sections(path: Path, what: str = "recipe") -> dict[str, Any]:
    """The content of a YAML file whose top is a mapping; ``what`` it is, for the errors.

    Raises:
        UserError: as `occreid.yaml_files.read_yaml`, or it holds no mapping.
    """
    content = read_yaml(path, what=f"the {what}")
    if not isinstance(content, dict):
        raise UserError(f"the {what} {path} holds no sections.", f"Start from one of: {', '.join(list_recipes())}.")
    return content


def read_form(path: Path, form: type[Form], what: str, page: str, **lists: type[Section]) -> Form:
    """A YAML file of another form than a recipe's, validated.

    Args:
        path: the file.
        form: its sections.
        what: it is, for the errors.
        page: the document that describes the form.
        lists: key → what its items are.

    Raises:
        UserError: as `read_sections`, or the first key or value that is wrong.
    """
    try:
        return form.model_validate(read_sections(path, what))
    except ValidationError as error:
        first = _first(error)
        key = ".".join(str(part) for part in first["loc"])
        where = f"the {what} {path}" + (f", {key}" if key else "")
        if first["type"] == "extra_forbidden":
            known = lists.get(str(first["loc"][0]), form).model_fields
            raise UserError(f"{where}: there is no such key.", did_you_mean(str(first["loc"][-1]), known)) from error
        wish = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{where}: {wish[0].lower()}{wish[1:]}.", f"See {page} for the form.") from error


def as_override(key: str, value: Any) -> str:
    """The ``"key=value"`` that gives a dotted key this value, as `load_recipe` and ``--set`` take it.

    >>> as_override("schedule.milestones", [40, 70]), as_override("training.ema", "off")
    ('schedule.milestones=[40, 70]', "training.ema='off'")
    """
    text = dump_yaml(value, default_flow_style=True, width=float("inf"))
    return f"{key}={text.removesuffix(chr(10)).removesuffix('...').strip()}"


def _apply(content: dict[str, Any], override: str, source: str) -> str:
    """Put one ``key=value`` into the content; returns the dotted key."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise UserError(f"--set {override} is no key=value.", "Write e.g.: --set data.height=384")
    value = _value(".".join(parts), text.strip(), override)
    place = content
    for depth, part in enumerate(parts[:-1]):
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            raise UserError(
                f"--set {override}: '{'.'.join(parts[: depth + 1])}' in {source} is no section.",
                f"Set the whole value: --set {'.'.join(parts[: depth + 1])}=…",
            )
        place = inner
    place[parts[-1]] = value
    return ".".join(parts)


def _value(key: str, text: str, override: str) -> Any:
    """What was meant by the text behind ``key=``: YAML, but where the key is a text, the text as it is typed.

    A text may stand in quotes, and ``null`` or ``~`` takes away one that may be missing.
    """
    quoted = text[:1] in ("'", '"') and text[-1:] == text[:1] and len(text) > 1
    if str in _types(key) and not quoted and not (type(None) in _types(key) and text in ("null", "~")):
        return text
    value = parse_yaml(text, f"the value of --set {override}", "Quote it: --set 'key=[1, 2]'")
    if isinstance(value, str) and not quoted and value != text:  # a # or a : that YAML takes for its own
        return text
    return value


def _types(key: str) -> tuple[Any, ...]:
    """The types a dotted key of a recipe may have; none where the recipe does not say."""
    annotation: Any = Recipe
    for part in key.split("."):
        inner = [a for a in _choices(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
        field = inner[0].model_fields.get(part) if inner else None
        if field is None:
            return ()
        annotation = field.annotation
    return _choices(annotation)


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _first(error: ValidationError) -> Any:
    """What to say first: an unknown key, since other errors often follow from it."""
    problems = error.errors()
    return next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])


def _explain(error: ValidationError, source: str, given: set[str]) -> UserError:
    """The first thing wrong, as one sentence naming the recipe and the dotted key."""
    first = _first(error)
    key = ".".join(str(part) for part in first["loc"])
    by_hand = next((k for k in given if k == key or k.startswith(f"{key}.") or key.startswith(f"{k}.")), None)
    where = f"recipe {source}" + (f" with --set {by_hand}" if by_hand else "")
    if first["type"] == "extra_forbidden":
        return UserError(f"{where} has no key '{key}'.", _nearest(key))
    if first["type"] == "missing":
        return UserError(f"{where} lacks the key '{key}'.", f"Add it, or give --set {key}=…")
    wish = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if first["type"] == "value_error":
        return UserError(f"{where}{f', {key}' if key else ''}: {wish}.", "Change one of the values.")
    if first["type"] in ("model_type", "dict_type"):
        wish = "should be a section of keys and values"
    return UserError(f"{where}: '{key}' cannot be {first['input']!r}.", f"It {wish}.")


def _nearest(key: str) -> str:
    """Suggest a dotted key: first within the same section, then the same last word anywhere."""
    section, _, word = re.sub(r"\.\d+(?=\.)", "", key).rpartition(".")  # evaluation.test.0.rot → evaluation.test, rot
    known = _known_keys(Recipe)
    siblings = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == section}
    hint = did_you_mean(word, siblings)
    if hint.startswith("Did you mean"):
        near = hint.removeprefix("Did you mean '").removesuffix("'?")
        return f"Did you mean '{siblings[near]}'?"
    elsewhere = [k for k in known if k.rpartition(".")[2] == word]
    if elsewhere:
        return f"Did you mean '{elsewhere[0]}'?"
    return hint


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in model.model_fields.items():
        keys.append(f"{prefix}{name}")
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                keys += _known_keys(inner, f"{prefix}{name}.")
    return keys


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
