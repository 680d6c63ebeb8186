import numpy as np
import pytest
from PIL import Image

from occreid.data.inspect.sheet import GAP
from occreid.data.occlusion.library import OccluderLibrary
from occreid.errors import UserError
from occreid.evaluation import CleverHans, clever_hans_sheet, draw_trials
from occreid.evaluation.clever_hans_sheet import CELL, write_telling
from occreid.records import Record

THINGS = OccluderLibrary([np.full((2, 2, 4), (9, 9, c, 255), np.uint8) for c in (60, 160)], ["a", "b"])


@pytest.fixture
def found(tmp_path):
    sides = ([], [])
    for pid in range(3):
        for shot in range(2):
            path = tmp_path / f"{pid}_{shot}.png"
            Image.new("RGB", (20, 40), (200, 80 * pid, 250)).save(path)
            sides[shot].append(Record(path, pid, shot))
    trials = draw_trials(*sides, 3, 2)
    shared, apart = np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0])
    return CleverHans(trials, shared, apart, np.zeros(3), np.array([0.0, 0.3, 0.1]), np.full((3, 3), 0.25))


def test_the_most_telling_trial_comes_first_with_its_frames(found, tmp_path):
    file = tmp_path / "new" / "sheet.png"
    assert write_telling(found, THINGS, 0.4, file, count=2) == 2
    sheet = np.array(Image.open(file))
    step = CELL[1] + GAP
    frames = [tuple(sheet[60, 3 + column * step].tolist()) for column in range(4)]
    grey, green, red = (90, 90, 90), (20, 140, 60), (200, 40, 40)
    assert frames == [grey, green, red, grey]  # trial 1: wrong only while it shares the thing
    assert sheet.shape[1] == 4 * step + GAP and len(sheet) > 2 * CELL[0]


def test_under_each_picture_is_its_distance_to_the_query_and_below_a_legend(found, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(clever_hans_sheet, "draw_sheet", lambda rows, **how: drawn.append((rows, how)))
    monkeypatch.setattr(clever_hans_sheet, "write_sheet", lambda path, sheet: None)
    clever_hans_sheet.write_telling(found, THINGS, 0.4, tmp_path / "sheet.png", count=1)
    ((rows, how),) = drawn
    assert [tile.caption for tile in rows[0]] == ["", "distance 0.250", "distance 0.250", "distance 0.250"]
    assert set(how["legend"].values()) == {(20, 140, 60), (200, 40, 40)}


def test_a_sheet_that_cannot_be_written_is_said(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the sheet"):
        write_telling(found, THINGS, 0.4, tmp_path / "file" / "sheet.png")
