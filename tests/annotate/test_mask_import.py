import os

import cv2
import numpy as np
import pytest
from PIL import Image

from occreid.annotate.mask_import import import_masks, read_mapping
from occreid.data.masks.files import read_mask
from occreid.errors import UserError
from occreid.records import Record

MAPPING = "background: [0]\nhead: [2, 13]\ntorso_arms: 5\nupper_legs: [9]\nlower_legs_feet: [18, 200]\n"


@pytest.fixture
def mapping(tmp_path):
    def make(text=MAPPING):
        (tmp_path / "map.yaml").write_text(text)
        return read_mapping(tmp_path / "map.yaml")

    return make


@pytest.fixture
def data(tmp_path):
    """Two pictures of 8×4 pixels in a dataset, and a foreign mask of each."""
    foreign = np.repeat(np.array([0, 2, 13, 5, 9, 18, 200, 0], np.uint8)[:, None], 4, 1)
    made = []
    for name in ("a", "b"):
        for folder, picture in (("set/train", np.zeros((8, 4, 3), np.uint8)), ("theirs/train", foreign)):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
        made.append(Record(tmp_path / "set/train" / f"{name}.png", 0, 0))
    return made


def run(tmp_path, data, mapping):
    return list(import_masks(data, tmp_path / "set", tmp_path / "theirs", mapping, tmp_path / "ours"))


def test_values_become_parts(tmp_path, data, mapping):
    written = run(tmp_path, data, mapping())
    assert written == [(tmp_path / f"ours/train/{name}.png", True) for name in ("a", "b")]
    assert read_mask(written[0][0])[:, 0].tolist() == [0, 1, 1, 2, 3, 4, 4, 0]


def test_what_is_there_is_left_alone(tmp_path, data, mapping):
    run(tmp_path, data, mapping())
    Image.new("L", (4, 8)).save(tmp_path / "ours/train/a.png")
    assert [new for _, new in run(tmp_path, data, mapping())] == [False, False]
    assert not read_mask(tmp_path / "ours/train/a.png").any()


def test_what_was_made_of_other_files_or_by_another_mapping_is_made_anew(tmp_path, data, mapping):
    run(tmp_path, data, mapping())
    cv2.imwrite(str(tmp_path / "theirs/train/b.png"), np.full((8, 4), 9, np.uint8))
    os.utime(tmp_path / "theirs/train/b.png", (0, 0))  # replaced by an older one
    assert [new for _, new in run(tmp_path, data, mapping())] == [False, True]
    assert (read_mask(tmp_path / "ours/train/b.png") == 3).all()
    other = mapping(MAPPING.replace("[9]", "[10]").replace("[0]", "[0, 9]"))
    assert [new for _, new in run(tmp_path, data, other)] == [True, True]
    assert not read_mask(tmp_path / "ours/train/b.png").any()


def test_masks_may_be_palette_pictures_of_another_size_and_name(tmp_path, data, mapping):
    picture = Image.fromarray(np.full((16, 8), 9, np.uint8)).convert("P")
    picture.putdata([9] * 128)
    picture.putpalette([0, 0, 0] * 9 + [10, 200, 30])
    for name in ("a", "b"):
        picture.save(tmp_path / f"theirs/{name}.png.parsing.png")
    written = run(tmp_path, data, mapping('file: "{name}.parsing.png"\n' + MAPPING))
    mask = read_mask(written[0][0])
    assert mask.shape == (16, 8) and (mask == 3).all()


def test_missing_masks_are_counted_before_anything_is_written(tmp_path, data, mapping):
    (tmp_path / "theirs/train/b.png").unlink()
    with pytest.raises(UserError, match=r"1 of 2 masks are missing in .*b.png.*\{folder\}/\{stem\}.png"):
        run(tmp_path, data, mapping())
    assert not (tmp_path / "ours").exists()


def test_a_value_the_mapping_does_not_know_is_named(tmp_path, data, mapping):
    with pytest.raises(UserError, match=r"a.png holds the value 200, which .*map.yaml does not mention"):
        run(tmp_path, data, mapping(MAPPING.replace(", 200", "")))


def test_another_shape_or_colours_are_refused(tmp_path, data, mapping):
    Image.new("L", (8, 8)).save(tmp_path / "theirs/train/a.png")
    with pytest.raises(UserError, match="another shape"):
        run(tmp_path, data, mapping())
    Image.new("RGB", (4, 8)).save(tmp_path / "theirs/train/a.png")
    with pytest.raises(UserError, match="mode RGB"):
        run(tmp_path, data, mapping())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "has no keys"),
        ("{", "is not valid YAML"),
        ("heads: [1]", "Did you mean 'head'"),
        ("head: [x]", "'head' in .* lists 'x'"),
        ("head: [true]", "lists True"),
        ("head: [256]", "lists 256"),
        ("head: [1]\nupper_legs: [1]", "gives the value 1 to 'head' and 'upper_legs'"),
        ("file: '{image}.png'", "is no name pattern"),
    ],
)
def test_a_mapping_that_makes_no_sense(mapping, text, message):
    with pytest.raises(UserError, match=message):
        mapping(text)


def test_no_mapping(tmp_path):
    with pytest.raises(UserError, match=r"there is no mapping .*gone\.yaml"):
        read_mapping(tmp_path / "gone.yaml")
