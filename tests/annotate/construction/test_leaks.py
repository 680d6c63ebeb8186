import numpy as np
import pytest
from PIL import Image

from occreid.annotate.construction import leaks as room
from occreid.annotate.construction.leaks import find_leaks, picture_hash
from occreid.errors import UserError


def scene(seed):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 5, 3), np.uint8)
    return np.array(Image.fromarray(coarse).resize((64, 128), Image.Resampling.BICUBIC))


@pytest.fixture
def folder(tmp_path):
    for seed in range(6):
        Image.fromarray(scene(seed)).save(tmp_path / f"{seed}.png")
    brighter = (scene(0).astype(int) + 12).clip(0, 255).astype(np.uint8)
    Image.fromarray(brighter).resize((48, 96)).save(tmp_path / "0again.jpg", quality=70)
    for name in ("flat1.png", "flat2.png"):
        Image.new("RGB", (64, 128), (90, 90, 90)).save(tmp_path / name)
    return tmp_path


def test_the_same_picture_at_another_size_brightness_and_quality_is_found(folder):
    parts = {"train": [("0.png", "1"), ("1.png", "1")], "query": [("0again.jpg", "2"), ("2.png", "2")], "gallery": []}
    (leak,) = find_leaks(parts, folder)
    assert (leak.first, leak.second, leak.parts) == ("0.png", "0again.jpg", ("train", "query")) and leak.distance <= 3


def test_persons_are_compared_within_the_test_part_but_not_with_themselves(folder):
    same = {"train": [], "query": [("0.png", "1")], "gallery": [("0again.jpg", "1")]}
    other = {"train": [], "query": [("0.png", "1")], "gallery": [("0again.jpg", "2")]}
    assert find_leaks(same, folder) == [] and len(find_leaks(other, folder)) == 1


def test_pictures_without_structure_are_not_compared(folder):
    assert find_leaks({"train": [("flat1.png", "1")], "query": [("flat2.png", "2")], "gallery": []}, folder) == []


def test_different_pictures_are_far_apart_and_pieces_change_nothing(folder, monkeypatch):
    hashes = [picture_hash(scene(seed)) for seed in range(6)]
    assert min((a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]) > 10
    parts = {
        "train": [(f"{i}.png", "1") for i in range(3)],
        "query": [("0again.jpg", "2")],
        "gallery": [(f"{i}.png", "2") for i in range(3, 6)],
    }
    whole = find_leaks(parts, folder, distance=40)
    monkeypatch.setattr(room, "_ROWS", 2)
    assert find_leaks(parts, folder, distance=40) == whole != []


def test_an_unreadable_picture_is_named(folder):
    (folder / "bad.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"bad\.png"):
        find_leaks({"train": [("bad.png", "1")], "query": [], "gallery": []}, folder)
