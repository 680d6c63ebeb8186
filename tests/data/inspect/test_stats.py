from pathlib import Path

import pytest
from PIL import Image

from occreid.data.images import image_size
from occreid.data.inspect.stats import stats
from occreid.errors import UserError
from occreid.records import Record, Split


def record(pid, camid, **more):
    return Record(Path("x.jpg"), pid, camid, **more)


def figures(*records, distractors=frozenset()):
    return stats(Split("x", (), (), records, distractor_pids=distractors), sizes=False)["gallery"]


def test_images_per_id_and_camera():
    result = figures(record(7, 3), record(7, 3), record(7, 0), record(9, 0), record(4, 0))
    assert (result.images, result.ids, result.median_images_per_id) == (5, 3, 1.0)
    assert result.images_per_id == {1: 2, 3: 1} and list(result.images_per_id) == [1, 3]
    assert result.images_per_camera == {"0": 3, "3": 2}


def test_distractors_are_images_but_no_id():
    result = figures(record(0, 0), record(0, 1), record(5, 0), distractors=frozenset({0}))
    assert (result.images, result.ids, result.images_per_id) == (3, 1, {1: 1})
    alone = figures(record(0, 0), distractors=frozenset({0}))
    assert alone.ids == 0 and alone.median_images_per_id == 0


def test_the_occluded_share_is_of_those_that_are_known():
    result = figures(
        record(1, 0, occluded=True), record(1, 0, occluded=False), record(1, 0), record(1, 0, occluded=False)
    )
    assert result.occluded == pytest.approx(1 / 3)
    assert figures(record(1, 0)).occluded is None


def test_visible_fractions_and_occluders():
    result = figures(
        record(1, 0, visibility=(1, 0.5, 0, 0), occluder_kind="car"),
        record(1, 0, visibility=(1, 1, 1, 0), occluder_kind="bin"),
        record(1, 0, occluder_kind="car"),
    )
    assert result.visible == {"head": 1, "torso_arms": 0.75, "upper_legs": 0.5, "lower_legs_feet": 0}
    assert result.occluders == {"bin": 1, "car": 2}
    assert figures(record(1, 0)).visible is None and figures(record(1, 0)).occluders == {}


def test_sizes_most_frequent_first(tmp_path):
    records, ticks = [], []
    for i, size in enumerate([(4, 8), (6, 3), (6, 3)]):
        Image.new("RGB", size).save(tmp_path / f"{i}.png")
        records.append(Record(tmp_path / f"{i}.png", i, 0))
    result = stats(Split("x", tuple(records), (), ()), tick=lambda: ticks.append(1))
    assert list(result) == ["train"], "parts without images are left out"
    assert list(result["train"].sizes.items()) == [((6, 3), 2), ((4, 8), 1)] and len(ticks) == 3


def test_a_damaged_header_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match=r"bad.jpg is not a JPEG"):
        image_size(tmp_path / "bad.jpg")
    with pytest.raises(UserError, match=r"gone.jpg"):
        image_size(tmp_path / "gone.jpg")
