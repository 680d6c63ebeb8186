import pytest

from occreid.data.benchmarks._ilids import read_ilids
from occreid.errors import UserError


@pytest.mark.parametrize("folder", ["Partial-iLIDS18", "partial_ilids_18", "PartialiLIDS", "."])
@pytest.mark.parametrize("parts", [("Probe", "Gallery"), ("query", "gallery")])
def test_usual_names(touch, tmp_path, folder, parts, ids_of, cameras_of):
    touch(f"{parts[0]}/001.jpg", f"{parts[1]}/001.jpg", f"{parts[1]}/002.jpg", root=tmp_path / folder)
    split = read_ilids("x", "18", tmp_path, {"query": (1, 1)}, strict=True)
    assert split.name == "x" and split.same_camera == "keep" and split.train == ()
    assert ids_of(split.query) == [1] and ids_of(split.gallery) == [1, 2]
    assert cameras_of(split.query) == [0] and cameras_of(split.gallery) == [1, 1]
    assert split.query[0].occluded is None and split.gallery[0].occluded is False


def test_the_other_year_is_not_taken(touch, tmp_path):
    touch("Probe/001.jpg", "Gallery/001.jpg", root=tmp_path / "Partial-iLIDS19")
    with pytest.raises(UserError, match="Probe or query; Gallery"):
        read_ilids("x", "18", tmp_path, {}, strict=True)


def test_misnamed(touch, tmp_path):
    touch("Probe/001.jpg", "Probe/x.jpg", "Gallery/001.jpg")
    with pytest.raises(UserError, match=r"Probe/x.jpg"):
        read_ilids("x", "18", tmp_path, {}, strict=True)
