import csv

import cv2
import numpy as np
import pytest
from PIL import Image

from occreid.annotate.anonymize import Anonymizer, anonymize, find_by_keypoints, find_by_mask
from occreid.annotate.construction import Keypoints
from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.records import Record


@pytest.fixture
def people(tmp_path):
    """A JPEG with a head, a PNG whose mask shows none, a TIFF without mask."""
    root = tmp_path / "in"
    records = []
    for name, head in (("query/0001_c1.jpg", True), ("gallery/0002_c2.png", False), ("train/0003_c1.tif", None)):
        file = root / name
        file.parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(len(name)).integers(0, 256, (40, 20, 3), np.uint8)).save(file)
        mask = None
        if head is not None:
            values = np.full((40, 20), 2, np.uint8)
            values[:10] = 1 if head else 0
            mask = file.with_suffix(".mask.png")
            write_mask(mask, values)
        records.append(Record(file, 1, 0, mask=mask))
    return root, records


def read(path):
    return cv2.imread(str(path))[:, :, ::-1].astype(int)


def test_heads_go_and_the_rest_stays(people, tmp_path):
    root, records = people
    ticks = []
    outcome = anonymize(records, root, tmp_path / "out", find_by_mask, tick=lambda: ticks.append(1))
    assert (outcome.hidden, outcome.headless, outcome.unfound) == tuple((r.path,) for r in records) and len(ticks) == 3
    before, after = (read(tmp_path / folder / "query/0001_c1.jpg") for folder in ("in", "out"))
    assert np.abs(after[:6] - 127).max() < 12 and np.abs(after[16:] - before[16:]).mean() < 8
    assert np.array_equal(read(tmp_path / "out/gallery/0002_c2.png"), read(tmp_path / "in/gallery/0002_c2.png"))
    assert not (tmp_path / "out/train").exists()
    with (tmp_path / "out/anonymized.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [
        ["gallery/0002_c2.png", "no head"],
        ["query/0001_c1.jpg", "hidden"],
        ["train/0003_c1.png", "not found"],
    ]


def test_what_was_not_found_is_copied_only_when_asked(people, tmp_path):
    root, records = people
    anonymize(records, root, tmp_path / "out", find_by_mask, unfound="copy")
    assert np.array_equal(read(tmp_path / "out/train/0003_c1.png"), read(tmp_path / "in/train/0003_c1.tif"))


def test_an_anonymizer_hides_while_reading(people):
    _, records = people
    image = np.random.default_rng(0).integers(0, 256, (40, 20, 3), np.uint8)
    hidden, mask = Anonymizer(find_by_mask)(image, None, records[0])
    assert (hidden[:10] == 127).all() and np.array_equal(hidden[12:], image[12:]) and mask is None
    assert Anonymizer(find_by_mask)(image, None, records[2])[0] is image


def test_all_or_nothing(people, tmp_path):
    root, records = people
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("")
    with pytest.raises(UserError, match="full is not empty"):
        anonymize(records, root, tmp_path / "full", find_by_mask)
    with pytest.raises(UserError, match="is not below"):
        anonymize(records, tmp_path / "full", tmp_path / "out", find_by_mask)
    records[1].path.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"0002_c2\.png"):
        anonymize(records, root, tmp_path / "out", find_by_mask)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["full", "in"]


def test_two_pictures_that_would_get_one_name_are_refused_before_the_work(tmp_path):
    for name in ("0001_c1_0.bmp", "0001_c1_0.png"):
        Image.new("RGB", (20, 40)).save(tmp_path / name)
    records = [Record(path, 1, 0) for path in sorted(tmp_path.iterdir())]
    with pytest.raises(UserError, match=r"0001_c1_0\.bmp and .*0001_c1_0\.png would both be written as 0001_c1_0\.png"):
        anonymize(records, tmp_path, tmp_path / "out", find_by_mask)
    assert not (tmp_path / "out").exists()


def test_a_picture_behind_a_link_is_written_where_the_link_stands(tmp_path):
    (tmp_path / "nas").mkdir()
    Image.new("RGB", (20, 40)).save(tmp_path / "nas/1.png")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/cam3").symlink_to(tmp_path / "nas")
    anonymize([Record(tmp_path / "d/cam3/1.png", 1, 0)], tmp_path / "d", tmp_path / "out", find_by_mask, unfound="copy")
    assert (tmp_path / "out/cam3/1.png").is_file()


def test_keypoints_are_found_by_name_and_two_of_one_name_are_refused(tmp_path):
    face = Keypoints(tuple((10.0, 5.0) for _ in range(17)), (True,) * 17)
    find = find_by_keypoints({"a.png": face}, [Record(tmp_path / "a.png", 1, 0), Record(tmp_path / "b.png", 1, 0)])
    image = np.zeros((40, 20, 3), np.uint8)
    assert find(Record(tmp_path / "a.png", 1, 0), image).any() and find(Record(tmp_path / "b.png", 1, 0), image) is None
    with pytest.raises(UserError, match="have the same name"):
        find_by_keypoints({}, [Record(tmp_path / "x/a.png", 1, 0), Record(tmp_path / "y/a.png", 1, 0)])
