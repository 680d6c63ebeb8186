import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from occreid.data.masks.files import check_aspect, noted_source, part_pixels, read_mask, resize_mask, write_mask
from occreid.errors import UserError

masks = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("masks")


@settings(deadline=None, max_examples=50)
@given(mask=masks)
def test_what_is_written_is_read(folder, mask):
    write_mask(folder / "sub" / "m.png", mask)
    read = read_mask(folder / "sub" / "m.png")
    assert read.dtype == np.uint8 and np.array_equal(read, mask)
    with Image.open(folder / "sub" / "m.png") as stored:
        assert stored.mode == "L"


def test_a_mask_says_what_it_was_made_of(tmp_path):
    mask = np.arange(4, dtype=np.uint8).reshape(2, 2)
    write_mask(tmp_path / "m.png", mask, made_of="ab12")
    assert noted_source(tmp_path / "m.png") == "ab12"
    with Image.open(tmp_path / "m.png") as stored:
        stored.load()  # checks the sums of all chunks
        assert stored.info["occreid made of"] == "ab12" and np.array_equal(stored, mask)
    assert np.array_equal(read_mask(tmp_path / "m.png"), mask)


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n", None])
def test_a_mask_of_others_says_nothing(tmp_path, content):
    write_mask(tmp_path / "m.png", np.ones((2, 2), int))
    if content:
        (tmp_path / "m.png").write_bytes(content)
    assert noted_source(tmp_path / "m.png") is None


def test_any_integer_array_is_written(tmp_path):
    write_mask(tmp_path / "m.png", np.array([[0, 4]], np.int64))
    assert read_mask(tmp_path / "m.png").tolist() == [[0, 4]]


def test_palette_indices_are_part_numbers(tmp_path):
    picture = Image.fromarray(np.array([[0, 3], [4, 1]], np.uint8)).convert("P")
    picture.putdata([0, 3, 4, 1])
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90])
    picture.save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").tolist() == [[0, 3], [4, 1]]


def test_one_bit_picture_is_a_mask_of_one_part(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "m.png")
    assert read_mask(tmp_path / "m.png").tolist() == [[1, 0]]


def test_a_value_above_the_parts_is_named_with_the_file(tmp_path):
    Image.fromarray(np.array([[0, 255, 2]], np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(UserError, match=r"m\.png holds the value 255, but parts are numbered 0…4"):
        read_mask(tmp_path / "m.png")


def test_the_number_of_parts_may_be_another(tmp_path):
    write_mask(tmp_path / "m.png", np.array([[14]]), parts=14)
    assert read_mask(tmp_path / "m.png", parts=14).tolist() == [[14]]
    with pytest.raises(UserError, match="value 14"):
        read_mask(tmp_path / "m.png")
    with pytest.raises(UserError, match=r"numbered 0…13\. Use 0 for background and 1…13 for the parts"):
        read_mask(tmp_path / "m.png", parts=13)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16"])
def test_pictures_of_other_modes_are_refused(tmp_path, mode):
    Image.new(mode, (2, 2)).save(tmp_path / "m.png")
    with pytest.raises(UserError, match=rf"m\.png is a picture of mode {mode}"):
        read_mask(tmp_path / "m.png")


def test_a_missing_or_damaged_mask_is_named(tmp_path):
    with pytest.raises(UserError, match=r"m\.png"):
        read_mask(tmp_path / "m.png")
    write_mask(tmp_path / "m.png", np.zeros((20, 20), np.uint8))
    (tmp_path / "m.png").write_bytes((tmp_path / "m.png").read_bytes()[:-20])
    with pytest.raises(UserError, match=r"m\.png is damaged"):
        read_mask(tmp_path / "m.png")


@pytest.mark.parametrize(
    ("mask", "name", "problem"),
    [
        (np.zeros((2, 2, 3), int), "m.png", r"shape \(2, 2, 3\)"),
        (np.zeros((0, 2), int), "m.png", r"shape \(0, 2\)"),
        (np.array([[5]]), "m.png", "value 5"),
        (np.array([[-1]]), "m.png", "value -1"),
        (np.array([[1]]), "m.jpg", r"m\.jpg is no name"),
    ],
)
def test_nothing_wrong_is_written(tmp_path, mask, name, problem):
    with pytest.raises(UserError, match=problem):
        write_mask(tmp_path / name, mask)
    assert not (tmp_path / name).exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot write .*m\.png"):
        write_mask(tmp_path / "file" / "m.png", np.array([[1]]))


@given(mask=masks, height=st.integers(1, 20), width=st.integers(1, 20))
def test_resizing_invents_no_part(mask, height, width):
    resized = resize_mask(mask, height, width)
    assert resized.shape == (height, width)
    assert set(np.unique(resized)) <= set(np.unique(mask))


@given(mask=masks, scale=st.integers(1, 4))
def test_a_whole_scale_repeats_every_pixel(mask, scale):
    height, width = mask.shape
    assert np.array_equal(resize_mask(mask, height * scale, width * scale), mask.repeat(scale, 0).repeat(scale, 1))


@given(height=st.integers(8, 300), width=st.integers(8, 300), scale=st.floats(0.25, 4))
def test_a_mask_of_any_scale_belongs_to_its_image(height, width, scale):
    scaled = np.zeros((max(round(height * scale), 1), max(round(width * scale), 1)), np.uint8)
    check_aspect(scaled, np.zeros((height, width, 3), np.uint8), "m.png")


@pytest.mark.parametrize("shape", [(64, 128), (128, 70), (120, 64), (256, 140)])
def test_a_mask_of_another_shape_does_not(shape):
    with pytest.raises(UserError, match=rf"m\.png is {shape[1]}×{shape[0]} pixels, its image 64×128"):
        check_aspect(np.zeros(shape, np.uint8), np.zeros((128, 64, 3), np.uint8), "m.png")


def test_part_pixels_counts_each_part_and_not_the_background():
    assert part_pixels(np.array([[0, 0, 1], [4, 4, 2]], np.uint8), 4).tolist() == [1, 1, 0, 2]
