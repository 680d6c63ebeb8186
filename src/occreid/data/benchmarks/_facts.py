"""What is published about a benchmark, and the check of what was read against it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from occreid.errors import UserError
from occreid.records import Split

Counts = Mapping[str, tuple[int, int]]
"""Part ("train", "query", "gallery") → (images, ids); distractors are images but not ids."""

_SHOWN = 5


class WithdrawnDatasetWarning(UserWarning):
    """The data set read was withdrawn by its authors."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a benchmark without its files.

    Attributes:
        layout: the folders and file names expected, in one line.
        counts: published counts of each variant; the variant "" is the default one. Empty: nothing is published.
        note: protocol facts in one line.
        withdrawn: the authors took the data set back.
        shared_layout: other sets look alike on disk, so that only near counts tell that it is this one.
    """

    layout: str
    counts: Mapping[str, Counts] = field(default_factory=dict)
    note: str = ""
    withdrawn: bool = False
    shared_layout: bool = False


def warn_withdrawn(name: str) -> None:
    """Say that a data set was withdrawn, by a `WithdrawnDatasetWarning`."""
    warnings.warn(
        f"{name} comes from DukeMTMC, which its authors withdrew: recorded people had not agreed. "
        "Do not share it, and prefer another benchmark; occsynth needs no footage.",
        WithdrawnDatasetWarning,
        stacklevel=3,
    )


def finish(split: Split, expected: Counts, skipped: Sequence[Path], pattern: str, strict: bool) -> Split:
    """Hold what was read against what is published.

    Args:
        split: what was read.
        expected: the published counts; parts that are not named are not checked.
        skipped: image files whose names did not fit.
        pattern: how a name should have looked, for the message.
        strict: raise; False writes the same facts to the split's notes.

    Raises:
        UserError: misnamed files or other counts, when ``strict``.
    """
    notes = dict(split.notes)
    if skipped:
        listed = ", ".join(map(str, skipped[:_SHOWN])) + (", …" if len(skipped) > _SHOWN else "")
        if strict:
            raise UserError(
                f"{len(skipped)} image files of {split.name} are not named like {pattern}: {listed}.",
                "Rename or remove them, or skip them with strict=false.",
            )
        notes["skipped"] = f"{len(skipped)} misnamed files: {listed}"
    differences = _differences(split, expected)
    if differences:
        if strict:
            raise UserError(
                f"{split.name} has other counts than published: {'; '.join(differences)}.",
                "Complete the files, or accept them with strict=false.",
            )
        notes["counts"] = "; ".join(differences)
    return replace(split, notes=notes)


def _differences(split: Split, expected: Counts) -> list[str]:
    counts = split.counts()
    return [
        f"{part} has {counts[part]['images']} images of {counts[part]['ids']} ids, expected {images} of {ids}"
        for part, (images, ids) in expected.items()
        if (counts[part]["images"], counts[part]["ids"]) != (images, ids)
    ]
