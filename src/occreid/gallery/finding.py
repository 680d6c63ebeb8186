"""Searching rows: every one of them in blocks, or only candidates an index proposes; distances are always exact.

Letters: Q queries, B rows of a block, k answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.errors import UserError
from occreid.gallery.entries import Filter
from occreid.gallery.rows import search_vectors, to_descriptors, whole_column
from occreid.gallery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

Found = list[list[tuple[str, float]]]
"""(id, distance) of each query's answers, nearest first, equal distances by id."""


def search_all(store: Store, query: Descriptors, k: int, narrow: Filter | None) -> Found:
    """The k nearest of all rows that pass the filter, exactly, one block of rows after the other."""
    own_camera = narrow is not None and narrow.exclude_camera == "query"
    if narrow is not None and own_camera:
        narrow = replace(narrow, exclude_camera=None)
    cameras = query_cameras(query) if own_camera else None
    best: Found = [[] for _ in range(len(query))]
    for block in store.blocks(narrow):
        apart = distances(query, block.descriptors, store.manifest.metric)  # type: ignore[arg-type]
        if cameras is not None:
            apart.masked_fill_(cameras[:, None] == block.camids, torch.inf)
        _merge(best, apart, block.ids, k)
    return best


def search_candidates(
    store: Store, query: Descriptors, k: int, narrow: Filter | None, candidates: int, probes: int | None
) -> Found:
    """The k nearest of about ``candidates`` rows whose search vectors are nearest, their order exact."""
    manifest = store.manifest
    vectors = search_vectors(query, manifest).numpy()
    own_camera = narrow is not None and narrow.exclude_camera == "query"
    cameras = query_cameras(query).tolist() if own_camera else None
    best: Found = [[] for _ in range(len(query))]
    for row, vector in enumerate(vectors):
        mine = replace(narrow, exclude_camera=cameras[row]) if narrow is not None and cameras is not None else narrow
        table = store.nearest(vector, candidates, ["id", whole_column(manifest), "visible"], mine, probes)
        if len(table):
            one = query[row : row + 1]
            apart = distances(one, to_descriptors(table, manifest), manifest.metric)  # type: ignore[arg-type]
            _merge(best[row : row + 1], apart, table.column("id"), k)
    return best


def query_cameras(query: Descriptors) -> Tensor:
    """The queries' camera ids (Q,).

    Raises:
        UserError: they are not known.
    """
    if query.camids is None:
        raise UserError("the queries' cameras are not known.", "Give camids, or no exclude_camera='query'.")
    return query.camids


def _merge(best: Found, apart: Tensor, ids: pa.Array | pa.ChunkedArray, k: int) -> None:
    """Take the k nearest of what is known and of a block; what is at +∞ shares nothing with the query."""
    bound = apart.kthvalue(min(k, apart.shape[1]), dim=1).values
    worst = torch.tensor([answers[-1][1] if len(answers) == k else torch.inf for answers in best])
    near = (apart <= torch.minimum(bound, worst)[:, None]) & apart.isfinite()
    for row, column in near.nonzero().tolist():
        best[row].append((ids[column].as_py(), max(float(apart[row, column]), 0.0)))
    for answers in best:
        answers.sort(key=lambda answer: (answer[1], answer[0]))
        del answers[k:]
