import json

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import data
from occreid.cli.groups import add
from occreid.data.occlusion.library import OccluderLibrary
from occreid.errors import UserError

app = typer.Typer()
add(app, data)


def run(*arguments):
    result = CliRunner().invoke(app, ["data", "occluders", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def coco(tmp_path):
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    (root / "val2017").mkdir()
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(root / "val2017/1.jpg")
    outline = [[10, 10, 150, 10, 150, 150, 10, 150]]
    things = [
        {"id": n, "image_id": 1, "category_id": 2 + n % 2, "bbox": [10, 10, 140, 140], "segmentation": outline}
        for n in range(6)
    ]
    content = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": 2, "name": "car"}, {"id": 3, "name": "bench"}],
        "annotations": things,
    }
    (root / "annotations/instances_val2017.json").write_text(json.dumps(content))
    return root


def test_drawn_cutouts_are_read_as_they_were_drawn(tmp_path):
    said = run("--out", tmp_path / "lib", "--count", 5, "--seed", 3)
    assert f"5 occluders written to {tmp_path / 'lib'}" in said.replace("\n", "")
    read, drawn = OccluderLibrary.from_folder(tmp_path / "lib"), OccluderLibrary.procedural(5, 3)
    by_name = dict(zip(read.names, read, strict=True))
    for name, cutout in zip(drawn.names, drawn, strict=True):
        np.testing.assert_array_equal(by_name[f"{name}.png"], cutout)


def test_cutouts_of_coco(coco, tmp_path):
    run("--coco", coco, "--out", tmp_path / "a", "--count", 4)
    assert len(OccluderLibrary.from_folder(tmp_path / "a")) == 4
    run("--coco", coco, "--out", tmp_path / "b", "--category", "bench")
    assert OccluderLibrary.from_folder(tmp_path / "b").names == ("bench-1.png", "bench-3.png", "bench-5.png")


def test_mistakes(coco, tmp_path):
    with pytest.raises(UserError, match=r"instances_train2017.json"):
        run("--coco", tmp_path, "--out", tmp_path / "a")
    with pytest.raises(UserError, match="outlines nothing of 180×180"):
        run("--coco", coco, "--out", tmp_path / "a", "--min-side", 180)
    with pytest.raises(UserError, match="is not empty"):
        run("--out", coco)
    with pytest.raises(UserError, match="library is empty"):
        run("--out", tmp_path / "a", "--count", 0)
