from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from occreid.data import load_benchmark
from occreid.data.masks.evaluation import ORACLE, TEST_MASKS, has_test_masks, with_test_masks
from occreid.data.masks.files import write_mask
from occreid.data.masks.folders import mask_path
from occreid.errors import UserError
from occreid.records import Record, Split

ROOT = Path("bench")


@pytest.fixture
def split():
    records = [Record(ROOT / part / f"{i}.jpg", i, 0, mask=Path("own.png")) for part in "tqg" for i in range(2)]
    return Split("toy", tuple(records[:2]), tuple(records[2:4]), tuple(records[4:]), notes={"kept": "yes"})


def write_all(split, folder):
    for record in (*split.query, *split.gallery):
        write_mask(mask_path(record.path, ROOT, folder), np.ones((4, 2), np.uint8))


def test_masks_of_a_folder_replace_the_benchmarks_own_and_are_named_in_the_notes(split, tmp_path):
    write_all(split, tmp_path)
    found = with_test_masks(split, ROOT, str(tmp_path))
    assert [r.mask for r in found.query] == [tmp_path / "q/0.png", tmp_path / "q/1.png"]
    assert found.gallery[1].mask == tmp_path / "g/1.png" and found.train == split.train
    assert found.notes == {"kept": "yes", TEST_MASKS: str(tmp_path)}
    assert has_test_masks(found) and not has_test_masks(split)


def test_exact_masks_are_called_an_oracle(split):
    found = with_test_masks(split, ROOT, "exact")
    assert found.query == split.query and found.notes[TEST_MASKS] == "exact"
    assert found.notes[ORACLE] == "exact masks of the test images"


def test_a_missing_mask_is_counted_and_named(split, tmp_path):
    write_all(split, tmp_path)
    (tmp_path / "g/1.png").unlink()
    with pytest.raises(UserError, match=r"1 of 2 images have no mask in .*: bench/g/1.jpg") as error:
        with_test_masks(split, ROOT, str(tmp_path))
    assert "occreid parse" in error.value.hint


def test_exact_masks_that_are_not_there_are_refused(split):
    bare = replace(split, gallery=tuple(replace(record, mask=None) for record in split.gallery))
    with pytest.raises(UserError, match=r"2 test images of toy have no exact masks, the first is bench/g/0.jpg"):
        with_test_masks(bare, ROOT, "exact")


def test_every_benchmark_takes_the_option(tmp_path):
    for part, name in (("bounding_box_train", "0001_c1s1_1_00.jpg"), ("query", "0002_c1s1_1_00.jpg")):
        (tmp_path / part).mkdir()
        (tmp_path / part / name).touch()
    (tmp_path / "bounding_box_test").mkdir()
    (tmp_path / "bounding_box_test" / "0002_c2s1_1_00.jpg").touch()
    masks = tmp_path / "masks"
    for name in ("query/0002_c1s1_1_00.png", "bounding_box_test/0002_c2s1_1_00.png"):
        write_mask(masks / name, np.ones((4, 2), np.uint8))
    split = load_benchmark("market1501", tmp_path, strict=False, test_masks=str(masks))
    assert has_test_masks(split) and split.gallery[0].mask == masks / "bounding_box_test/0002_c2s1_1_00.png"
    with pytest.raises(UserError, match="option 'test_masks' cannot be 3"):
        load_benchmark("market1501", tmp_path, test_masks=3)
    with pytest.raises(UserError, match="has no option 'test_mask'") as error:
        load_benchmark("market1501", tmp_path, test_mask="x")
    assert "test_masks" in error.value.hint
