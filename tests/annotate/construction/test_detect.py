import json

import cv2
import numpy as np
import pytest

from occreid.annotate.construction import Keypoints, detect_keypoints, read_keypoints
from occreid.errors import UserError

INFO = {"description": "counting", "weights": "w.pth"}


@pytest.fixture
def crops(tmp_path):
    """Five pictures in a folder and one below it; their grey says which they are."""
    root = tmp_path / "crops"
    (root / "more").mkdir(parents=True)
    paths = [*(root / f"{number}.png" for number in range(4)), root / "more/4.png"]
    for number, path in enumerate(paths):
        assert cv2.imwrite(str(path), np.full((8, 4, 3), 40 * number, np.uint8))
    return root, paths


class Finder:
    """Finds nobody in the first picture; in the others all keypoints at the number, the first unseen."""

    def __init__(self, stop_at=None):
        self.seen, self.stop_at = [], stop_at

    def __call__(self, image):
        number = int(image[0, 0, 0]) // 40
        if number == self.stop_at:
            raise KeyboardInterrupt
        self.seen.append(number)
        if number == 0:
            return None
        return Keypoints(((number + 0.04, number + 0.26),) * 17, (False,) + (True,) * 16)


def test_what_is_found_is_read_again(crops, tmp_path):
    root, paths = crops
    file, ticks = tmp_path / "new" / "k.json", []
    assert detect_keypoints(paths, root, file, Finder(), INFO, advance=ticks.append) == 5 and ticks == [1] * 5
    found = read_keypoints(file)
    assert sorted(found) == ["1.png", "2.png", "3.png", "4.png"]
    assert found["4.png"] == Keypoints(((4.0, 4.3),) * 17, (False,) + (True,) * 16)
    held = json.loads(file.read_text())
    assert [i["file_name"] for i in held["images"]] == ["0.png", "1.png", "2.png", "3.png", "more/4.png"]
    assert held["annotations"][0]["num_keypoints"] == 16 and held["info"] == INFO


def test_persons_of_whom_nothing_is_seen_miss_everything(crops, tmp_path):
    root, paths = crops
    detect_keypoints(paths, root, tmp_path / "k.json", lambda i: Keypoints(((1, 1),) * 17, (False,) * 17), INFO)
    assert not any(any(found.seen) for found in read_keypoints(tmp_path / "k.json").values())


def test_an_interrupted_call_is_gone_on_with(crops, tmp_path):
    root, paths = crops
    file = tmp_path / "k.json"
    with pytest.raises(KeyboardInterrupt):
        detect_keypoints(paths, root, file, Finder(stop_at=3), INFO, every=2)
    rest = Finder()
    assert detect_keypoints(paths, root, file, rest, INFO) == 2 and rest.seen == [3, 4]
    assert detect_keypoints(paths, root, file, pytest.fail, INFO) == 0
    detect_keypoints(paths, root, tmp_path / "whole.json", Finder(), INFO)
    assert json.loads(file.read_text()) == json.loads((tmp_path / "whole.json").read_text())


def test_the_file_is_written_on_the_way(crops, tmp_path):
    root, paths = crops
    listed = []

    def find(image):
        file = tmp_path / "k.json"
        listed.append(len(json.loads(file.read_text())["images"]) if file.exists() else 0)

    detect_keypoints(paths, root, tmp_path / "k.json", find, INFO, every=2)
    assert listed == [0, 0, 2, 2, 4]


def test_corrections_stay(crops, tmp_path):
    root, paths = crops
    file = tmp_path / "k.json"
    detect_keypoints(paths[:3], root, file, Finder(), INFO)
    held = json.loads(file.read_text())
    held["annotations"][0]["keypoints"] = [7, 7, 2] * 17
    del held["annotations"][1]
    file.write_text(json.dumps(held))
    detect_keypoints(paths, root, file, Finder(), INFO)
    found = read_keypoints(file)
    assert sorted(found) == ["1.png", "3.png", "4.png"]
    assert found["1.png"].points[0] == (7, 7) and found["4.png"].points[0] == (4, 4.3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"info": {"weights": "other"}, "images": [], "annotations": []}', "of another detector or of other weights"),
        ('{"images": [], "annotations": []}', r"cannot go on with .*no key 'info'"),
        ('{"info": {}, "images": [{"id": "a"}], "annotations": []}', "cannot go on with"),
        (
            json.dumps({"info": INFO, "images": [{"id": 0}], "annotations": []}),
            r"k\.json .no key 'file_name'",
        ),
        ("{", "is not JSON"),
        ("[]", "cannot go on with"),
    ],
)
def test_files_of_something_else_are_left_alone(crops, tmp_path, content, message):
    root, paths = crops
    file = tmp_path / "k.json"
    file.write_text(content)
    with pytest.raises(UserError, match=message):
        detect_keypoints(paths, root, file, Finder(), INFO)
    assert file.read_text() == content


def test_a_place_that_cannot_be_written_is_named(crops, tmp_path):
    root, paths = crops
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        detect_keypoints(paths, root, tmp_path / "file" / "k.json", Finder(), INFO)
