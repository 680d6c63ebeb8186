"""Searching rows: every one of them in blocks, or only candidates an index proposes; distances are always exact.

Letters: Q queries, B rows of a block, k answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery.blocks import Block, block_columns, to_block
from occreid.gallery.entries import named
from occreid.gallery.filters import Filter, require_filter
from occreid.gallery.hit import Hit, score
from occreid.gallery.manifest import Manifest
from occreid.gallery.rows import ABOUT, search_vectors
from occreid.gallery.store import Store

if TYPE_CHECKING:
    import pyarrow as pa


_MARGIN = 16  # asked beyond k, so that a server's rounding cannot push a true answer out


@dataclass(frozen=True, slots=True)
class _Found:
    """A row that may be an answer: its distance, its id, and where the rest of it is."""

    distance: float
    id: str
    about: pa.Table
    row: int


def checked_query(query: Descriptors, k: int, manifest: Manifest) -> Descriptors:
    """Queries that a gallery can be searched for, on the CPU.

    Raises:
        UserError: k below 1, descriptors of another shape, NaN or infinity.
    """
    if not isinstance(k, Integral) or k < 1:
        raise UserError(f"cannot return {k!r} entries.", "Ask for at least 1.")
    shape = (manifest.parts, manifest.dim)
    if query.features.shape[1:] != shape:
        raise UserError(
            f"the query is {tuple(query.features.shape[1:])} (parts, dimensions), the gallery {shape}.",
            "Describe the query with the model that made the gallery.",
        )
    return query.to("cpu").require_finite()


def search_rows(
    store: Store,
    query: Descriptors,
    k: int,
    filter: Filter | None,
    *,
    exact: bool,
    candidates: int | None = None,
    probes: int | None = None,
) -> list[list[Hit]]:
    """The k nearest of the rows that pass the filter, see `Gallery.search`."""
    require_filter(filter)
    if not exact:
        return search_candidates(store, query, k, filter, max(k, candidates or max(200, 20 * k)), probes)
    if store.exact:
        return search_candidates(store, query, k, filter, k + _MARGIN, None)
    return search_all(store, query, k, filter)


def search_all(store: Store, query: Descriptors, k: int, filter: Filter | None) -> list[list[Hit]]:
    """The k nearest of all rows that pass the filter, exactly, one block of rows after the other."""
    cameras = query_cameras(query) if filter is not None and filter.exclude_own else None
    best: list[list[_Found]] = [[] for _ in range(len(query))]
    for block in store.blocks(filter):
        distances = block.side.distances(query)
        if cameras is not None:
            own = torch.tensor([block.cameras.code(camera) for camera in cameras])
            distances.masked_fill_(own[:, None] == block.cameras.codes, torch.inf)
        _merge(best, distances, block, k)
    return [[_hit(found, store.manifest.metric) for found in answers] for answers in best]


def search_candidates(
    store: Store, query: Descriptors, k: int, filter: Filter | None, candidates: int, probes: int | None
) -> list[list[Hit]]:
    """The k nearest of about ``candidates`` rows whose search vectors are nearest, their order exact."""
    manifest = store.manifest
    vectors = search_vectors(query, manifest).numpy()
    cameras = query_cameras(query) if filter is not None and filter.exclude_own else None
    best: list[list[_Found]] = [[] for _ in range(len(query))]
    for row, vector in enumerate(vectors):
        mine = filter
        if filter is not None and cameras is not None:
            mine = replace(filter, exclude_camid=cameras[row])
        block = to_block(store.nearest(vector, candidates, block_columns(manifest), mine, probes), manifest)
        if filter is not None and mine is not filter:
            block = block.where(block.passing(filter))  # the store was asked for the query's camera alone
        if len(block):
            distances = block.side.distances(query[row : row + 1])
            _merge(best[row : row + 1], distances, block, k)
    return [[_hit(found, manifest.metric) for found in answers] for answers in best]


def query_cameras(query: Descriptors) -> list[str | None]:
    """The names of Q queries' cameras.

    Raises:
        UserError: they are not known.
    """
    cameras = named(query.cameras, query.camids)
    if cameras is None:
        raise UserError("the queries' cameras are not known.", "Give cameras or camids, or no exclude_own.")
    return cameras


def _merge(best: list[list[_Found]], distances: Tensor, block: Block, k: int) -> None:
    """Take the k nearest of what is known and of a block; what is at +∞ shares nothing with the query."""
    bound = distances.kthvalue(min(k, distances.shape[1]), dim=1).values
    worst = torch.tensor([answers[-1].distance if len(answers) == k else torch.inf for answers in best])
    near = (distances <= torch.minimum(bound, worst)[:, None]) & distances.isfinite()
    ids = block.about.column("id")
    for row, column in near.nonzero().tolist():
        best[row].append(_Found(max(float(distances[row, column]), 0.0), ids[column].as_py(), block.about, column))
    for answers in best:
        answers.sort(key=lambda found: (found.distance, found.id))
        del answers[k:]


def _hit(found: _Found, metric: str) -> Hit:
    row = {name: found.about.column(name)[found.row].as_py() for name in ABOUT}
    visible = row.pop("visible")
    return Hit(
        pid=row.pop("person"),
        camid=row.pop("camera"),
        timestamp=row.pop("time"),
        **{**row, "tags": tuple(row["tags"])},
        visibility=tuple(seen == "1" for seen in visible),
        distance=found.distance,
        score=score(found.distance, metric),
    )
