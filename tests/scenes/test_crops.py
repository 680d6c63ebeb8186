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


def mot(path, *rows):
    path.write_text("".join(f"{frame},{track},{x},40,20,60,{score}\n" for frame, track, x, score in rows))
    return str(path)


def test_paths_of_a_file_are_never_renumbered(video, tmp_path):
    rows = [(1, 41, 10, 0.8), (2, 41, 14, 0.9), (1, 7, 150, 1), (2, 7, 150, 1), (2, -1, 90, 1), (3, -1, 90, 1)]
    detect = open_boxes(mot(tmp_path / "b.txt", *rows, (10, 1, 60, 1)))
    for number, joiner in enumerate((None, Joiner)):
        write_crops(crop_persons(frames_of([video], every=0), detect, joiner=joiner), tmp_path / f"out{number}")
        found = [(int(row["x"]), row["track"]) for row in table(tmp_path / f"out{number}")]
        added = "2" if joiner else ""  # the file has a path 1
        assert sorted(found[:5]) == [(10, "41"), (14, "41"), (90, added), (150, "7"), (150, "7")]
        assert found[5:] == [(90, added), (60, "1")]
    best = crop_persons(frames_of([video], every=0), detect, joiner=Joiner, best_of_track=True)
    assert sorted((crop.box.track, crop.frame.number) for crop in best) == [("1", 9), ("2", 1), ("41", 1), ("7", 0)]


def test_one_name_in_two_sources_is_two_persons(video, tmp_path):
    other = tmp_path / "hall.avi"
    other.write_bytes(video.read_bytes())
    lines = [f"{file},{frame},150,40,20,60,7" for file in ("door.avi", "hall.avi") for frame in range(3)]
    (tmp_path / "b.csv").write_text("\n".join(["file,frame,x,y,width,height,track", *lines]))
    frames = frames_of([video, other], every=0)
    crops = crop_persons(frames, open_boxes(str(tmp_path / "b.csv")), joiner=Joiner, best_of_track=True)
    write_crops(crops, tmp_path / "out")
    rows = table(tmp_path / "out")
    assert [(row["camera"], row["track"]) for row in rows] == [("door", "7"), ("hall", "7")]
    with pytest.raises(UserError, match="of one scene or video"):
        list(crop_persons(frames_of([video, other]), open_boxes(mot(tmp_path / "b.txt", (1, 7, 150, 1)))))


def test_the_best_of_a_path_in_a_folder_of_numbered_pictures(scene, tmp_path):
    rows = [(1, 7, 10, 0.8), (2, 7, 14, 0.9), (3, 8, 90, 0.9), (3, -1, 150, 1), (2, -1, 150, 0.6)]
    detect = open_boxes(mot(tmp_path / "b.txt", *rows))
    frames = [Frame(f"img1/00000{number}.jpg", 0, scene()) for number in (1, 2, 3)]
    found = crop_persons(frames, detect, joiner=Joiner, best_of_track=True)
    assert sorted((crop.box.track, crop.frame.source[-5]) for crop in found) == [("1", "3"), ("7", "2"), ("8", "3")]
