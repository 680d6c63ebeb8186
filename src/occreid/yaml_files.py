"""YAML as people expect it: the core schema of YAML 1.2, in UTF-8, and nothing guessed.

PyYAML alone reads YAML 1.1, where ``010`` is 8, ``1:30`` is 90, ``no`` is false, ``5e-4`` is a text and a key given
twice silently wins over the first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from occreid.errors import UserError, worded
from occreid.files import read_text

_SCHEMA = (  # tag, what it looks like, what it may begin with
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
)


class _Loader(yaml.SafeLoader):
    """Safe YAML of the core schema; a key given twice and a number that begins with 0 are refused."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own way to say what a class reads

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is a list or a mapping", key.start_mark)
            if key.value in seen and key.value != "<<":
                problem = f"the key '{key.value}' is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Decimal, ``0o`` octal or ``0x`` hexadecimal."""
        text = str(node.value)
        if re.fullmatch(r"[-+]?0[0-9]+", text):  # 8 of YAML 1.1, 10 of YAML 1.2
            problem = f"the number {text} begins with 0: leave that out, or quote it where it is a text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return int(text, 0)


class _Dumper(yaml.SafeDumper):
    """Quotes the texts that `_Loader` or an ordinary YAML reader would take for something else."""


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
for _tag, _form, _first in _SCHEMA:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), _first)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(f"^(?:{_SCHEMA[3][1]})$"), _SCHEMA[3][2])


def parse_yaml(text: str, name: str, hint: str = "Correct that line.") -> Any:
    """What a YAML text says.

    >>> parse_yaml("{lr: 5e-4, when: 1:30, on: no}", "the recipe")
    {'lr': 0.0005, 'when': '1:30', 'on': 'no'}

    Args:
        text: one document.
        name: what it is, for the error, e.g. ``"the recipe a.yaml"``.
        hint: the error's second sentence.

    Raises:
        UserError: it is no YAML, gives a key twice, or holds a number that begins with 0.
    """
    with worded(f"{name} is not valid YAML", hint):
        try:
            return yaml.load(text, Loader=_Loader)  # a SafeLoader
        except yaml.MarkedYAMLError as error:
            if error.problem_mark is None:
                raise
            line = error.problem_mark.line + 1
            raise UserError(f"{name} is not valid YAML: line {line}: {error.problem}.", hint) from error


def read_yaml(path: str | Path, *, what: str = "", hint: str = "Give a readable YAML file.") -> Any:
    """What a YAML file says.

    Args:
        path: the file.
        what: its kind for the error, e.g. ``"the recipe"``; may be empty.
        hint: the error's second sentence where the file cannot be read.

    Raises:
        UserError: it cannot be read, or as `parse_yaml`.
    """
    return parse_yaml(read_text(path, what=what, hint=hint), f"{what} {path}".strip())


def dump_yaml(content: Any, **layout: Any) -> str:
    """YAML that `parse_yaml` and other programs read back to the same; ``layout`` is `yaml.dump`'s.

    >>> dump_yaml({"ema": "off", "lr": 0.5, "size": "1e3"}, default_flow_style=True).strip()
    "{ema: 'off', lr: 0.5, size: '1e3'}"
    """
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, **layout)
