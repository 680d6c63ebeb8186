import pytest

from occreid.errors import UserError
from occreid.gallery import Gallery
from occreid.gallery.stores import is_milvus


@pytest.mark.parametrize(
    ("uri", "milvus"),
    [
        ("galleries/door", False),
        ("/srv/door.d", False),
        ("C:\\galleries\\door", False),
        ("door.db", True),
        ("http://localhost:19530/people", True),
        ("https://cluster.example", True),
    ],
)
def test_a_uri_names_its_store(uri, milvus):
    assert is_milvus(uri) == milvus


@pytest.mark.parametrize("uri", ["s3://bucket/gallery", "postgres://host"])
def test_other_addresses_are_refused(uri):
    with pytest.raises(UserError, match=f"cannot lie at {uri}"):
        Gallery.open(uri)
