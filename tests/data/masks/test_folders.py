import os
from pathlib import Path

import numpy as np
import pytest

from occreid.data.masks.files import write_mask
from occreid.data.masks.folders import (
    attach_masks,
    fingerprint,
    is_current,
    mask_path,
    mask_paths,
    require_masks,
    require_parts,
)
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


def test_a_picture_behind_a_link_has_its_mask_where_the_link_stands(tmp_path):
    (tmp_path / "nas").mkdir()
    (tmp_path / "d").mkdir()
    (tmp_path / "d/cam3").symlink_to(tmp_path / "nas")
    assert mask_path(tmp_path / "d/cam3/1.jpg", tmp_path / "d", "out") == Path("out/cam3/1.png")
    (tmp_path / "e").symlink_to(tmp_path / "d")
    assert mask_path(tmp_path / "d/1.jpg", tmp_path / "e", "out") == Path("out/1.png")


def test_two_pictures_that_would_share_a_mask_are_refused(tmp_path):
    pair = [Record(tmp_path / name, 0, 0) for name in ("a.jpg", "a.bmp")]
    for call in (mask_paths, attach_masks):
        with pytest.raises(UserError, match=r"a\.jpg and .*a\.bmp would share the mask"):
            call(pair, tmp_path, tmp_path / "m")
    assert mask_paths([pair[0], pair[0]], tmp_path, "m") == {tmp_path / "a.jpg": Path("m/a.png")}


def test_what_was_made_of_a_replaced_picture_is_not_current(tmp_path):
    picture, mask = tmp_path / "a.jpg", tmp_path / "a.png"
    picture.write_bytes(b"one")
    assert not is_current(mask, fingerprint(picture), picture)
    write_mask(mask, np.ones((2, 2), int), made_of=fingerprint(picture))
    assert is_current(mask, fingerprint(picture), picture)
    os.utime(picture, ns=(0, mask.stat().st_mtime_ns + 10**9))  # copied elsewhere, not changed
    assert is_current(mask, fingerprint(picture), picture)
    picture.write_bytes(b"two")
    os.utime(picture, (0, 0))  # replaced by an older file of the same size, as cp -p does
    assert not is_current(mask, fingerprint(picture), picture)


def test_a_mask_that_does_not_say_what_it_was_made_of_is_judged_by_time(tmp_path):
    picture, mask = tmp_path / "a.jpg", tmp_path / "a.png"
    picture.touch()
    write_mask(mask, np.ones((2, 2), int))
    for later, current in ((-1, True), (0, True), (1, False)):
        os.utime(picture, ns=(0, mask.stat().st_mtime_ns + later))
        assert is_current(mask, "x", picture) is current
        assert is_current(mask, "x", mask, picture) is current


def test_a_fingerprint_is_of_every_source(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    a, b, c = (tmp_path / name for name in "abc")
    prints = [fingerprint(a), fingerprint(a, b), fingerprint(b, a), fingerprint(a, c), fingerprint(a, also=b"x")]
    assert len(set(prints)) == 5 and fingerprint(a, b) == prints[1]
    with pytest.raises(UserError, match=r"cannot read .*nowhere"):
        fingerprint(a, tmp_path / "nowhere")
