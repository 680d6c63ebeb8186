import numpy as np
import pytest

from occreid.data.images import read_image
from occreid.data.inspect.sheet import FRAME, GAP, LINE, Tile, draw_sheet, write_sheet
from occreid.errors import UserError

CELL = (20, 10)


def plain(value, size=(40, 20)):
    return np.full((*size, 3), value, np.uint8)


def corner(row, column, top=GAP, line=0):
    """The upper left pixel of a tile."""
    return top + row * (CELL[0] + GAP + line), GAP + column * (CELL[1] + GAP)


def test_tiles_stand_in_rows_on_white_paper():
    sheet = draw_sheet([[Tile(plain(1)), Tile(plain(2))], [Tile(plain(3))]], cell=CELL)
    assert sheet.shape == (GAP + 2 * (CELL[0] + GAP), GAP + 2 * (CELL[1] + GAP), 3) and sheet.dtype == np.uint8
    for row, column, value in ((0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 255)):
        y, x = corner(row, column)
        assert (sheet[y : y + CELL[0], x : x + CELL[1]] == value).all()
    assert (sheet[sheet > 3] == 255).all()


def test_frames_lie_around_the_picture_and_colour_the_caption():
    red = (200, 0, 0)
    sheet = draw_sheet([[Tile(plain(90), "7 c1", red)]], cell=CELL)
    y, x = corner(0, 0)
    outer = (slice(y - FRAME, y + CELL[0] + FRAME), slice(x - FRAME, x + CELL[1] + FRAME))
    framed = sheet[outer].copy()
    framed[FRAME:-FRAME, FRAME:-FRAME] = red
    assert (framed == red).all() and (sheet[y : y + CELL[0], x : x + CELL[1]] == 90).all()
    assert len(sheet) == GAP + CELL[0] + GAP + LINE
    below = sheet[y + CELL[0] + FRAME :].reshape(-1, 3)
    assert (below.min(0) < 255).any() and below[:, 0].min() >= 200, "the caption is red"


def test_titles_make_room_above_and_the_legend_below():
    bare = draw_sheet([[Tile(plain(5))]], cell=(60, 80))
    full = draw_sheet([[Tile(plain(5))]], cell=(60, 80), titles=("one", "two\nlines"), legend={"query": (0, 0, 200)})
    assert full.shape == (len(bare) + 3 * LINE, bare.shape[1] + 84, 3)
    assert full[: 2 * LINE].min() < 128
    legend = full[-LINE:].reshape(-1, 3)
    assert legend.min(0).tolist()[:2] == [0, 0] and legend[:, 2].min() >= 200
    assert (full[-LINE + 2 : -2, GAP : GAP + 8] == (0, 0, 200)).all(), "a square of the colour, not a missing glyph"


def test_no_rows_make_an_empty_sheet():
    assert draw_sheet([]).shape == (GAP, GAP, 3)


def test_the_file_holds_the_sheet(tmp_path):
    rows = [[Tile(np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8), "a", (1, 2, 3))]]
    assert write_sheet(tmp_path / "new/s.png", draw_sheet(rows, legend={"b": (9, 9, 9)})) == tmp_path / "new/s.png"
    np.testing.assert_array_equal(read_image(tmp_path / "new/s.png"), draw_sheet(rows, legend={"b": (9, 9, 9)}))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write the sheet .*file/s\.png .+ Choose another\."):
        write_sheet(tmp_path / "file/s.png", draw_sheet(rows))
