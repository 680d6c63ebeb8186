import cv2
import numpy as np
import pytest

from occreid.data.images import read_image
from occreid.data.inspect.overlay import CELL, COLOURS, overlay, overlay_sheet
from occreid.data.inspect.sheet import GAP, LINE
from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.records import Record


@pytest.fixture
def masked(tmp_path):
    made = []
    for i in range(5):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((128, 64, 3), 40 * i, np.uint8))
        write_mask(tmp_path / f"m{i}.png", np.full((128, 64), i, np.uint8))
        made.append(Record(tmp_path / f"{i}.png", i, 0, mask=tmp_path / f"m{i}.png"))
    return made


def test_parts_are_tinted_in_their_own_colour_and_the_rest_is_darker():
    image = np.full((1, 5, 3), 100, np.uint8)
    shown = overlay(image, np.arange(5, dtype=np.uint8)[None])
    assert shown[0, 0].tolist() == [60, 60, 60]
    for part in range(1, 5):
        np.testing.assert_allclose(shown[0, part], 45 + 0.55 * COLOURS[part], atol=1)


def test_each_picture_stands_above_itself_with_its_mask(masked, tmp_path):
    assert overlay_sheet(masked, tmp_path / "sub/sheet.png", rows=2, columns=3) == 5
    sheet = read_image(tmp_path / "sub/sheet.png")
    assert sheet.shape == (4 * (CELL[0] + GAP) + GAP + LINE, 3 * (CELL[1] + GAP) + GAP, 3)
    for row in range(2):
        for column in range(3 - row):  # the last cell is empty
            left = GAP + column * (CELL[1] + GAP)
            above, below = (sheet[GAP + (2 * row + half) * (CELL[0] + GAP), left] for half in (0, 1))
            i = int(above[0]) // 40
            expected = overlay(np.full((1, 1, 3), 40 * i, np.uint8), np.full((1, 1), i, np.uint8))
            np.testing.assert_array_equal(below, expected[0, 0])
    assert (sheet[2 * (CELL[0] + GAP) : -LINE, 2 * (CELL[1] + GAP) :] == 255).all()


def test_the_seed_chooses_and_few_pictures_make_a_small_sheet(masked, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert overlay_sheet(masked, tmp_path / name, rows=1, columns=2, seed=seed) == 2
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()
    overlay_sheet(masked[:1], tmp_path / "d")
    assert read_image(tmp_path / "d").shape == (2 * (CELL[0] + GAP) + GAP + LINE, CELL[1] + 2 * GAP, 3)


def test_nothing_to_show_and_nowhere_to_write(masked, tmp_path):
    with pytest.raises(UserError, match="no picture to show"):
        overlay_sheet([], tmp_path / "s.png")
    with pytest.raises(UserError, match="has no mask to show"):
        overlay_sheet([Record(masked[0].path, 0, 0)], tmp_path / "s.png")
    with pytest.raises(UserError, match="cannot write the sheet"):
        overlay_sheet(masked, masked[0].path / "s.png")
