import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.images import read_image
from occreid.data.loading.transforms import EvalTransform
from occreid.errors import UserError
from occreid.models.pictures import batches, check_images, prepare

SIZE = (24, 12)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (57, 31, 3), dtype=np.uint8)


@pytest.fixture
def wanted(picture):
    return EvalTransform(*SIZE)(picture)[0]


def test_a_picture_has_one_form_whatever_it_comes_in(picture, wanted, tmp_path):
    file = tmp_path / "p.png"
    Image.fromarray(picture).save(file)
    planes = torch.from_numpy(picture).permute(2, 0, 1)
    for given in (file, str(file), Image.open(file), picture, planes, planes.float() / 255, planes.double() / 255):
        assert torch.equal(prepare(given, SIZE), wanted), type(given)
    for given in (picture[..., ::-1], planes.flip(0)):
        assert torch.equal(prepare(given, SIZE, bgr=True), wanted)
    assert torch.equal(prepare(file, SIZE, bgr=True), wanted)  # a file knows its own order


def test_tensors_of_the_right_size_are_taken_as_they_are(wanted):
    assert torch.equal(prepare(wanted, SIZE), wanted)
    assert torch.equal(prepare(wanted.flip(0), SIZE, bgr=True), wanted)
    assert torch.equal(prepare(wanted.float() / 255, SIZE), wanted)


def test_grey_is_repeated(picture):
    grey = picture[..., 0]
    forms = (grey, grey[..., None], torch.from_numpy(grey), torch.from_numpy(grey)[None], Image.fromarray(grey))
    found = [prepare(form, SIZE) for form in forms]
    assert all(torch.equal(one, found[0]) and torch.equal(one[0], one[2]) for one in found)


def test_what_is_transparent_looks_as_it_does_in_a_file(picture, tmp_path):
    alpha = np.random.default_rng(1).integers(0, 256, (57, 31, 1), dtype=np.uint8)
    rgba = np.concatenate([picture, alpha], 2)
    Image.fromarray(rgba).save(tmp_path / "p.png")
    wanted = EvalTransform(*SIZE)(read_image(tmp_path / "p.png"))[0]
    planes = torch.from_numpy(rgba).permute(2, 0, 1)
    for given in (rgba, planes, planes.float() / 255, Image.fromarray(rgba)):
        assert torch.equal(prepare(given, SIZE), wanted)
    assert torch.equal(prepare(rgba[..., [2, 1, 0, 3]], SIZE, bgr=True), wanted)


def test_batches_come_from_anything_and_an_iterator_is_not_read_ahead(picture, wanted, tmp_path):
    file = tmp_path / "p.png"
    Image.fromarray(picture).save(file)
    mixed = [file, picture, [Image.fromarray(picture), torch.from_numpy(picture).permute(2, 0, 1)]]
    found = list(batches(mixed, SIZE, 3))
    assert [len(images) for images, _ in found] == [3, 1]
    assert all(torch.equal(image, wanted) for images, _ in found for image in images)
    assert found[0][1] == [str(file), "", ""]
    several = np.stack([picture, picture])
    for given in (several, torch.from_numpy(several).permute(0, 3, 1, 2)):
        assert len(next(batches(given, SIZE, 5))[0]) == 2

    drawn = []

    def stream():
        for number in range(100):
            drawn.append(number)
            yield picture

    next(batches(stream(), SIZE, 4))
    assert len(drawn) == 4


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (np.zeros((4, 4, 3)), "picture 1 is an array of float64"),
        (np.zeros((4, 4, 2), np.uint8), r"picture 1 is an array of shape \(4, 4, 2\)"),
        (np.zeros((0, 4, 3), np.uint8), r"picture 1 is an array of shape \(0, 4, 3\)"),
        (torch.zeros(5, 4, 3), r"picture 1 is a tensor of shape \(5, 4, 3\). Move its channels"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "picture 1 needs uint8 or floating point, not torch.int64"),
        (torch.full((3, 4, 4), 255.0), r"floating-point pixels in \[0, 1\], not 255…255. Divide"),
        (torch.full((3, 4, 4), torch.nan), "not nan…nan"),
        ("nowhere.jpg", "no image nowhere.jpg"),
        ("", "the path of picture 1 is empty"),
        ("x" * 5000, "cannot read xxx"),
        (7, "is no picture, but of the type int"),
        (b"\xff\xd8\xff", "is no picture, but of the type bytes"),
        ({"nowhere.jpg": 1}, "is no picture, but of the type dict"),
    ],
)
def test_what_is_no_picture_is_named(given, problem):
    with pytest.raises(UserError, match=problem):
        list(batches([np.zeros((4, 4, 3), np.uint8), given], SIZE, 8))


def test_a_folder_is_not_a_picture(tmp_path):
    with pytest.raises(UserError, match=r"is a folder. .*occreid.search"):
        prepare(tmp_path, SIZE)


@pytest.mark.parametrize("batch", [0, -1, 1.5, "8", None])
def test_an_impossible_batch_is_refused(batch, picture):
    with pytest.raises(UserError, match=f"a batch of {batch!r} pictures"):
        list(batches(picture, SIZE, batch))


def test_images_for_a_model_are_of_its_shape_type_and_range():
    right = torch.rand(2, 3, *SIZE)
    for given in (right, (255 * right).to(torch.uint8), right.half(), right[:0]):
        check_images(given, SIZE, "toy")
    check_images(torch.rand(2, 3, 9, 9), None, "toy")
    for given, problem in (
        (right[0], r"takes images of shape \(B, 3, 24, 12\), not \(3, 24, 12\)"),
        (torch.rand(2, 3, 9, 9), "embed"),
        (255 * right, r"in \[0, 1\]"),
        (right - 0.5, r"subtract no mean"),
        (right.long(), "not torch.int64"),
    ):
        with pytest.raises(UserError, match=problem):
            check_images(given, SIZE, "toy")
    with pytest.raises(UserError, match=r"\(B, 3, H, W\), not \(2, 1, 9, 9\)"):
        check_images(torch.rand(2, 1, 9, 9), None, "toy")
