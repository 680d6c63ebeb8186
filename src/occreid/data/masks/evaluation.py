"""Masks for test images: where they come from is said with every result, and exact ones are an oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from occreid.data.masks.folders import attach_masks
from occreid.errors import UserError
from occreid.records import Split

EXACT = "exact"
"""Instead of a folder: the benchmark's own exact masks."""
TEST_MASKS, ORACLE = "test_masks", "oracle"
"""Keys of `Split.notes`: where the test masks come from; what no one could know in use."""


def with_test_masks(split: Split, root: str | Path, source: str) -> Split:
    """A benchmark whose queries and gallery carry masks that a method may see while it is tested.

    Without this a method sees no masks of test images, even where the benchmark has them. The split's notes say
    where the masks come from, and go into every result.

    Args:
        split: read from ``root``.
        root: see `occreid.data.masks.folders.mask_path`.
        source: a folder as `occreid parse` and `occreid masks` write it, or ``"exact"`` for the benchmark's own
            masks, which the notes call an oracle.

    Raises:
        UserError: masks are missing, counted and named.
    """
    if source != EXACT:
        query, gallery = (attach_masks(part, root, source) for part in (split.query, split.gallery))
        return replace(split, query=query, gallery=gallery, notes={**split.notes, TEST_MASKS: source})
    without = [record for record in (*split.query, *split.gallery) if record.mask is None]
    if without:
        raise UserError(
            f"{len(without)} test images of {split.name} have no exact masks, the first is {without[0].path}.",
            "Give a folder of masks: test_masks=FOLDER. Only generated benchmarks have exact ones.",
        )
    return replace(split, notes={**split.notes, TEST_MASKS: EXACT, ORACLE: "exact masks of the test images"})


def oracle_of(split: Split, *, stressed: bool = False) -> str:
    """What a method is given of the test images that no one could know in use, or nothing.

    Args:
        split: the benchmark, with what `with_test_masks` noted.
        stressed: whether its pictures are altered. Masks are made of the pictures before that, and leave out what
            it hides.
    """
    hidden = "masks that leave out what the stress hides" if stressed and has_test_masks(split) else ""
    return "; ".join(text for text in (split.notes.get(ORACLE, ""), hidden) if text)


def has_test_masks(split: Split) -> bool:
    """Whether a method may see masks of the test images."""
    return TEST_MASKS in split.notes
