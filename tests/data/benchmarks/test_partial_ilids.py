import pytest

from occreid.data import load_benchmark
from occreid.errors import UserError


def test_the_whole_set_of_2018(touch):
    root = touch(*(f"{part}/{pid:03d}.jpg" for part in ("Probe", "Gallery") for pid in range(1, 120)))
    split = load_benchmark("partial_ilids18", root)
    assert split.name == "partial_ilids18" and split.counts()["query"] == {"images": 119, "ids": 119, "cameras": 1}
    (root / "Gallery/001.jpg").unlink()
    with pytest.raises(UserError, match="gallery has 118 images of 118 ids, expected 119 of 119"):
        load_benchmark("partial_ilids18", root)


def test_the_whole_set_of_2019(touch):
    query = [f"Probe/{1 + i % 107:03d}_{i:03d}.jpg" for i in range(238)]
    gallery = [f"Gallery/{1 + i % 109:03d}_{i:03d}.jpg" for i in range(238)]
    root = touch(*query, *gallery)
    split = load_benchmark("partial_ilids19", root)
    assert split.name == "partial_ilids19" and split.counts()["gallery"]["ids"] == 109
    (root / query[0]).unlink()
    with pytest.raises(UserError, match="query has 237 images of 107 ids, expected 238 of 107"):
        load_benchmark("partial_ilids19", root)


@pytest.mark.parametrize("folder", ["Partial-iLIDS18", "partial_ilids_18", "PartialiLIDS", "."])
@pytest.mark.parametrize("parts", [("Probe", "Gallery"), ("query", "gallery")])
def test_usual_names(touch, tmp_path, folder, parts, ids_of, cameras_of):
    touch(f"{parts[0]}/001.jpg", f"{parts[1]}/001.jpg", f"{parts[1]}/002.jpg", root=tmp_path / folder)
    split = load_benchmark("partial_ilids18", tmp_path, strict=False)
    assert split.same_camera == "keep" and split.train == ()
    assert ids_of(split.query) == [1] and ids_of(split.gallery) == [1, 2]
    assert cameras_of(split.query) == [0] and cameras_of(split.gallery) == [1, 1]
    assert split.query[0].occluded is None and split.gallery[0].occluded is False


def test_the_other_year_is_not_taken(touch, tmp_path):
    touch("Probe/001.jpg", "Gallery/001.jpg", root=tmp_path / "Partial-iLIDS19")
    with pytest.raises(UserError, match="Probe or query; Gallery"):
        load_benchmark("partial_ilids18", tmp_path)
    assert len(load_benchmark("partial_ilids19", tmp_path, strict=False).query) == 1


def test_misnamed(touch, tmp_path):
    touch("Probe/001.jpg", "Probe/x.jpg", "Gallery/001.jpg")
    with pytest.raises(UserError, match=r"Probe/x.jpg"):
        load_benchmark("partial_ilids18", tmp_path)
