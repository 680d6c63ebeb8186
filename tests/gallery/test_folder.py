import pytest
import torch
from PIL import Image

import occreid
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.models import Method


class Colours(Method):
    metric = "euclidean"
    input_size = (8, 4)

    def describe(self, images, masks=None):
        return Descriptors(images.float().mean((2, 3)) / 255)


@pytest.fixture
def crops(tmp_path):
    for name, colour in (("a/red.png", (250, 0, 0)), ("blue.jpg", (0, 0, 255)), ("a/b/dark.png", (100, 0, 0))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 40), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_the_nearest_come_first(crops):
    query = Image.new("RGB", (9, 9), (255, 0, 0))
    hits = occreid.search(query, crops, model=Colours(), top=2)
    assert [hit.id for hit in hits] == ["a/red.png", "a/b/dark.png"]
    assert hits[0].distance == pytest.approx(5 / 255, abs=1e-6) and hits[0].path == str(crops / "a" / "red.png")
    assert len(occreid.search(crops / "blue.jpg", crops, model=Colours())) == 3
    assert occreid.search(crops / "blue.jpg", crops, model=Colours()).query == crops / "blue.jpg"


def test_what_cannot_be_searched_is_named(crops, tmp_path):
    query = torch.zeros(3, 8, 4)
    for folder, top, problem in (
        (crops / "nowhere", 1, "does not exist"),
        (crops / "blue.jpg", 1, "is a file"),
        (crops, 0, "0 answers"),
        (crops, 1.5, "1.5 answers"),
        ([crops / "blue.jpg"], 1, "of the type list, no folder"),
        ("x" * 5000, 1, "does not exist"),
    ):
        with pytest.raises(UserError, match=problem):
            occreid.search(query, folder, model=Colours(), top=top)
    with pytest.raises(UserError, match="2 pictures cannot be one query"):
        occreid.search(torch.stack([query, query]), crops, model=Colours())
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no image in"):
        occreid.search(query, tmp_path / "empty", model=Colours())
    (tmp_path / "gallery.json").write_text("{}")
    with pytest.raises(UserError, match=r"is a gallery\. Search it so: "):
        occreid.search(query, tmp_path, model=Colours())
