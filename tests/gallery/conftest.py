"""Two places for galleries, the same data for both."""

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.gallery import Gallery, entries

DIM, PARTS = 8, 3


@pytest.fixture
def described():
    """`_described`."""
    return _described


@pytest.fixture
def people():
    """`_people`."""
    return _people


@pytest.fixture(params=["folder", "milvus"])
def place(request, tmp_path):
    """A URI where a gallery can be made: a folder, or milvus-lite."""
    if request.param == "folder":
        pytest.importorskip("lancedb")
        return str(tmp_path / "gallery")
    pytest.importorskip("milvus_lite")
    return str(tmp_path / "gallery.db")


@pytest.fixture
def make(place, people):
    """Make a gallery at `place`, filled with `described(n)` if ``n`` is given; closed in the end."""
    made = []

    def gallery(n=0, *, metric="cosine", **options):
        parts = PARTS if metric == "visible_parts" else 1
        options = {"dim": DIM, "parts": parts, "metric": metric, "weights_hash": "w" * 64, **options}
        made.append(Gallery.create(place, **options))
        if n:
            made[0].add(people(n, parts=parts))
        return made[0]

    yield gallery
    for one in made:
        one.close()


def _described(n, *, parts=1, seed=0):
    """N random descriptors of persons 0, 0, 1, 1, … seen by cameras 0 … 4, a third of the parts hidden."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, parts, DIM, generator=generator)
    visible = torch.rand(n, parts, generator=generator) > 0.3 * (parts > 1)
    rows = torch.arange(n)
    return Descriptors(features, visible, rows // 2, rows % 5, [f"crops/{row:04d}.jpg" for row in range(n)])


def _people(n, *, parts=1, seed=0):
    """The same as entries: ids p0000 …, times 100, 101, … and none for the first, tags, pictures."""
    ids = [f"p{row:04d}" for row in range(n)]
    times = [None if row == 0 else 100.0 + row for row in range(n)]
    made = [
        *entries(
            _described(n, parts=parts, seed=seed), ids=ids, timestamps=times, pictures=[name.encode() for name in ids]
        )
    ]
    for row, entry in enumerate(made):
        entry.tags = ("even", "person") if row % 2 == 0 else ("odd", "person")
        if row == 1:
            entry.camid = None
    return made
