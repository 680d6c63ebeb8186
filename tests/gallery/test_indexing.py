from types import SimpleNamespace

import pytest

from occreid.errors import UserError
from occreid.gallery.indexing import build_index


class Store(SimpleNamespace):
    def count(self):
        return self.entries

    def build_index(self, *words):
        self.built = words


def store(entries=300, width=64):
    return Store(entries=entries, manifest=SimpleNamespace(width=width))


@pytest.mark.parametrize(
    ("entries", "width", "expected"),
    [
        (256, 64, (1, 4)),  # a sub-vector for sixteen dimensions
        (8192, 64, (2, 4)),  # 4,096 entries a partition
        (300, 8, (1, 1)),
        (300, 47, (1, 1)),  # a prime: nothing but one divides it
        (300, 60, (1, 3)),
    ],
)
def test_left_alone_the_index_fits_the_gallery(entries, width, expected):
    chosen = store(entries, width)
    build_index(chosen, "IVF_PQ", None, None)
    assert chosen.built == ("IVF_PQ", *expected)


def test_what_is_asked_for_is_built():
    chosen = store()
    build_index(chosen, "IVF_FLAT", 7, 16)
    assert chosen.built == ("IVF_FLAT", 7, 16)


@pytest.mark.parametrize(
    ("changed", "words", "message"),
    [
        ({}, ("IVFPQ", None, None), "no index 'IVFPQ'.*IVF_PQ"),
        ({"entries": 255}, ("IVF_PQ", None, None), "255 entries are too few"),
        ({}, ("IVF_PQ", None, 5), "5 sub-vectors do not divide 64"),
    ],
)
def test_mistakes_are_named(changed, words, message):
    chosen = store(**changed)
    with pytest.raises(UserError, match=message):
        build_index(chosen, *words)
    assert not hasattr(chosen, "built")
