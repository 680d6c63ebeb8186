import json
from dataclasses import replace

import pytest

from occreid.errors import UserError
from occreid.scenes import Box, Frame
from occreid.scenes.box_files import BoxFile


@pytest.fixture
def frame(scene):
    return Frame("where/a.png", 0, scene((10, 40, (220, 30, 30)), (150, 30, (30, 30, 220))))


def test_boxes_from_files(frame, tmp_path):
    rows = [{"file": "a.png", "x": 10, "y": 40, "width": 20, "height": 60, "score": 0.5, "track": 3}]
    (tmp_path / "b.json").write_text(json.dumps(rows))
    (tmp_path / "b.csv").write_text("file,x,y,width,height,score,track\na.png,10,40,20,60,0.5,3\nb.png,0,0,20,60,1,\n")
    (tmp_path / "b.txt").write_text("1,3,10,40,20,60,0.5,-1,-1,-1\n2,4,0,0,20,60,1\n")
    for ending in ("json", "csv", "txt"):
        assert BoxFile(tmp_path / f"b.{ending}")(frame) == [Box(10, 40, 20, 60, 0.5, "3")], ending
    assert BoxFile(tmp_path / "b.json")(Frame("other.png", 0, frame.pixels)) == []


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("b.json", "{}", "holds no list"),
        ("b.json", "[]", "holds no boxes"),
        ("b.json", '[{"x": 1}]', "box 1"),
        ("b.csv", "file,x,y,width,height\na,1,2,three,4\n", "box 1"),
        ("b.txt", "1,2,3\n", "line 1 is no line of MOT's"),
        ("b.txt", "1,2,3,4,5,x\n", "line 1 holds no numbers"),
        ("b.txt", "\n0,1,3,4,5,9,1\n", "line 2 is of frame 0"),
    ],
)
def test_files_that_hold_no_boxes(name, text, problem, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=problem):
        BoxFile(tmp_path / name)


@pytest.mark.parametrize("box", ["9000,9000,20,40", "0.25,0.3,0.1,0.5", "-90,0,40,60"])
def test_boxes_of_another_scene_are_named_and_later_ones_may_leave_it(box, frame, tmp_path):
    (tmp_path / "b.csv").write_text(f"file,x,y,width,height\na.png,{box}\n")
    with pytest.raises(UserError, match=r"b\.csv has no box inside where/a\.png, which is 200 × 120 pixels"):
        BoxFile(tmp_path / "b.csv")(frame)
    (tmp_path / "c.csv").write_text(f"file,x,y,width,height\na.png,10,40,20,60\nb.png,{box}\n")
    detect = BoxFile(tmp_path / "c.csv")
    assert len(detect(frame)) == 1 and detect(Frame("b.png", 0, frame.pixels)) == []


def test_paths_are_called_as_the_file_calls_them(frame, tmp_path):
    tracks = ["7", "ann", "x 1", None, "", -1, 3, 3.0, "007", float("nan")]
    row = {"file": "a.png", "x": 10, "y": 40, "width": 20, "height": 60}
    (tmp_path / "b.json").write_text(json.dumps([row | {"track": track} for track in tracks]))
    detect = BoxFile(tmp_path / "b.json")
    assert [box.track for box in detect(frame)] == ["7", "ann", "x 1", None, None, None, "3", "3", "7", None]
    assert detect.tracks == {"7", "ann", "x 1", "3"}
    (tmp_path / "b.txt").write_text("1,41.0,10,40,20,60,1\n1,-1,10,40,20,60,-1,-1,-1,-1\n1,b,10,40,20,60,-0.5\n")
    assert [(box.track, box.score) for box in BoxFile(tmp_path / "b.txt")(frame)] == [("41", 1), (None, 1), ("b", 0)]


def test_boxes_without_a_files_name_are_of_one_source(frame, tmp_path):
    (tmp_path / "b.txt").write_text("1,7,10,40,20,60,1\n2,7,12,40,20,60,1\n")
    (tmp_path / "b.json").write_text(json.dumps([{"x": 10, "y": 40, "width": 20, "height": 60, "track": 7}]))
    for name in ("b.txt", "b.json"):
        detect = BoxFile(tmp_path / name)
        assert len(detect(frame)) == 1 and len(detect(frame)) == 1
        with pytest.raises(UserError, match=r"of one scene or video, but where/a\.png and b\.mp4 are two"):
            detect(replace(frame, source="b.mp4", seconds=0.0))


def test_numbered_pictures_of_a_folder_are_the_frames_of_a_mot_file(frame, tmp_path):
    (tmp_path / "b.txt").write_text("1,7,10,40,20,60,1\n2,7,12,40,20,60,1\n2,8,90,40,20,60,1\n")
    detect = BoxFile(tmp_path / "b.txt")
    found = [detect(replace(frame, source=f"seq/img1/{number:06d}.jpg")) for number in (1, 2, 3)]
    assert [[(box.track, box.x) for box in boxes] for boxes in found] == [[("7", 10)], [("7", 12), ("8", 90)], []]
    with pytest.raises(UserError, match="of one scene or video, but seq/img1 and seq/img2 are two"):
        detect(replace(frame, source="seq/img2/000001.jpg"))


def test_a_name_that_fits_two_sources_is_refused_and_more_of_its_path_tells(frame, tmp_path):
    row = {"x": 10, "y": 40, "width": 20, "height": 60}
    (tmp_path / "plain.json").write_text(json.dumps([row | {"file": "1.png", "track": 7}]))
    detect = BoxFile(tmp_path / "plain.json")
    assert len(detect(replace(frame, source="door/1.png"))) == 1
    with pytest.raises(UserError, match=r"has boxes of '1\.png', which fits door/1\.png and hall/1\.png"):
        detect(replace(frame, source="hall/1.png"))
    rows = [row | {"file": f"/data/{camera}/1.png", "track": 7, "x": x} for camera, x in (("door", 10), ("hall", 90))]
    (tmp_path / "more.json").write_text(json.dumps(rows))
    detect = BoxFile(tmp_path / "more.json")
    for camera, x in (("door", 10), ("hall", 90)):
        (box,) = detect(replace(frame, source=f"{camera}/1.png"))
        assert box.x == x
        assert detect.sequence(replace(frame, source=f"{camera}/1.png")) == f"{camera}/1.png"
