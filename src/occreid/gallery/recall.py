"""What an approximate search finds of the truth."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery.hit import Hit
from occreid.gallery.rows import to_descriptors, whole_column
from occreid.gallery.store import Store


def recall(
    search: Callable[..., Sequence[Sequence[Hit]]], store: Store, k: int, queries: int, seed: int, **approximate: Any
) -> float:
    """See `Gallery.recall`; ``search`` is the gallery's, ``approximate`` are options of it."""
    if k < 1:
        raise UserError(f"the nearest {k} say nothing.", "Ask for at least 1.")
    drawn = draw(store, queries, seed)
    if len(drawn) == 0:
        raise UserError("an empty gallery has no recall.", "Add entries first.")
    truth = search(drawn, k + 1)
    found = search(drawn, k + 1, exact=False, **approximate)
    return share_found(drawn.paths or (), truth, found)


def draw(store: Store, count: int, seed: int) -> Descriptors:
    """Some entries, the same for the same seed, as queries whose paths are their ids."""
    names = sorted(name for block in store.scan(["id"]) for name in block.column("id").to_pylist())
    some = random.Random(seed).sample(names, min(count, len(names)))
    table = store.fetch(some, ["id", whole_column(store.manifest), "visible"])
    return replace(to_descriptors(table, store.manifest), paths=table.column("id").to_pylist())


def share_found(names: Sequence[str], truth: Sequence[Sequence[Hit]], found: Sequence[Sequence[Hit]]) -> float:
    """Mean share of the true answers that were found, in [0, 1]; each query (by its id) leaves itself out."""
    shares = []
    for name, right, hits in zip(names, truth, found, strict=True):
        wanted = {hit.id for hit in right if hit.id != name}
        shares.append(len(wanted & {hit.id for hit in hits}) / max(len(wanted), 1))
    return sum(shares) / len(shares)
