"""Miniature benchmarks: the loaders read names, not pictures, so empty files are enough."""

import os
from pathlib import Path

import pytest

MARKET = (
    "bounding_box_train/0002_c1s1_000451_03.jpg",
    "bounding_box_train/0002_c2s1_000776_01.jpg",
    "bounding_box_train/0007_c6s3_077392_02.jpg",
    "query/0001_c1s1_001051_00.jpg",
    "bounding_box_test/-1_c1s1_000401_03.jpg",
    "bounding_box_test/0000_c3s2_000151_01.jpg",
    "bounding_box_test/0001_c2s1_001976_01.jpg",
)


@pytest.fixture
def market(touch, tmp_path):
    """Market-1501 in miniature, in the folder its archive makes."""
    return touch(*MARKET, root=tmp_path / "Market-1501-v15.09.15")


@pytest.fixture
def backwards(monkeypatch):
    """Every listing of a folder comes in reversed order, as another file system might give it."""
    walk, iterdir = os.walk, Path.iterdir

    def reversed_walk(top, **options):
        for base, folders, files in walk(top, **options):
            folders.sort(reverse=True)
            yield base, folders, sorted(files, reverse=True)

    def switch():
        monkeypatch.setattr(os, "walk", reversed_walk)
        monkeypatch.setattr(Path, "iterdir", lambda self: iter(sorted(iterdir(self), reverse=True)))

    return switch


@pytest.fixture
def ids_of():
    return lambda records: [record.pid for record in records]


@pytest.fixture
def cameras_of():
    return lambda records: [record.camid for record in records]
