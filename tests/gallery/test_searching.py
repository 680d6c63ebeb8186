"""The search itself, over a store that is a list."""

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.errors import UserError
from occreid.gallery import Entry, Filter, Manifest
from occreid.gallery.blocks import to_block
from occreid.gallery.rows import to_table
from occreid.gallery.searching import checked_query, search_all, search_candidates, search_rows

MANIFEST = Manifest(3, 2, "visible_parts", "w")


class Listed:
    """Rows in blocks of any size; `nearest` gives the first rows, however far they are."""

    manifest, where = MANIFEST, "a list"

    def __init__(self, entries, sizes):
        self.table, self.sizes, self.asked = to_table(entries, MANIFEST, 0.0), sizes, []

    def blocks(self, filter):
        self.asked.append(filter)
        start = 0
        for size in self.sizes:
            yield to_block(self.table.slice(start, size), MANIFEST)
            start += size

    def nearest(self, vector, k, columns, filter, probes=None):
        self.asked.append((k, filter, probes))
        return self.table.slice(0, k).select(columns)


def drawn(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    seen = torch.rand(n, 2, generator=generator) > 0.2
    return Descriptors(torch.randn(n, 2, 3, generator=generator), seen, camids=torch.arange(n) % 3)


def made(n):
    some = drawn(n)
    return [Entry(some.features[i], some.visibility[i], id=f"{i:03d}", camid=i % 4 or None) for i in range(n)]


def expected(query, n, k, allowed=lambda row, j: True):
    apart = distances(query, drawn(n), "visible_parts")
    return [
        [name for _, name in sorted((float(d), f"{j:03d}") for j, d in enumerate(r) if d.isfinite() and allowed(i, j))][
            :k
        ]
        for i, r in enumerate(apart)
    ]


def ids(answers):
    return [[hit.id for hit in hits] for hits in answers]


@pytest.mark.parametrize("sizes", [(20,), (7, 1, 0, 12), (1,) * 20])
def test_blocks_of_any_size_give_the_same_answers(sizes):
    query, store = drawn(6, seed=1), Listed(made(20), [size for size in sizes if size])
    for k in (1, 3, 30):
        assert ids(search_all(store, query, k, None)) == expected(query, 20, k)


def test_each_query_leaves_out_its_own_camera_and_keeps_unknown_ones():
    query, store = drawn(6, seed=1), Listed(made(20), (11, 9))
    filter = Filter(exclude_own=True, camids=(1, 2))
    found = search_all(store, query, 20, filter)
    assert ids(found) == expected(query, 20, 20, lambda row, j: j % 4 == 0 or j % 4 != row % 3)
    assert store.asked == [filter]  # the store is never asked for what differs between queries


def test_candidates_are_the_stores_choice_and_their_order_is_exact():
    query, store = drawn(2, seed=1), Listed(made(20), (20,))
    filter = Filter(exclude_own=True)
    found = search_candidates(store, query, 4, filter, 9, 5)
    assert ids(found) == expected(query, 20, 4, lambda row, j: j < 9)
    assert store.asked == [(9, Filter(exclude_camid=camera, exclude_own=True), 5) for camera in (0, 1)]


def test_unknown_cameras_of_queries_are_an_error():
    query = Descriptors(torch.ones(1, 2, 3))
    for search in (search_all, lambda *words: search_candidates(*words, 9, None)):
        with pytest.raises(UserError, match="cameras are not known"):
            search(Listed(made(3), (3,)), query, 1, Filter(exclude_own=True))


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None])
def test_an_impossible_number_of_answers_is_refused(k):
    with pytest.raises(UserError, match=f"cannot return {k!r} entries"):
        checked_query(drawn(1, seed=1), k, Manifest(3, 2, "euclidean", "w"))


def test_what_is_no_filter_is_no_filter():
    with pytest.raises(UserError, match="is no filter"):
        search_rows(Listed(made(3), (3,)), drawn(1, seed=1), 1, {"camids": (1,)}, exact=True)
