import json

import pytest
from PIL import Image

from occreid.annotate.construction import propose, read_review
from occreid.annotate.construction.propose import find_crops
from occreid.errors import UserError


@pytest.fixture
def crops(tmp_path):
    """Two crops, a picture of another name, and keypoints of a whole person for the first crop."""
    folder = tmp_path / "crops"
    (folder / "cam").mkdir(parents=True)
    for name in ("0001_c1_0.png", "cam/0002_c2_0.png", "holiday.png"):
        Image.new("RGB", (16, 32), (len(name), 0, 0)).save(folder / name)
    images = [{"id": 0, "file_name": "0001_c1_0.png"}]
    flat = [n for _ in range(17) for n in (5, 5, 2)]
    file = tmp_path / "k.json"
    file.write_text(json.dumps({"images": images, "annotations": [{"image_id": 0, "keypoints": flat}]}))
    return folder, file


def test_crops_are_found_with_ids_and_cameras(crops):
    found, skipped = find_crops(crops[0])
    assert [(c.path, c.pid, c.camid, c.occluded) for c in found] == [
        ("0001_c1_0.png", "0001", "1", False),
        ("cam/0002_c2_0.png", "0002", "2", False),
    ]
    assert skipped == 1


def test_what_has_no_keypoints_is_proposed_as_occluded(crops, tmp_path):
    folder, file = crops
    asked = []
    made = propose(folder, tmp_path / "r.csv", lambda files: asked.append(files) or file)
    assert asked == [[folder / "0001_c1_0.png", folder / "cam/0002_c2_0.png"]]
    assert (made.crops, made.occluded, made.unknown, made.skipped) == (2, 1, 1, 1)
    assert made.page == tmp_path / "r.html" and made.page.is_file()
    assert [crop.occluded for crop in sorted(read_review(tmp_path / "r.csv"), key=lambda c: c.path)] == [False, True]


def test_a_table_with_corrections_is_left_alone(crops, tmp_path):
    folder, file = crops
    propose(folder, tmp_path / "r.csv", lambda files: file)
    propose(folder, tmp_path / "r.csv", lambda files: file)
    text = (tmp_path / "r.csv").read_text().replace("false", "true")
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(UserError, match="may hold corrections"):
        propose(folder, tmp_path / "r.csv", lambda files: file)
    assert (tmp_path / "r.csv").read_text() == text


def test_mistakes_are_named(crops, tmp_path):
    folder, file = crops
    with pytest.raises(UserError, match="there is no folder"):
        find_crops(tmp_path / "gone")
    file.write_text('{"images": [], "annotations": []}')
    with pytest.raises(UserError, match=r"keypoints of none of the 2 crops\. Look\."):
        propose(folder, tmp_path / "r.csv", lambda files: file, hint="Look.")
    (folder / "cam/0001_c1_0.png").write_bytes((folder / "0001_c1_0.png").read_bytes())
    with pytest.raises(UserError, match="have the same name"):
        find_crops(folder)
