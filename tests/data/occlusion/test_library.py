import numpy as np
import pytest
from PIL import Image

from occreid.data.occlusion.library import OccluderLibrary, paste, read_cutout, resize_cutout
from occreid.errors import UserError


def cutout(h=6, w=4, colour=(200, 100, 50), alpha=255):
    return np.dstack([np.full((h, w, 3), colour, np.uint8), np.full((h, w), alpha, np.uint8)])


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_the_drawn_library_is_the_same_for_the_same_seed():
    first, again, longer = (OccluderLibrary.procedural(n, 3) for n in (9, 9, 12))
    assert len(first) == 9 and first.names == again.names == longer.names[:9]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first, list(longer)[:9], strict=True))
    other = OccluderLibrary.procedural(9, 4)
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_drawn_library_holds_vertical_and_horizontal_things():
    aspects = OccluderLibrary.procedural().aspects
    assert len(aspects) == 32 and 4 <= (aspects > 2).sum() <= 28


def test_a_folder_is_read_sorted_with_and_without_transparency(tmp_path):
    save(tmp_path / "b.png", cutout(5, 3))
    save(tmp_path / "sub/a.jpg", np.full((8, 2, 3), 77, np.uint8))
    save(tmp_path / "a.png", np.full((4, 9), 12, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    library = OccluderLibrary.from_folder(tmp_path)
    assert library.names == ("a.png", "b.png", "sub/a.jpg")
    assert [c.shape for c in library] == [(4, 9, 4), (5, 3, 4), (8, 2, 4)]
    assert library[0][0, 0].tolist() == [12, 12, 12, 255]
    assert library.aspects.tolist() == [4 / 9, 5 / 3, 4]
    assert len(OccluderLibrary.open(str(tmp_path))) == 3 and len(OccluderLibrary.open("procedural")) == 32


def test_a_cutout_is_cropped_to_what_is_visible():
    pixels = cutout(10, 8, alpha=0)
    pixels[2:5, 3:7, 3] = 255
    pixels[8, 0, 3] = 90  # a faint trace is not the thing
    assert OccluderLibrary([pixels], ["x"])[0].shape == (3, 4, 4)


def test_bad_folders(tmp_path):
    with pytest.raises(UserError, match=r"no folder of occluders '.*nowhere'"):
        OccluderLibrary.from_folder(tmp_path / "nowhere")
    with pytest.raises(UserError, match=f"'{tmp_path}' holds no picture"):
        OccluderLibrary.from_folder(tmp_path)
    save(tmp_path / "clear.png", cutout(alpha=0))
    with pytest.raises(UserError, match=r"clear.png is fully transparent"):
        OccluderLibrary.from_folder(tmp_path)
    (tmp_path / "broken.png").write_bytes((tmp_path / "clear.png").read_bytes()[:40])
    with pytest.raises(UserError, match=r"broken.png is damaged"):
        OccluderLibrary.from_folder(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"broken.png is empty"):
        OccluderLibrary.from_folder(tmp_path)
    with pytest.raises(UserError, match="library is empty"):
        OccluderLibrary([], [])


def test_sixteen_bits_are_refused(tmp_path):
    save(tmp_path / "deep.png", np.full((4, 4), 40_000, np.uint16))
    with pytest.raises(UserError, match=r"deep.png has more than 8 bits"):
        read_cutout(tmp_path / "deep.png")


def test_an_opaque_paste_replaces_its_rectangle_and_nothing_else():
    image = np.full((20, 10, 3), 9, np.uint8)
    pasted = paste(image, cutout(), 4, 2, 12, 5)
    assert (pasted[4:16, 2:7] == (200, 100, 50)).all()
    pasted[4:16, 2:7] = 9
    assert (pasted == 9).all() and (image == 9).all()


@pytest.mark.parametrize("alpha", [0, 51, 200, 255])
def test_alpha_blends(alpha):
    image = np.full((8, 8, 3), 40, np.uint8)
    pasted = paste(image, cutout(alpha=alpha), 0, 0, 8, 8)
    expected = [alpha / 255 * c + (1 - alpha / 255) * 40 for c in (200, 100, 50)]
    np.testing.assert_allclose(pasted[3, 3], expected, atol=0.51)


@pytest.mark.parametrize(("top", "left"), [(-3, -2), (15, 7), (-30, 0), (0, 40), (2, -20)])
def test_a_paste_may_overhang(top, left):
    image = np.zeros((20, 10, 3), np.uint8)
    big = np.zeros((60, 80, 3), np.uint8)
    big[30 + top : 30 + top + 9, 30 + left : 30 + left + 6] = (200, 100, 50)
    np.testing.assert_array_equal(paste(image, cutout(), top, left, 9, 6), big[30:50, 30:40])


def test_an_rgb_cutout_covers_its_rectangle():
    pasted = paste(np.zeros((6, 6, 3), np.uint8), cutout()[:, :, :3], 0, 0, 6, 3)
    assert (pasted[:, :3] == (200, 100, 50)).all() and not pasted[:, 3:].any()


def test_a_rectangle_without_area():
    with pytest.raises(UserError, match="an occluder of 0×4 pixels"):
        paste(np.zeros((6, 6, 3), np.uint8), cutout(), 0, 0, 0, 4)


@pytest.mark.parametrize("size", [(3, 3), (8, 8), (16, 20), (3, 20)])
def test_transparent_pixels_lend_no_colour(size):
    pixels = cutout(8, 8, colour=(255, 255, 255))  # white and transparent beside black and solid
    pixels[:, 4:, :3] = 0
    pixels[:, :4, 3] = 0
    resized = resize_cutout(pixels, *size)
    assert resized.shape == (*size, 4) and resized.dtype == np.float32
    assert not resized[:, :, :3].any() and resized[:, -1, 3].min() == 1
