import csv

import pytest

from occreid.data.images import read_image
from occreid.errors import UserError
from occreid.scenes import Box, Frame, crop_persons, frames_of, open_boxes, write_crops
from occreid.scenes.crops import COLUMNS
from occreid.scenes.tracks import Joiner


def table(folder):
    with (folder / "crops.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_video_becomes_crops_with_their_table(video, colours, tmp_path):
    frames = frames_of([video], every=1.0, start=1_700_000_000.0)
    assert write_crops(crop_persons(frames, open_boxes(colours)), tmp_path / "out", camera="door") == 4
    rows = table(tmp_path / "out")
    assert tuple(rows[0]) == COLUMNS
    assert [row["camera"] for row in rows] == ["door"] * 4
    assert [row["timestamp"] for row in rows] == ["1700000000.000"] * 2 + ["1700000001.000"] * 2
    assert abs(int(rows[0]["x"]) - 10) <= 3 and abs(int(rows[2]["x"]) - 30) <= 3  # MJPEG blurs edges
    height, width, _ = read_image(tmp_path / "out" / rows[0]["path"]).shape
    assert (width, height) == (int(rows[0]["width"]), int(rows[0]["height"]))


def test_one_crop_of_each_path(video, colours, tmp_path):
    crops = crop_persons(frames_of([video], every=0), open_boxes(colours), joiner=Joiner, best_of_track=True)
    assert write_crops(crops, tmp_path / "out") == 2
    rows = table(tmp_path / "out")
    assert sorted(row["track"] for row in rows) == ["1", "2"]
    assert rows[0]["camera"] == "door" and rows[0]["timestamp"] == "" and rows[0]["seconds"] != ""


def test_low_scores_and_small_boxes_are_left_out(scene):
    boxes = [Box(50, 0, 20, 60, 0.9), Box(0, 0, 20, 60, 0.4), Box(20, 0, 20, 31, 0.9), Box(0, 30, 20, 60, 0.9)]
    found = list(crop_persons([Frame("a", 0, scene())], lambda frame: boxes))
    assert [(crop.box.x, crop.box.y) for crop in found] == [(0, 30), (50, 0)]
    assert len(list(crop_persons([Frame("a", 0, scene())], lambda frame: boxes, least=0, height=8))) == 4


def test_a_scene_without_persons_leaves_nothing(scene, tmp_path):
    with pytest.raises(UserError, match="no person was found"):
        write_crops(crop_persons([Frame("a", 0, scene())], lambda frame: []), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_detector_that_fails_midway_leaves_nothing(video, colours, tmp_path):
    def failing(frame):
        if frame.number:
            raise UserError("the detector fell over.")
        return open_boxes(colours)(frame)

    with pytest.raises(UserError, match="fell over"):
        write_crops(crop_persons(frames_of([video], every=0), failing), tmp_path / "out")
    assert not (tmp_path / "out").exists()
