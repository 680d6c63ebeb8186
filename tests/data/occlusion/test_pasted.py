import cv2
import numpy as np
import pytest

from occreid.data.images import read_image
from occreid.data.occlusion.pasted import write_pasted
from occreid.data.occlusion.stress import Stress
from occreid.errors import UserError
from occreid.records import Record


@pytest.fixture
def records(tmp_path):
    made = []
    for i in range(12):
        path = tmp_path / "query" / f"{i:04}_c1.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.full((64, 32, 3), 7, np.uint8))
        made.append(Record(path, i, 0))
    return made


def test_the_same_pictures_wherever_and_in_whatever_order_they_are_made(records, tmp_path):
    first = list(write_pasted(records, tmp_path / "a"))
    again = list(write_pasted(records[::-1], tmp_path / "b"))
    assert [file.name for file in first] == [r.path.name for r in records]
    for file in again:
        assert (tmp_path / "a" / file.name).read_bytes() == file.read_bytes()
    hidden = np.array([(read_image(file) != 7).any(2).mean() for file in first])
    assert (hidden > 0.1).all() and (hidden <= 0.45).all() and len(set(hidden.tolist())) > 3


def test_an_interrupted_writing_goes_on_and_other_occluders_are_not_mixed(records, tmp_path):
    list(write_pasted(records[:3], tmp_path / "a"))
    before = (tmp_path / "a/0000_c1.png").stat().st_mtime_ns
    list(write_pasted(records, tmp_path / "a"))
    assert (tmp_path / "a/0000_c1.png").stat().st_mtime_ns == before
    with pytest.raises(UserError, match="holds pictures with other occluders"):
        list(write_pasted(records, tmp_path / "a", Stress("object", 0.2)))
    with pytest.raises(UserError, match="two pictures are called 0003_c1"):
        list(write_pasted([*records, records[3]], tmp_path / "c"))
