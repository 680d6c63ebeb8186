from pathlib import Path

import numpy as np
import pytest

from occreid.data.masks.files import write_mask
from occreid.data.masks.folders import attach_masks, mask_path, require_masks, require_parts
from occreid.errors import UserError
from occreid.records import Record


def records(root, n=4):
    return [Record(root / "train" / f"{i}.jpg", i, 0) for i in range(n)]


def test_folders_are_kept_and_the_ending_is_png():
    assert mask_path(Path("d/m/query/0001_c1.jpeg"), "d/m/", "out") == Path("out/query/0001_c1.png")
    assert mask_path(Path("d/a.b.tif"), Path("d"), "out") == Path("out/a.b.png")


def test_below_a_table_its_folder_counts():
    assert mask_path(Path("d/images/a.jpg"), "d/people.csv", "out") == Path("out/images/a.png")


def test_another_spelling_of_the_folder_is_the_same_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert mask_path(tmp_path / "d/a.jpg", "x/../d", "out") == Path("out/a.png")


def test_images_from_elsewhere_are_refused():
    with pytest.raises(UserError, match="is not below"):
        mask_path(Path("elsewhere/a.jpg"), "d", "out")


def test_masks_are_attached_and_nothing_else_changes(tmp_path):
    given = records(tmp_path / "d")
    for record in given:
        write_mask(mask_path(record.path, tmp_path / "d", tmp_path / "m"), np.zeros((2, 2), np.uint8))
    found = attach_masks(given, tmp_path / "d", tmp_path / "m")
    assert [r.mask.name for r in found] == ["0.png", "1.png", "2.png", "3.png"]
    assert [(r.path, r.pid) for r in found] == [(r.path, r.pid) for r in given] and given[0].mask is None


def test_missing_masks_are_counted_named_and_can_be_made(tmp_path):
    given = records(tmp_path / "d", 5)
    write_mask(tmp_path / "m/train/0.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(UserError, match=r"4 of 5 images have no mask in .*1.jpg, .*2.jpg, .*3.jpg, …") as caught:
        attach_masks(given, tmp_path / "d", tmp_path / "m")
    assert caught.value.hint == f"Make them with: occreid parse {tmp_path / 'd'} --weights RUN --out {tmp_path / 'm'}"


def test_records_without_masks_are_told_how_to_get_them():
    given = records(Path("d"), 2)
    require_masks([], "toy", "d")
    with pytest.raises(UserError, match=r"2 of 2 training images of toy in d/ .*occreid parse d/ --name toy.*d-masks"):
        require_masks(given, "toy", "d/")


@pytest.fixture
def masked(tmp_path):
    """Write masks of 2 × 2 pixels; records that carry them."""

    def make(*values):
        for number, value in enumerate(values):
            write_mask(tmp_path / f"{number}.png", np.array([[0, 0], [0, value]]))
        return [Record(tmp_path / f"{n}.jpg", n, 0, mask=tmp_path / f"{n}.png") for n in range(len(values))]

    return make


def test_masks_of_whole_persons_are_told_from_masks_of_parts(masked):
    with pytest.raises(UserError, match=r"masks of toy tell no parts.*: 3 were looked at .*0\.png") as caught:
        require_parts(masked(1, 0, 1), "toy")
    assert "'occreid masks' are for orgnn" in caught.value.hint
    require_parts(masked(1, 1, 2), "toy")
    require_parts([], "toy")
    require_parts(records(Path("d")), "toy")  # no masks: not its business


def test_masks_from_everywhere_are_looked_at_but_not_all(masked):
    given = masked(*[1] * 9, 3)
    require_parts(given, "toy", looked_at=4)  # the 1st, 4th, 7th and 10th
    with pytest.raises(UserError, match="3 were looked at"):
        require_parts(given[:9], "toy", looked_at=4)
