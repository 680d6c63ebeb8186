"""Errors a user can act on, and what words them.

A mistake of the user's is a `UserError`: one sentence for the problem, one for the hint. The command
line prints it in one or two lines and leaves with exit code 2; a traceback is kept for our own bugs.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType


class UserError(Exception):
    """A mistake the user can correct.

    Args:
        problem: one sentence that names the file, key or value.
        hint: one sentence that says what to do about it; may be empty.

    >>> str(UserError("no folder 'query' in data/market.", "Give the folder that holds it."))
    "no folder 'query' in data/market. Give the folder that holds it."
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        self.problem = problem
        self.hint = hint
        super().__init__(f"{problem} {hint}".strip())

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str]]:
        return type(self), (self.problem, self.hint)  # survives the trip from a worker process


@contextmanager
def worded(problem: str, hint: str = "") -> Iterator[None]:
    """Turn whatever a decoder, parser or encoder raises over a user's file into a sentence.

    Such code raises anything for bytes it did not expect, so this is the one place that catches everything. Keep the
    block to the call itself: a mistake of ours in it would be blamed on the file.

    Args:
        problem: what to say, without full stop, e.g. ``"data/a.jpg is damaged"``; the reason follows in brackets.
        hint: the error's second sentence.

    Raises:
        UserError: the block raised something; a `UserError` passes as it is.

    >>> with worded("a.bin is damaged", "Copy it again."):
    ...     int("x")
    Traceback (most recent call last):
    occreid.errors.UserError: a.bin is damaged (invalid literal for int() with base 10: 'x'). Copy it again.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{problem} ({reason(error)}).", hint) from error


def reason(error: BaseException) -> str:
    r"""The first line of what an exception says, at most 200 characters; its type where it says nothing.

    >>> reason(ValueError("no id\nmore")), reason(EOFError()), reason(KeyError("id"))
    ('no id', 'EOFError', "no key 'id'")
    """
    if isinstance(error, KeyError):
        return f"no key {error}"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    first = next(iter(text.strip().splitlines()), "").rstrip(".")
    return first[:200] or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name, or list the known ones when none is near.

    Args:
        word: what the user wrote.
        known: the names that would have been right; may be empty.

    >>> did_you_mean("marign", ["margin", "epsilon"])
    "Did you mean 'margin'?"
    >>> did_you_mean("zzz", ["margin", "epsilon"])
    'Known: epsilon, margin.'
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known: {', '.join(names)}." if names else ""


def require(package: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    Args:
        package: the module to import, e.g. ``"anny"``.
        extra: the extra of occreid that installs it, e.g. ``"synth"``.

    Raises:
        UserError: the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] != package.split(".")[0]:
            raise  # the package is there, something it needs is not: not this helper's message
        raise UserError(
            f"this needs the package '{package}', which is not installed.",
            f"Run: pip install 'occreid[{extra}]'",
        ) from error
