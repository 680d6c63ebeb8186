import lancedb
import numpy as np
import pyarrow as pa
import pytest

from occreid.gallery import lance_index
from occreid.gallery.errors import StorageError


@pytest.fixture
def table(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 8)
    rows = pa.table({"id": [f"p{n}" for n in range(300)], "vector": column})
    return lancedb.connect(str(tmp_path)).create_table("people", rows)


def test_an_index_is_built_and_renewed_as_it_was_built(table, tmp_path):
    assert lance_index.state(table) is None and lance_index.probes(tmp_path) == 20
    lance_index.renew(table, tmp_path, "cosine", rows=300, anew=False)
    assert [index.columns for index in table.list_indices()] == [["id"]] and lance_index.state(table) is None
    lance_index.build(table, tmp_path, "cosine", "IVF_FLAT", 50, 4)
    assert lance_index.state(table) == {"type": "IVF_FLAT", "waiting": 0} and lance_index.probes(tmp_path) == 25
    before = {index.columns[0]: index.index_uuid for index in table.list_indices()}
    lance_index.renew(table, tmp_path, "cosine", rows=300, anew=False)
    assert {index.columns[0]: index.index_uuid for index in table.list_indices()} == before
    lance_index.renew(table, tmp_path, "cosine", rows=300, anew=True)
    after = {index.columns[0]: index.index_uuid for index in table.list_indices()}
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())
    assert lance_index.state(table) == {"type": "IVF_FLAT", "waiting": 0}


def test_an_empty_gallery_gets_no_index_unless_rows_were_deleted(table, tmp_path):
    table.delete("true")
    lance_index.renew(table, tmp_path, "cosine", rows=0, anew=False)
    assert not table.list_indices()


@pytest.mark.parametrize("text", ["", "[]", "{}", "5", '{"kind": "IVF_FLAT", "partitions": 0, "sub_vectors": "4"}'])
def test_a_damaged_note_is_the_places_fault_and_says_what_to_do(table, tmp_path, text):
    (tmp_path / "index.json").write_text(text)
    for call in (
        lambda: lance_index.probes(tmp_path),
        lambda: lance_index.renew(table, tmp_path, "cosine", rows=3, anew=True),
    ):
        with pytest.raises(StorageError, match=r"index\.json is damaged") as caught:
            call()
        assert "gallery index" in caught.value.hint
