import json

from PIL import Image


def test_crops_cuts_persons_out(run, tmp_path):
    (tmp_path / "train2014").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "train2014/COCO_train2014_000000000001.jpg")
    person = {"id": 4, "image_id": 1, "bbox": [2, 2, 8, 16], "dp_masks": [{"counts": [0, 16], "size": [4, 4]}]}
    images = [{"id": 1, "file_name": "COCO_train2014_000000000001.jpg"}]
    content = {"images": images, "annotations": [person]}
    (tmp_path / "densepose_coco_2014_train.json").write_text(json.dumps(content))
    assert "1 persons written" in run("crops", tmp_path).stdout
    found = json.loads(run("stats", tmp_path, "--name", "coco_densepose", "--json").stdout)["parts"]["train"]
    assert found["images"] == 1 and found["sizes"] == {"8x16": 1}
