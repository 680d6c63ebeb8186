"""Hints in the words of the command that was called: what one takes as --option, another has as --set."""

from __future__ import annotations

import re

_LOADER = re.compile(r"(?:--option )?\b((?:strict|test_masks|train|version|distractors|pattern)=[\w./-]+)")
"""An option of a benchmark's loader, as the library writes it."""
_SETTINGS = {
    "--same-camera ": "evaluation.same_camera=",
    "--precision ": "training.precision=",
    "--device ": "training.device=",
}
_BY_RECIPE = ("train", "ablate")
"""Commands whose benchmark and protocol a recipe says."""


def for_command(hint: str, command: str) -> str:
    """A hint of the library as a command's user can follow it.

    Args:
        hint: of a `UserError`.
        command: the first word after ``occreid``.

    >>> for_command("Skip them with strict=false.", "evaluate")
    'Skip them with --option strict=false.'
    >>> for_command("Skip them with strict=false.", "train")
    'Skip them with --set data.options.strict=false.'
    >>> for_command("Or keep such images: --same-camera keep", "train")
    'Or keep such images: --set evaluation.same_camera=keep'
    """
    if command not in _BY_RECIPE:
        return _LOADER.sub(r"--option \1", hint)
    hint = _LOADER.sub(r"--set data.options.\1", hint)
    for option, key in _SETTINGS.items():
        hint = hint.replace(option, f"--set {key}")
    return hint
