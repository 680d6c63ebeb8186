import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def test_the_whole_set(touch):
    query = [f"Probe/{1 + i % 107:03d}_{i:03d}.jpg" for i in range(238)]
    gallery = [f"Gallery/{1 + i % 109:03d}_{i:03d}.jpg" for i in range(238)]
    root = touch(*query, *gallery)
    split = load_benchmark("partial_ilids19", root)
    assert split.name == "partial_ilids19" and split.counts()["gallery"]["ids"] == 109
    (root / query[0]).unlink()
    with pytest.raises(UserError, match="query has 237 images of 107 ids, expected 238 of 107"):
        load_benchmark("partial_ilids19", root)
