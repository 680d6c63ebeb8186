import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.gallery import Entry, Gallery, entries
from occreid.gallery import gallery as room
from occreid.gallery.refining import _descriptors, refined, refines
from occreid.models import create_model

SMALL = {"backbone": "resnet10t", "oan_backbone": "resnet10t", "pretrained": "none", "dim": 8, "last_stride": 2}


@pytest.fixture(scope="module")
def orgnn():
    torch.manual_seed(0)
    return create_model("orgnn", 4, **SMALL, k=6, theta=0.2).eval()


@pytest.fixture(scope="module")
def people():
    generator = torch.Generator().manual_seed(1)
    features = torch.rand(12, 6, 8, generator=generator)
    return Descriptors(features, torch.rand(12, 6, generator=generator) < 0.7, torch.arange(12) // 3, torch.zeros(12))


def test_methods_that_look_at_the_gallery_refine_and_others_do_not(orgnn):
    assert refines(orgnn)
    assert not refines(None) and not refines(create_model("baseline", 2, backbone="resnet10t", pretrained="none"))


def test_a_gallery_ranks_as_the_method_itself_does_where_all_are_candidates(orgnn, people, tmp_path):
    pytest.importorskip("lancedb")
    ids = [f"p{row:02d}" for row in range(12)]
    held = Descriptors(people.features, people.visibility, people.pids, people.camids, ids)
    query = Descriptors(people.features[:2] + 0.05, people.visibility[:2])
    with Gallery.create(
        str(tmp_path / "gallery"), dim=8, parts=6, metric="cosine", weights_hash="w" * 64, model_name="orgnn"
    ) as gallery:
        gallery.add([*entries(held, ids=ids)])
        plain, looked = gallery.search(query, 5), gallery.search(query, 5, model=orgnn)
    with torch.no_grad():
        expected = distances(orgnn.refine(query, held), orgnn.refine(held, held), "cosine")
    for row, hits in enumerate(looked):
        nearest = sorted(zip(expected[row].tolist(), ids, strict=True))[:5]
        assert [hit.id for hit in hits] == [name for _, name in nearest]
        assert [hit.distance for hit in hits] == pytest.approx([d for d, _ in nearest], abs=1e-6)
    assert [[hit.distance for hit in hits] for hits in plain] != [[hit.distance for hit in hits] for hits in looked]


def test_what_is_gone_by_now_is_no_answer(orgnn, people):
    assert refined(orgnn, people[:1], [[]], lambda ids: [], 3) == [[]]
    assert room.CANDIDATES >= 100


@pytest.mark.parametrize("names", [["zoe", "mia", "zoe"], ["zoe", None, "zoe"]])
def test_persons_are_told_apart_by_name_where_all_are_known(names):
    side = _descriptors([Entry(torch.ones(1, 8), id=f"p{row}", pid=name) for row, name in enumerate(names)])
    assert side.paths == ["p0", "p1", "p2"]
    assert side.pids is None if None in names else side.pids.tolist() == [0, 1, 0]
