"""Finding methods by file name, and the parser, and building them from typed options."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import typing
from typing import Any

from pydantic import TypeAdapter, ValidationError

from occreid.errors import UserError, did_you_mean
from occreid.models.contract import Method, ModelSpec, PartParser, Trainable

_PACKAGE = "occreid.methods"  # named, not imported: papers lie above this room
_PARSERS = {"parser": "occreid.annotate.parser"}  # what makes labels for methods and is no method


def list_methods() -> tuple[str, ...]:
    """Names of all methods of `occreid.methods`, sorted; nothing is imported to find them.

    >>> "baseline" in list_methods()
    True
    """
    package = importlib.util.find_spec(_PACKAGE)
    found = pkgutil.iter_modules(package.submodule_search_locations if package else [])
    return tuple(sorted(module.name for module in found))


def find_model(name: str) -> type[Trainable]:
    """The class behind a method's name, behind ``"parser"``, or behind ``"package.module:Class"`` from outside.

    Raises:
        UserError: no such method, module or class, or it is neither a `Method` nor a `PartParser`.
    """
    if ":" in name:
        return _outside(name)
    if name in _PARSERS:
        return _only_class(_PARSERS[name], PartParser)
    if name not in list_methods():
        raise UserError(f"there is no method '{name}'.", did_you_mean(name, (*list_methods(), *_PARSERS)))
    return _only_class(f"{_PACKAGE}.{name}", Method)


TRUST = "OCCREID_TRUST_CODE"
"""Environment variable; 1 lets cards name classes outside of occreid, in this process and in those it starts."""


def check_trusted(name: str, source: object, trusted: bool) -> None:
    """Refuse to import what a file names: a card may come from anybody, and importing a module runs it.

    Args:
        name: the card's method.
        source: the card's model, for the error.
        trusted: the caller has read that code; `TRUST` says so for all.

    Raises:
        UserError: a class outside of occreid, and nobody trusts it.
    """
    if ":" in name and not trusted and os.environ.get(TRUST) != "1":
        raise UserError(
            f"the card of {source} asks to run code of '{name}'.",
            "If you know that code, add --trust-code; from Python: load_model(…, trust_code=True).",
        )


def _only_class(module_name: str, kind: type[Trainable]) -> type[Trainable]:
    module = importlib.import_module(module_name)
    classes = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, kind) and c.__module__.startswith(module_name)
    ]
    if len(classes) != 1:
        raise TypeError(f"{module_name} must define one {kind.__name__}, found {[c.__name__ for c in classes]}")
    return classes[0]


def _outside(name: str) -> type[Trainable]:
    module_name, _, class_name = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UserError(
            f"method '{name}': there is no module '{error.name}'.", "Write package.module:Class, importable from here."
        ) from error
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, (Method, PartParser))):
        raise UserError(
            f"method '{name}': '{class_name}' in {module_name} is not a subclass of occreid.methods.Method.",
            did_you_mean(class_name, [n for n, c in vars(module).items() if isinstance(c, type)]),
        )
    return found


def method_options(name: str) -> dict[str, Any]:
    """The options of a method, or of the parser, and their defaults, read from its ``__init__``.

    >>> method_options("baseline")["margin"]
    0.3

    Raises:
        UserError: no such method.
    """
    parameters = inspect.signature(find_model(name).__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def create_model(name: str, num_classes: int, **options: Any) -> Method:
    """Build a method.

    Args:
        name: one of `list_methods`, or ``"package.module:Class"`` of your own.
        num_classes: number of training identities, at least 1.
        options: keyword-only arguments of the method's ``__init__``; their types are checked.

    Raises:
        UserError: what `create_trainable` raises, or a parser, which is no method.
    """
    return as_method(create_trainable(name, num_classes, **options), name)


def create_trainable(name: str, num_classes: int, **options: Any) -> Trainable:
    """Build whatever a recipe can train: a method, or the parser.

    Args:
        name: as `create_model`, or ``"parser"``.
        num_classes: number of training identities, at least 1; a parser makes nothing of it.
        options: keyword-only arguments of the class's ``__init__``; their types are checked.

    Raises:
        UserError: unknown method, unknown option (with the nearest), or a value of the wrong type.
    """
    kind = find_model(name)
    if num_classes < 1:
        raise UserError(f"num_classes is {num_classes}.", "Give the number of training identities, at least 1.")
    defaults = method_options(name)
    hints = typing.get_type_hints(kind.__init__)
    for key, value in options.items():
        if key not in defaults:
            raise UserError(f"{name} has no option '{key}'.", did_you_mean(key, defaults))
        options[key] = _checked(name, key, value, hints.get(key, Any))
    missing = sorted(k for k, v in defaults.items() if v is inspect.Parameter.empty and k not in options)
    if missing:
        raise UserError(f"{name} needs the option '{missing[0]}'.", "Give it under method.options.")
    model = kind(num_classes, **options)  # pyright: ignore[reportCallIssue]  # every subclass takes them, see Trainable
    model.spec = ModelSpec(name, num_classes, {**defaults, **options})
    return model


def as_method(model: Trainable, called: object) -> Method:
    """The model, if it can tell people apart.

    Args:
        model: any.
        called: the name or path it was asked for by.

    Raises:
        UserError: it is a parser.
    """
    if isinstance(model, Method):
        return model
    raise UserError(
        f"{called} parses people into parts and cannot tell them apart.",
        "Give a method, or a run of one; masks are made from a parser with: occreid parse ROOT --weights RUN",
    )


def _checked(method: str, key: str, value: Any, hint: Any) -> Any:
    try:
        return TypeAdapter(hint, config={"arbitrary_types_allowed": True}).validate_python(value)
    except ValidationError as error:
        wanted = error.errors()[0]["msg"]
        raise UserError(
            f"{method}'s option '{key}' cannot be {value!r}.", f"{wanted[0].upper()}{wanted[1:]}."
        ) from error
