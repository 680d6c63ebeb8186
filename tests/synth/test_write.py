from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from occreid.errors import UserError
from occreid.synth.protocol import Shot
from occreid.synth.render.compose import Picture
from occreid.synth.scene.occluders import make_occluder
from occreid.synth.write import FOLDERS, SIDECAR, whole_or_nothing, write_picture, write_sidecar

SHOT = Shot("query", 12, 2, 4, True, 10.0)
PICTURE = Picture(
    np.full((256, 128, 3), (200, 100, 50), np.uint8),
    np.eye(256, 128, dtype=np.uint8) * 3,
    [0.1, 0.2, 0.3, 0.4],
    [1.5] * 51,
    make_occluder("bin", 2, "test", 0),
)


def test_a_folder_appears_when_all_went_well(tmp_path: Path):
    with whole_or_nothing(tmp_path / "out") as root:
        assert not (tmp_path / "out").exists()
        assert {p.name for p in root.iterdir()} == set(FOLDERS)
        (root / "query" / "a.jpg").write_bytes(b"x")
    assert (tmp_path / "out" / "query" / "a.jpg").read_bytes() == b"x"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_interrupted_run_leaves_nothing(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), whole_or_nothing(tmp_path / "out") as root:
        (root / "half.jpg").write_bytes(b"x")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_a_full_one_is_left_alone(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with whole_or_nothing(tmp_path / "empty"):
        pass
    assert (tmp_path / "empty" / "masks").is_dir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="full is not empty"), whole_or_nothing(tmp_path / "full"):
        pass
    assert (tmp_path / "full" / "mine.txt").read_text() == "keep"


def test_a_file_in_the_way_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="is a file"), whole_or_nothing(tmp_path / "file"):
        pass
    with pytest.raises(UserError, match="cannot write"), whole_or_nothing(tmp_path / "file" / "below"):
        pass


def _root(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    return tmp_path


def test_picture_and_mask_come_back(tmp_path: Path):
    row = write_picture(_root(tmp_path), SHOT, PICTURE)
    assert row["file"] == "query/0012_c3s1_000250_04.jpg"
    assert row["mask"] == "masks/0012_c3s1_000250_04.png"
    image = cv2.imread(str(tmp_path / row["file"]))
    mask = cv2.imread(str(tmp_path / row["mask"]), cv2.IMREAD_UNCHANGED)
    assert image is not None and mask is not None
    np.testing.assert_allclose(image[100, 60][::-1], (200, 100, 50), atol=3)
    np.testing.assert_array_equal(mask, PICTURE.mask)


def _rows(tmp_path: Path) -> list[dict[str, Any]]:
    root = _root(tmp_path)
    whole = Picture(PICTURE.image, PICTURE.mask, [1.0] * 4, [0.0] * 51, None)
    rows = [write_picture(root, SHOT, PICTURE), write_picture(root, Shot("train", 1, 0, 0, False, 1.0), whole)]
    write_sidecar(root, rows)
    return pq.read_table(root / SIDECAR).to_pylist()


def test_the_sidecar_holds_every_column_in_order_of_files(tmp_path: Path):
    train, query = _rows(tmp_path)
    assert list(train) == [
        "file", "split", "pid", "camid", "occluded", "occluder_kind", "occluder_id",
        "visible_head", "visible_torso_arms", "visible_upper_legs", "visible_lower_legs_feet",
        "keypoints", "mask", "time",
    ]  # fmt: skip
    assert (query["split"], query["pid"], query["camid"], query["occluded"]) == ("query", 12, 2, True)
    assert (query["occluder_kind"], query["occluder_id"]) == ("bin", "bin-test-02")
    assert (train["occluder_kind"], train["occluder_id"]) == (None, None)
    assert query["visible_upper_legs"] == pytest.approx(0.3)
    assert len(query["keypoints"]) == 51
    assert query["time"] == 10.0
