"""What is particular to Milvus; what all galleries do is in test_gallery.py."""

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.gallery import Entry, Filter, Gallery, Manifest
from occreid.gallery import milvus as module
from occreid.gallery.milvus import MilvusStore
from occreid.gallery.rows import to_table


@pytest.fixture
def gallery(tmp_path):
    pytest.importorskip("milvus_lite")
    with Gallery.create(str(tmp_path / "g.db"), dim=4, metric="cosine", weights_hash="w") as made:
        yield made


def test_what_milvus_cannot_keep_is_refused_before_anything_is_written(gallery, monkeypatch):
    big = Entry(torch.ones(4), id="big", picture=b"x" * 49_152)
    for entry, message in (
        (big, "picture of big has 49,152 bytes; Milvus keeps 49,149"),
        (Entry(torch.ones(4), id="tagged", tags=tuple(f"t{i}" for i in range(65))), "tagged has too many tags"),
        (Entry(torch.ones(4), id="far", path="x" * 4097), "far has too many tags or too long a path"),
    ):
        with pytest.raises(UserError, match=message):
            gallery.add([Entry(torch.ones(4), id="fine"), entry])
    monkeypatch.setattr(module, "_INSERT_BYTES", 300)
    with pytest.raises(UserError, match=r"9 entries of .* too many for one message.*Add at most"):
        gallery.add([Entry(torch.ones(4), id=str(i)) for i in range(9)])
    assert len(gallery) == 0


def test_the_largest_picture_comes_back(gallery):
    picture = bytes(range(256)) * 191
    gallery.add([Entry(torch.ones(4), id="big", picture=picture)])
    assert gallery.get(["big"])[0].picture == picture


def test_places_that_are_taken_missing_or_silent_are_named(gallery, tmp_path):
    with pytest.raises(UserError, match=r"g\.db holds the collection 'people' already"):
        Gallery.create(str(tmp_path / "g.db"), dim=4, metric="cosine", weights_hash="w")
    with pytest.raises(UserError, match="at most 32768 numbers"):
        Gallery.create(str(tmp_path / "h.db"), dim=2**14, parts=3, metric="cosine", weights_hash="w")
    with pytest.raises(UserError, match="milvus-lite has no IVF_PQ"):
        gallery.add([Entry(torch.eye(4)[i % 4] + i, id=str(i)) for i in range(256)])
        gallery.build_index()


def test_names_with_quotes_are_found_and_nothing_else_is(gallery):
    names = ["o'clock", 'the "door"', "back\\slash", "Tür", "7"]
    gallery.add([Entry(torch.ones(4), id=str(i), camid=name) for i, name in enumerate(names)])
    query = Descriptors(torch.ones(1, 4))
    for name in names:
        assert [hit.camid for hit in gallery.search(query, 9, Filter(camids=(name,)))[0]] == [name]
        assert len(gallery.search(query, 9, Filter(exclude_camid=name))[0]) == len(names) - 1


def test_a_gallery_of_numbers_is_read_as_names_and_refuses_words(tmp_path, monkeypatch):
    pytest.importorskip("milvus_lite")
    uri = str(tmp_path / "old.db")
    monkeypatch.setattr(module, "_milvus_schema", _numbered_schema)
    MilvusStore.create(uri, Manifest(4, 1, "cosine", "w", format=1), None).close()
    with Gallery.open(uri) as gallery:
        gallery.add([Entry(torch.ones(4), id=str(i), pid=i, camid=i or None) for i in range(3)])
        (hits,) = gallery.search(Descriptors(torch.ones(1, 4)), 9, Filter(camids=("2", "door")))
        assert [(hit.pid, hit.camid) for hit in hits] == [("2", "2")]
        assert len(gallery.search(Descriptors(torch.ones(1, 4)), 9, Filter(exclude_camid="door"))[0]) == 3
        assert gallery.stats().cameras == {"1": 1, "2": 1}
        with pytest.raises(UserError, match=r"old.db is of an earlier version.* by number: not 'door'"):
            gallery.add([Entry(torch.ones(4), id="new", camid="door")])


def _numbered_schema(client, manifest):
    """The fields that version 1 made."""
    import pymilvus

    kind = pymilvus.DataType
    made = client.create_schema(auto_id=False, enable_dynamic_field=False, description=manifest.to_json())
    made.add_field("id", kind.VARCHAR, is_primary=True, max_length=128)
    made.add_field("vector", kind.FLOAT_VECTOR, dim=manifest.width)
    made.add_field("visible", kind.VARCHAR, max_length=1)
    for name, own in (("pid", kind.INT64), ("camid", kind.INT64), ("time", kind.DOUBLE)):
        made.add_field(name, own, nullable=True)
    made.add_field("added", kind.DOUBLE)
    made.add_field("tags", kind.ARRAY, element_type=kind.VARCHAR, max_capacity=64, max_length=256)
    for name in ("path", "picture"):
        made.add_field(name, kind.VARCHAR, max_length=4096, nullable=True)
    made.add_field("crc", kind.INT64)
    return made


class Refusing:
    """A client of a server that keeps its description and refuses to insert."""

    def __init__(self):
        self.calls = []

    def load_collection(self, name):
        self.calls.append(("load", name))

    def has_collection(self, name):
        return True

    def describe_collection(self, name):
        return {"description": Manifest(4, 1, "cosine", "w").to_json(), "properties": {}}

    def query(self, name, **options):
        return []

    def upsert(self, name, rows):
        import pymilvus

        raise pymilvus.MilvusException(message="disk quota exceeded")


def test_a_server_is_named_by_address_and_collection_and_its_refusal_is_told(monkeypatch):
    pymilvus = pytest.importorskip("pymilvus")
    asked, client = [], Refusing()
    monkeypatch.setattr(pymilvus, "MilvusClient", lambda uri, **options: (asked.append((uri, options)), client)[1])
    store = MilvusStore.open("http://host:19530/door", "user:word")
    assert asked == [("http://host:19530", {"token": "user:word", "timeout": 10})] and client.calls == [
        ("load", "door")
    ]
    MilvusStore.open("http://host:19530", None)
    assert client.calls[-1] == ("load", "occreid")
    with pytest.raises(UserError, match="Milvus at http://host:19530/door refused: disk quota exceeded"):
        store.insert(to_table([Entry(torch.ones(4))], store.manifest, 0.0))
