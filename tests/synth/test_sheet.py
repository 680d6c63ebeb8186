from pathlib import Path

import cv2
import pytest

from occreid.errors import UserError
from occreid.synth import contact_sheet


def test_a_sheet_has_a_row_of_masks_below(small: Path, tmp_path: Path):
    path = contact_sheet(small, tmp_path / "sheet.png", rows=2, cols=4, seed=1)
    sheet = cv2.imread(str(path))
    assert sheet is not None
    assert sheet.shape == (3 * 256, 4 * 128, 3)
    assert sheet[:256].std() > 10
    assert (sheet[512:] != sheet[256:512]).mean() > 0.3, "the last row is laid over"


def test_the_seed_chooses(small: Path, tmp_path: Path):
    sheets = [contact_sheet(small, tmp_path / f"{k}.png", 1, 3, seed=s).read_bytes() for k, s in enumerate((1, 1, 2))]
    assert sheets[0] == sheets[1] != sheets[2]


def test_more_places_than_pictures_stay_black(small: Path, tmp_path: Path):
    sheet = cv2.imread(str(contact_sheet(small, tmp_path / "s.png", rows=6, cols=20)))
    assert sheet is not None
    assert sheet[5 * 256 : 6 * 256, -128:].max() == 0


def test_masks_lie_over_their_own_pictures_also_on_a_sheet_that_is_not_full(small: Path, tmp_path: Path):
    sheet = cv2.imread(str(contact_sheet(small, tmp_path / "s.png", rows=8, cols=20)))
    assert sheet is not None
    tiles = sheet.reshape(9, 256, 20, 128, 3).swapaxes(1, 2)
    shown = len(list((small / "masks").rglob("*.png")))
    assert shown < 8 * 20
    pictures = tiles[:8].reshape(-1, 256, 128, 3)[shown - 20 : shown]
    for picture, overlay in zip(pictures, tiles[8], strict=True):
        background = (overlay == (picture * 0.6).astype("uint8")).all(-1)
        assert picture.max() > 0 and background.mean() > 0.2


def test_errors_name_the_file(small: Path, tmp_path: Path):
    with pytest.raises(UserError, match=r"occsynth\.parquet"):
        contact_sheet(tmp_path, tmp_path / "s.png")
    with pytest.raises(UserError, match="cannot write"):
        contact_sheet(small, tmp_path / "no" / "such" / "s.png", 1, 2)
