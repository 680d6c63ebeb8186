import pytest

from occreid.data import load_benchmark
from occreid.data.benchmarks._facts import WithdrawnDatasetWarning
from occreid.errors import UserError


def test_the_whole_set_as_its_authors_pack_it(touch, tmp_path, ids_of, cameras_of):
    names = [f"{pid:03d}/{pid:03d}_{i:02d}.tif" for pid in range(1, 201) for i in range(1, 6)]
    root = touch(*(f"{kind}_body_images/{name}" for kind in ("occluded", "whole") for name in names))
    split = load_benchmark("occluded_reid", root)
    assert split.train == () and split.same_camera == "keep"
    assert set(ids_of(split.query)) == set(range(1, 201)) == set(ids_of(split.gallery))
    assert set(cameras_of(split.query)) == {0} and set(cameras_of(split.gallery)) == {1}
    assert {r.occluded for r in split.query} == {True} and {r.occluded for r in split.gallery} == {False}
    (root / "occluded_body_images/001/001_01.tif").unlink()
    with pytest.raises(UserError, match="query has 999 images of 200 ids, expected 1000 of 200"):
        load_benchmark("occluded_reid", root)


def test_flat_jpeg_copies_and_the_parent(touch, tmp_path, ids_of):
    touch("occluded_body_images/001_01.jpg", "whole_body_images/001_01.jpg", root=tmp_path / "Occluded_REID")
    split = load_benchmark("occluded_reid", tmp_path, strict=False)
    assert ids_of(split.query) == ids_of(split.gallery) == [1]


def test_a_tree_like_p_dukemtmc(touch, tmp_path, ids_of, cameras_of):
    root = touch(
        "train/occluded_body_images/0001/0001_c1_f001.jpg",
        "train/whole_body_images/0001/0001_c2_f001.jpg",
        "test/occluded_body_images/0002/0002_c1_f001.jpg",
        "test/whole_body_images/0002/0002_c1_f009.jpg",
        root=tmp_path / "P-DukeMTMC-reid",
    )
    for place in (root, tmp_path):
        with pytest.warns(WithdrawnDatasetWarning, match="P-DukeMTMC"):
            split = load_benchmark("occluded_reid", place, strict=False)
        assert split.name == "p_dukemtmc" and split.same_camera == "keep"
        assert ids_of(split.train) == [1, 1] and ids_of(split.query) == ids_of(split.gallery) == [2]
        assert cameras_of(split.query) == [0] and cameras_of(split.gallery) == [1], "true cameras are not used"
    with pytest.warns(WithdrawnDatasetWarning), pytest.raises(UserError, match="expected 12927 of 665"):
        load_benchmark("occluded_reid", root)


def test_a_missing_folder_is_told_in_the_benchmarks_own_layout(touch, tmp_path):
    touch("occluded_body_images/001_01.jpg")
    with pytest.raises(UserError, match="does not hold the folders occluded_body_images; whole_body_images") as error:
        load_benchmark("occluded_reid", tmp_path)
    assert "train/" not in str(error.value)


def test_two_ids_for_one_file(touch, tmp_path):
    touch("occluded_body_images/001/002_01.tif", "occluded_body_images/001/001_01.tif", "whole_body_images/001_01.tif")
    with pytest.raises(UserError, match=r"1 image files .*001/002_01.tif"):
        load_benchmark("occluded_reid", tmp_path)
    assert "002_01.tif" in load_benchmark("occluded_reid", tmp_path, strict=False).notes["skipped"]
