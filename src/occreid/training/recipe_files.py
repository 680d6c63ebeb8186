"""Recipes on disk: finding them by path or name, dotted overrides, errors a person can act on, saving."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from occreid.errors import UserError, did_you_mean
from occreid.files import read_text
from occreid.training.recipe import Recipe, Section

Form = TypeVar("Form", bound=Section)
_SUFFIXES = (".yaml", ".yml")
LADDER, BENCH = ".ablate.yaml", ".bench.yaml"
"""How the names of ladders of recipes (`occreid.training.ablation`) and of lists to time (`occreid.bench`) end."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads ``5e-4`` as a number and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes the texts that `_Loader` would read as numbers."""


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(  # YAML 1.1 wants "5.0e-4": nobody writes learning rates like that
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
    )


def load_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name: a YAML file, or the name of a shipped recipe such as ``"baseline/market1501"``.
        overrides: ``"key=value"`` with a dotted key and a YAML value, e.g. ``"data.height=384"``.

    Raises:
        UserError: no such recipe, no YAML, an unknown key (with the nearest) or a value that does not fit.
    """
    path = find_recipe(name)
    return parse_recipe(read_yaml(path), overrides, source=str(path))


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
    return yaml.dump(recipe.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


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
    path = Path(name)
    if path.is_file():
        return path
    inside = path.relative_to("recipes") if path.parts[:1] == ("recipes",) else path
    if not path.is_absolute():
        for folder in recipe_folders():
            for candidate in (folder / inside, *(folder / f"{inside}{suffix}" for suffix in _SUFFIXES)):
                if candidate.is_file():
                    return candidate
    known = list_recipes()
    raise UserError(f"there is no recipe '{name}'.", did_you_mean(inside.with_suffix("").as_posix(), known))


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


def read_yaml(path: Path, what: str = "recipe") -> dict[str, Any]:
    """The content of a YAML file whose top is a mapping; ``what`` it is, for the errors.

    Raises:
        UserError: it cannot be read, is no YAML, gives a key twice or holds no mapping.
    """
    try:
        content = yaml.load(read_text(path, what=f"the {what}", hint="Give a readable YAML file."), Loader=_Loader)
    except yaml.YAMLError as error:
        raise UserError(f"the {what} {path} is not valid YAML: {_where(error)}.", "Mend that line.") from error
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
        UserError: as `read_yaml`, or the first key or value that is wrong.
    """
    try:
        return form.model_validate(read_yaml(path, what))
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
    layout: Any = {"default_flow_style": True, "sort_keys": False, "allow_unicode": True, "width": float("inf")}
    text = yaml.dump(value, Dumper=_Dumper, **layout)
    return f"{key}={text.removesuffix(chr(10)).removesuffix('...').strip()}"


def _where(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _apply(content: dict[str, Any], override: str, source: str) -> str:
    """Put one ``key=value`` into the content; returns the dotted key."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise UserError(f"--set {override} is no key=value.", "Write e.g.: --set data.height=384")
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise UserError(f"--set {override}: the value is not valid YAML.", "Quote it: --set 'key=[1, 2]'") from error
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
