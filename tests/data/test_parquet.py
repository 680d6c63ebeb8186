import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from occreid.data.parquet import write_parquet
from occreid.errors import UserError
from occreid.records import Record, Split


@pytest.fixture
def split(tmp_path):
    """Three training pictures with masks, one query without anything but ids."""
    records = []
    for number in range(4):
        file = tmp_path / "pictures" / f"{number}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 4, 3), 40 * number, np.uint8)).save(file)
        mask = tmp_path / f"mask{number}.png"
        Image.fromarray(np.full((8, 4), number, np.uint8)).save(mask)
        told = {"mask": mask, "visibility": (1.0, 0.5), "occluded": number == 1} if number < 3 else {}
        records.append(Record(file, pid=number, camid=number % 2, **told))
    return Split("toy", tuple(records[:3]), (records[3],), ())


def test_pictures_come_back_byte_for_byte_and_no_place_is_told(split, tmp_path):
    assert write_parquet(split, tmp_path / "out") == {"train": 3, "query": 1}
    rows = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert [row["pid"] for row in rows] == [0, 1, 2] and [row["occluded"] for row in rows] == [False, True, False]
    assert rows[2]["visibility"] == [1.0, 0.5]
    for row, record in zip(rows, split.train, strict=True):
        assert row["image"] == {"bytes": record.path.read_bytes(), "path": record.path.name}
        assert np.asarray(Image.open(io.BytesIO(row["mask"]["bytes"]))).max() == record.pid
    assert str(tmp_path).encode() not in (tmp_path / "out" / "train.parquet").read_bytes()


def test_columns_nobody_filled_are_left_out_and_the_others_have_their_feature(split, tmp_path):
    write_parquet(split, tmp_path / "out")
    schema = pq.read_schema(tmp_path / "out" / "query.parquet")
    assert schema.names == ["image", "pid", "camid"]
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"} and features["pid"] == {"dtype": "int64", "_type": "Value"}
    write_parquet(split, tmp_path / "bare", masks=False)
    assert "mask" not in pq.read_schema(tmp_path / "bare" / "train.parquet").names


def test_many_pictures_are_many_row_groups(split, tmp_path, monkeypatch):
    monkeypatch.setattr("occreid.data.parquet._ROWS", 2)
    ticks = []
    write_parquet(split, tmp_path / "out", tick=lambda: ticks.append(1))
    assert pq.ParquetFile(tmp_path / "out" / "train.parquet").num_row_groups == 2 and len(ticks) == 4
    assert pq.read_table(tmp_path / "out" / "train.parquet").column("pid").to_pylist() == [0, 1, 2]


def test_a_picture_that_is_gone_is_named_and_nothing_is_left(split, tmp_path):
    split.train[1].path.unlink()
    with pytest.raises(UserError, match=r"1\.png"):
        write_parquet(split, tmp_path / "out")
    assert not (tmp_path / "out" / "train.parquet").exists()
    with pytest.raises(UserError, match="holds no pictures"):
        write_parquet(Split("empty", (), (), ()), tmp_path / "out")
