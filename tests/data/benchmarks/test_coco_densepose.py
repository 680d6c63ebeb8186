import json

import numpy as np
import pytest
from PIL import Image

from occreid.data import load_benchmark
from occreid.data.benchmarks.coco_densepose import Person, part_mask, read_persons, write_crops
from occreid.data.images import image_size
from occreid.data.masks.files import read_mask
from occreid.errors import UserError

TOP_HALF = {"counts": [0, *[2] * 8], "size": [4, 4]}  # in each column two ones, two zeros: rows 0 and 1


def annotation(number, masks, box=(10, 20, 8, 8)):
    return {"id": number, "image_id": 9, "bbox": list(box), "dp_masks": masks}


def masks(**parts):
    """14 entries, [] where a part is not seen."""
    return [parts.get(f"part{i}", []) for i in range(1, 15)]


@pytest.fixture
def coco(tmp_path):
    def make(*annotations, folder="train2014", part="train"):
        picture = tmp_path / folder / "COCO_train2014_000000000009.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((64, 48, 3), 128, np.uint8)).save(picture)
        names = {"train": "densepose_coco_2014_train.json", "val": "densepose_coco_2014_minival.json"}
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / names[part]).write_text(
            json.dumps({"images": [{"id": 9, "file_name": picture.name}], "annotations": annotations})
        )
        return tmp_path

    return make


@pytest.mark.parametrize("folder", ["train2014", "images/train2014"])
def test_only_persons_with_masks_sorted(coco, folder):
    given = annotation(7, masks(part14=TOP_HALF)), annotation(3, masks(part1=TOP_HALF)), annotation(5, masks())
    without = {"id": 1, "image_id": 9, "bbox": [0, 0, 1, 1]}
    persons = read_persons(coco(*given, without, folder=folder))
    assert [p.annotation for p in persons] == [3, 7]
    assert persons[0].masks == {1: (TOP_HALF["counts"], 4, 4)} and persons[0].box == (10, 20, 8, 8)
    assert persons[0].image.is_file()


def test_crops_are_written_and_read_as_records(coco, tmp_path):
    root = coco(annotation(7, masks(part14=TOP_HALF)), annotation(3, masks(part6=TOP_HALF), box=(0.4, 0.4, 9.2, 16)))
    with pytest.raises(UserError, match=r"not cut out yet.*occreid data crops"):
        load_benchmark("coco_densepose", root)
    written = list(write_crops(read_persons(root), root / "densepose_crops"))
    split = load_benchmark("coco_densepose", root)
    assert list(split.train) == written and split.query == split.gallery == ()
    assert [r.pid for r in split.train] == [3, 7]
    first, second = (read_mask(r.mask) for r in split.train)
    assert image_size(split.train[1].path) == (8, 8) and second.shape == (8, 8)
    assert (second[:4] == 1).all() and (second[4:] == 0).all(), "head in the upper half of the box"
    assert image_size(split.train[0].path) == (10, 16) and set(np.unique(first)) == {0, 3}
    assert load_benchmark("coco_densepose", tmp_path, crops=root / "densepose_crops") == split


@pytest.mark.parametrize(
    ("numbers", "part"), [((14,), 1), ((1, 2, 3, 10, 11, 12, 13), 2), ((6, 7), 3), ((4, 5, 8, 9), 4)]
)
def test_fourteen_parts_become_four(tmp_path, numbers, part):
    for number in numbers:
        person = Person(tmp_path, 1, (0, 0, 4, 4), {number: ([0, 16], 4, 4)})
        assert (part_mask(person, (0, 0, 4, 4)) == part).all()


def test_a_mask_is_stretched_over_its_box_and_ends_there(tmp_path):
    person = Person(tmp_path, 1, (2, 2, 4, 8), {1: ([0, 16], 4, 4)})
    mask = part_mask(person, (0, 0, 8, 12))
    expected = np.zeros((12, 8), np.uint8)
    expected[2:10, 2:6] = 2
    np.testing.assert_array_equal(mask, expected)


def test_a_pixel_takes_the_mask_under_its_centre(tmp_path):
    # Three pixels over two columns: the middle one's centre is the seam and belongs to the right column.
    person = Person(tmp_path, 1, (0, 0, 3, 1), {14: ([0, 2, 2], 2, 2)})
    assert part_mask(person, (0, 0, 3, 1)).tolist() == [[1, 0, 0]]


def test_a_margin_is_cut_at_the_picture(coco, tmp_path):
    persons = read_persons(coco(annotation(3, masks(part1=TOP_HALF), box=(0, 20, 10, 20))))
    (record,) = write_crops(persons, tmp_path / "out", margin=0.5)
    assert image_size(record.path) == (15, 40)


def test_a_crop_without_its_mask(coco):
    root = coco(annotation(3, masks(part1=TOP_HALF)), annotation(4, masks(part1=TOP_HALF)))
    list(write_crops(read_persons(root), root / "densepose_crops"))
    (root / "densepose_crops/masks/000000000003.png").unlink()
    with pytest.raises(UserError, match=r"000000000003.jpg"):
        load_benchmark("coco_densepose", root)
    assert len(load_benchmark("coco_densepose", root, strict=False).train) == 1


def test_what_is_missing_or_damaged(coco, tmp_path):
    with pytest.raises(UserError, match=r"no DensePose annotations of val in .*minival.json"):
        read_persons(coco(), "val")
    root = coco(annotation(3, masks(part1=TOP_HALF)))
    (root / "train2014/COCO_train2014_000000000009.jpg").unlink()
    with pytest.raises(UserError, match=r"1 annotated pictures are missing: .*000000000009.jpg"):
        read_persons(root)
    file = root / "annotations/densepose_coco_2014_train.json"
    for text in ("{", "[]", '{"images": []}', '{"images": [], "annotations": [3]}', '{"images": 3, "annotations": []}'):
        file.write_text(text)
        with pytest.raises(UserError, match=r"densepose_coco_2014_train\.json is (no COCO annotation file|not JSON)"):
            read_persons(root)


def test_damaged_masks_and_boxes(coco, tmp_path):
    with pytest.raises(UserError, match="annotation 8 has a damaged mask"):
        part_mask(Person(tmp_path, 8, (0, 0, 4, 4), {1: ([3], 4, 4)}), (0, 0, 4, 4))
    with pytest.raises(UserError, match="annotation 8 has a damaged mask"):
        part_mask(Person(tmp_path, 8, (0, 0, 4, 4), {15: ([0, 16], 4, 4)}), (0, 0, 4, 4))
    persons = read_persons(coco(annotation(3, masks(part1=TOP_HALF), box=(100, 20, 8, 8))))
    with pytest.raises(UserError, match="annotation 3's box lies outside"):
        list(write_crops(persons, tmp_path / "out"))


def test_crowds_and_low_people_are_left_out(coco):
    crowd = {**annotation(2, masks(part1=TOP_HALF)), "iscrowd": 1}
    low, tall = annotation(3, masks(part1=TOP_HALF), box=(0, 0, 8, 7)), annotation(4, masks(part1=TOP_HALF))
    root = coco(crowd, low, {**tall, "iscrowd": 0})
    assert [p.annotation for p in read_persons(root)] == [3, 4]
    assert [p.annotation for p in read_persons(root, min_height=8)] == [4]


def test_a_neighbour_in_the_crop_is_background(coco, tmp_path):
    full = {"counts": [0, 16], "size": [4, 4]}
    root = coco(
        annotation(3, masks(part14=full), box=(10, 20, 8, 8)), annotation(4, masks(part2=full), box=(14, 20, 8, 8))
    )
    left, right = (read_mask(record.mask) for record in write_crops(read_persons(root), tmp_path / "out", margin=0.5))
    assert left.shape == right.shape == (16, 16)
    assert set(np.unique(left)) == {0, 1} and set(np.unique(right)) == {0, 2}  # one's head, the other's hand
    assert (left[4:12, 4:12] == 1).all() and (left > 0).sum() == 64


def test_a_person_cut_by_the_pictures_edge_has_a_smaller_crop(coco, tmp_path):
    full = {"counts": [0, 16], "size": [4, 4]}
    (record,) = write_crops(read_persons(coco(annotation(3, masks(part14=full), box=(-4, 60, 8, 8)))), tmp_path / "out")
    mask = read_mask(record.mask)
    assert image_size(record.path) == (4, 4) and mask.shape == (4, 4) and (mask == 1).all()


def test_validation_persons_are_the_query_part(coco):
    root = coco(annotation(3, masks(part1=TOP_HALF)))
    list(write_crops(read_persons(root), root / "densepose_crops"))
    root = coco(annotation(9, masks(part1=TOP_HALF)), part="val")
    list(write_crops(read_persons(root, "val"), root / "densepose_crops_val"))
    split = load_benchmark("coco_densepose", root)
    assert [[r.pid for r in part] for part in (split.train, split.query, split.gallery)] == [[3], [9], []]
    assert split.query[0].mask.is_file()


def test_annotation_files_are_found_under_both_their_names_and_read_once(coco):
    root = coco(annotation(3, masks(part14=TOP_HALF)))
    assert [person.annotation for person in read_persons(root)] == [3]
    old, new = (root / "annotations" / name for name in ("densepose_coco_2014_train.json", "densepose_train2014.json"))
    new.write_text(old.read_text())
    assert len(read_persons(root)) == 1, "the same persons twice are not two"
    old.unlink()
    assert [person.annotation for person in read_persons(root)] == [3]
    new.unlink()
    with pytest.raises(UserError, match=r"no DensePose annotations of train .*densepose_train2014\.json"):
        read_persons(root)
