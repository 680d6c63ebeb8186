"""Both stores have what a store must have, with the same names for the arguments."""

import inspect

import pytest

from occreid.gallery.lance import LanceStore
from occreid.gallery.milvus import MilvusStore
from occreid.gallery.store import Store

METHODS = [name for name, value in vars(Store).items() if inspect.isfunction(value) and not name.startswith("_")]


@pytest.mark.parametrize("kind", [LanceStore, MilvusStore])
def test_a_store_is_a_store(kind):
    assert len(METHODS) >= 12
    for name in METHODS:
        ours, asked = (list(inspect.signature(getattr(place, name)).parameters) for place in (kind, Store))
        assert ours == asked, name
    assert isinstance(inspect.getattr_static(kind, "exact"), property)
