import json

import numpy as np
import pytest
from PIL import Image

from occreid.data.occlusion.coco_cutouts import OBSTACLES, choose_obstacles, cut_out, read_obstacles, write_cutouts
from occreid.data.occlusion.library import OccluderLibrary
from occreid.errors import UserError

SQUARE = [[10, 20, 109, 20, 109, 119, 10, 119]]


def thing(number, category=2, outline=SQUARE, box=(10, 20, 100, 100), **more):
    return {
        "id": number,
        "image_id": 9,
        "category_id": category,
        "bbox": list(box),
        "segmentation": outline,
        **more,
    }


@pytest.fixture
def coco(tmp_path):
    def make(*annotations, part="train2017"):
        (tmp_path / part).mkdir(exist_ok=True)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        pixels = np.zeros((160, 140, 3), np.uint8)
        pixels[:, :] = (200, 100, 50)
        Image.fromarray(pixels).save(tmp_path / part / "000009.png")
        content = {
            "images": [{"id": 9, "file_name": "000009.png"}],
            "categories": [{"id": i, "name": n} for i, n in enumerate(["person", "car", "bench", "potted plant"], 1)],
            "annotations": list(annotations),
        }
        (tmp_path / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))
        return tmp_path

    return make


def test_large_things_of_the_categories_sorted(coco):
    root = coco(thing(7), thing(3, 3), thing(5, 1), thing(4, box=(0, 0, 79, 200)), thing(2, iscrowd=1))
    assert [(o.annotation, o.category) for o in read_obstacles(root)] == [(3, "bench"), (7, "car")]
    assert [o.annotation for o in read_obstacles(root, min_side=79)] == [3, 4, 7]
    assert [o.annotation for o in read_obstacles(root, categories=("person",))] == [5]
    assert "person" not in OBSTACLES and list(OBSTACLES) == sorted(OBSTACLES)


def test_the_part_is_found_or_named(coco):
    coco(thing(1), part="val2017")
    root = coco(thing(2), part="train2014")
    assert [o.annotation for o in read_obstacles(root)] == [1]
    assert [o.annotation for o in read_obstacles(root, "train2014")] == [2]


def test_polygons_become_transparency(coco):
    triangle = [[10, 20, 109, 20, 10, 119]]
    (obstacle,) = read_obstacles(coco(thing(1, outline=triangle)))
    pixels = cut_out(obstacle)
    assert pixels.shape == (100, 100, 4) and pixels[0, 0].tolist() == [200, 100, 50, 255]
    assert set(np.unique(pixels[:, :, 3])) == {0, 255}
    assert (pixels[:, :, 3] == 255).mean() == pytest.approx(0.5, abs=0.02) and pixels[99, 99, 3] == 0


def test_run_lengths_become_transparency(coco):
    columns = [20 * 160, 30 * 160, 90 * 160]  # columns 20 to 49 of a 160×140 picture
    outline = {"counts": columns, "size": [160, 140]}
    (obstacle,) = read_obstacles(coco(thing(1, outline=outline, box=(10, 0, 100, 160))))
    solid = cut_out(obstacle)[:, :, 3] == 255
    assert solid.shape == (160, 100) and solid.any(0).nonzero()[0].tolist() == list(range(10, 40))


def test_what_is_written_is_a_library(coco, tmp_path):
    obstacles = read_obstacles(coco(thing(7), thing(3, 4)))
    written = list(write_cutouts(obstacles, tmp_path / "out"))
    assert [p.name for p in written] == ["potted_plant-3.png", "car-7.png"]
    library = OccluderLibrary.from_folder(tmp_path / "out")
    assert len(library) == 2 and library[0].shape == (100, 100, 4)


def test_the_seed_chooses(coco):
    obstacles = read_obstacles(coco(*(thing(n) for n in range(1, 40))))
    first, again, other = (choose_obstacles(obstacles, 8, seed) for seed in (0, 0, 1))
    assert first == again != other and len(first) == 8
    assert [o.annotation for o in first] == sorted(o.annotation for o in first)
    assert choose_obstacles(obstacles, 100) == obstacles
    with pytest.raises(UserError, match="0 occluders make no library"):
        choose_obstacles(obstacles, 0)


def test_what_is_missing_or_damaged(coco, tmp_path):
    with pytest.raises(UserError, match=r"no annotations/instances_train2017.json"):
        read_obstacles(tmp_path)
    with pytest.raises(UserError, match=r"no annotations/instances_val2014.json"):
        read_obstacles(coco(thing(1)), "val2014")
    with pytest.raises(UserError, match=r"no part 'val2018'. Did you mean 'val2017'"):
        read_obstacles(tmp_path, "val2018")
    with pytest.raises(UserError, match=r"no category 'bensch'. Did you mean 'bench'"):
        read_obstacles(tmp_path, categories=("bensch",))
    with pytest.raises(UserError, match="outlines nothing of 200×200 pixels"):
        read_obstacles(tmp_path, min_side=200)
    file = tmp_path / "annotations/instances_train2017.json"
    for text in ("{", "[]", '{"images": []}', '{"images": [], "categories": [], "annotations": [3]}'):
        file.write_text(text)
        with pytest.raises(UserError, match=r"instances_train2017\.json is (no COCO instance file|not JSON)"):
            read_obstacles(tmp_path)


@pytest.mark.parametrize("outline", [[[1, 2, 3]], {"counts": [5], "size": [2, 2]}, {"counts": [4], "size": [2, 2]}, 7])
def test_a_damaged_outline_is_named(coco, outline):
    (obstacle,) = read_obstacles(coco(thing(8, outline=outline)))
    with pytest.raises(UserError, match="annotation 8 has a damaged outline"):
        cut_out(obstacle)


def test_an_outline_outside_its_picture_and_a_missing_picture(coco, tmp_path):
    far = [[500, 500, 600, 500, 600, 600]]
    (obstacle,) = read_obstacles(coco(thing(8, outline=far, box=(10, 20, 100, 100))))
    with pytest.raises(UserError, match="annotation 8's outline lies outside"):
        cut_out(obstacle)
    (tmp_path / "train2017/000009.png").unlink()
    with pytest.raises(UserError, match=r"no image .*000009.png"):
        cut_out(obstacle)
