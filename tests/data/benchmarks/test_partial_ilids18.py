import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def test_the_whole_set(touch):
    root = touch(*(f"{part}/{pid:03d}.jpg" for part in ("Probe", "Gallery") for pid in range(1, 120)))
    split = load_benchmark("partial_ilids18", root)
    assert split.name == "partial_ilids18" and split.counts()["query"] == {"images": 119, "ids": 119, "cameras": 1}
    (root / "Gallery/001.jpg").unlink()
    with pytest.raises(UserError, match="gallery has 118 images of 118 ids, expected 119 of 119"):
        load_benchmark("partial_ilids18", root)
