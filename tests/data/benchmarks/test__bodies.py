import pytest

from occreid.data.benchmarks._bodies import read_bodies
from occreid.errors import UserError


@pytest.mark.parametrize(
    "name", ["001_02.tif", "001.jpg", "001/001_02.tif", "001/02.jpg", "x/001_02.jpg", "a/001/2.JPG"]
)
def test_flat_and_nested_names(touch, name, ids_of, cameras_of):
    skipped = []
    records = read_bodies(touch(name), 1, False, skipped)
    assert ids_of(records) == [1] and cameras_of(records) == [1] and records[0].occluded is False
    assert skipped == []


@pytest.mark.parametrize("name", ["001/002_01.tif", "001/x_01.tif", "person.jpg", "x_001.jpg", "a/b.jpg"])
def test_names_without_an_id_or_with_two(touch, name, ids_of):
    skipped = []
    root = touch(name, "007.jpg")
    assert ids_of(read_bodies(root, 0, True, skipped)) == [7] and skipped == [root / name]


def test_a_folder_above_is_never_read(touch, tmp_path, ids_of):
    root = touch("005_01.tif", root=tmp_path / "123" / "occluded_body_images")
    assert ids_of(read_bodies(root, 0, True, [])) == [5]


def test_the_number_of_an_image_is_no_camera(touch, cameras_of):
    assert cameras_of(read_bodies(touch("001_001.jpg", "001_002.jpg", "002_001.jpg"), 0, True, [])) == [0, 0, 0]


def test_nothing_fits(touch):
    with pytest.raises(UserError, match=r"no image in .* has an id in its name; the first is a.jpg"):
        read_bodies(touch("a.jpg", "b.jpg"), 0, None, [])
