import io
import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from occreid.data.images import MEAN_PIXEL, decode_image, image_size, read_bytes, read_image
from occreid.errors import UserError


def smooth_picture(height=48, width=24):
    """A smooth picture whose channels differ, so that JPEG keeps it and a swap of channels or sides shows."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([40 + 4 * y, 250 - 8 * x, 60 + y + 3 * x], axis=2).clip(0, 255).astype(np.uint8)


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


RGB = smooth_picture()
PICTURE = Image.fromarray(RGB)
JPEG = encoded(PICTURE, format="JPEG", quality=95)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("images")  # one folder for hypothesis tests, which may not take tmp_path


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.jpg", {"quality": 95, "subsampling": 0}, 4),
        ("a.jpg", {"quality": 95, "progressive": True, "subsampling": 0}, 4),
        ("a.png", {}, 0),
        ("a.tif", {}, 0),
        ("a.tif", {"compression": "tiff_lzw"}, 0),
        ("a.bmp", {}, 0),
        ("a.webp", {"lossless": True}, 0),
    ],
)
def test_rgb_of_every_format_is_read_as_rgb(tmp_path, name, options, tolerance):
    PICTURE.save(tmp_path / name, **options)
    read = read_image(tmp_path / name)
    assert read.dtype == np.uint8 and read.shape == RGB.shape
    assert np.abs(read.astype(int) - RGB).max() <= tolerance


@pytest.mark.parametrize(
    ("mode", "name"), [("L", "a.png"), ("L", "a.jpg"), ("L", "a.tif"), ("1", "a.png"), ("1", "a.tif")]
)
def test_grey_and_one_bit_pictures_become_three_equal_channels(tmp_path, mode, name):
    PICTURE.convert(mode).save(tmp_path / name)
    with Image.open(tmp_path / name) as stored:
        expected = np.array(stored.convert("RGB"))
    read = read_image(tmp_path / name)
    assert np.array_equal(read, expected)
    assert (read[..., 0] == read[..., 2]).all()


def test_cmyk_jpeg_has_the_colours_of_its_rgb_original(tmp_path):
    PICTURE.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as stored:
        expected = np.array(stored.convert("RGB"))
    read = read_image(tmp_path / "a.jpg")
    assert np.array_equal(read, expected) and np.abs(read.astype(int) - RGB).mean() < 5


def test_palette_picture_gives_its_colours_not_its_indices(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), mode=None).convert("P")
    picture.putpalette([200, 10, 30, 5, 60, 250])
    picture.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[200, 10, 30], [5, 60, 250]], [[5, 60, 250], [200, 10, 30]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("alpha", [0, 128, 255])
def test_transparency_is_laid_over_the_mean_pixel(tmp_path, mode, alpha):
    bands = 3 if mode == "RGBA" else 1
    pixels = np.full((4, 4, bands + 1), 250, np.uint8)
    pixels[..., -1] = alpha
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as stored:
        assert stored.mode == mode
    share = alpha / 255
    expected = np.array([250 * share + mean * (1 - share) for mean in MEAN_PIXEL])
    assert np.abs(read_image(tmp_path / "a.png") - expected).max() <= 1


def test_transparent_palette_entry_and_colour_key_become_the_mean_pixel(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 10, 30, 5, 60, 250])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "palette.png", transparency=1)
    assert read_image(tmp_path / "palette.png").tolist() == [[[200, 10, 30], list(MEAN_PIXEL)]]
    keyed = Image.new("RGB", (2, 1), (9, 9, 9))
    keyed.putpixel((1, 0), (1, 2, 3))
    keyed.save(tmp_path / "keyed.png", transparency=(1, 2, 3))
    assert read_image(tmp_path / "keyed.png").tolist() == [[[9, 9, 9], list(MEAN_PIXEL)]]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, name):
    Image.fromarray(np.array([[0, 128, 257, 32768, 65535]], np.uint16)).save(tmp_path / name)
    assert read_image(tmp_path / name)[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_16_bit_rgb_png_is_scaled(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), RGB[..., ::-1].astype(np.uint16) * 257)
    assert np.array_equal(read_image(tmp_path / "a.png"), RGB)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_defined_range_are_refused(tmp_path, dtype):
    Image.fromarray(np.array([[0, 70000]], dtype)).save(tmp_path / "deep.tif")
    with pytest.raises(UserError, match=r"deep\.tif holds (floating-point|32-bit)"):
        read_image(tmp_path / "deep.tif")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(RGB)
    stored.save(tmp_path / name, exif=exif)
    turned = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.transpose(1, 0, 2),
        6: np.rot90(RGB, -1),
        7: RGB[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(RGB),
    }[orientation]
    read = read_image(tmp_path / name)
    assert read.shape == turned.shape
    assert np.abs(read.astype(int) - turned).mean() < 6  # JPEG's loss; a wrong turn is off by 30 and more


def test_the_content_counts_not_the_name(tmp_path):
    PICTURE.save(tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(read_image(tmp_path / "a.jpg"), RGB)


def test_of_several_frames_the_first_is_read(tmp_path):
    other = Image.fromarray(255 - RGB)
    PICTURE.save(tmp_path / "a.tif", save_all=True, append_images=[other])
    assert np.array_equal(read_image(tmp_path / "a.tif"), RGB)
    PICTURE.save(tmp_path / "phone.jpg", format="MPO", save_all=True, append_images=[other], quality=95)
    assert np.abs(read_image(tmp_path / "phone.jpg").astype(int) - RGB).mean() < 6


def test_bytes_after_the_end_of_a_jpeg_do_not_matter(tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "b.jpg").write_bytes(JPEG + b"a camera's own notes" * 9)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - read_image(tmp_path / "b.jpg")).max() <= 2


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        encoded(PICTURE, format="JPEG", progressive=True),
        encoded(PICTURE.convert("CMYK"), format="JPEG"),
        encoded(PICTURE, format="PNG"),
        encoded(PICTURE.convert("P"), format="PNG"),
        encoded(PICTURE, format="WEBP"),
        encoded(PICTURE, format="BMP"),
        encoded(PICTURE, format="TIFF", compression="tiff_lzw"),
        encoded(PICTURE, format="TIFF"),
    ],
    ids=["jpeg", "progressive", "cmyk", "png", "palette", "webp", "bmp", "lzw", "tiff"],
)
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_every_beginning_of_a_file_is_refused_with_its_name(folder, data, share):
    (folder / "cut.jpg").write_bytes(data[: int(len(data) * share)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow may warn before it refuses
        with pytest.raises(UserError, match=r"cut\.jpg (is|holds)"):
            read_image(folder / "cut.jpg")


def turned(image, **options):
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image, exif=exif, **options)


@pytest.mark.parametrize(
    "data",
    [
        JPEG + b"more",
        encoded(PICTURE.convert("CMYK"), format="JPEG"),
        encoded(PICTURE.convert("P"), format="PNG"),
        encoded(PICTURE.convert("RGBA"), format="PNG"),
        encoded(PICTURE, format="PNG", transparency=(1, 2, 3)),
        turned(PICTURE, format="PNG"),
        encoded(PICTURE, format="TIFF"),
    ],
    ids=["bytes after the end", "cmyk", "palette", "rgba", "colour key", "turned png", "tiff"],
)
def test_what_builds_of_opencv_decode_differently_never_reaches_it(tmp_path, monkeypatch, data):
    def refuse(data, flag):
        raise AssertionError("decoded with OpenCV")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    (tmp_path / "a").write_bytes(data)
    assert read_image(tmp_path / "a").size == RGB.size
    (tmp_path / "a").write_bytes(JPEG)
    with pytest.raises(AssertionError, match="decoded with OpenCV"):
        read_image(tmp_path / "a")


def test_a_cut_jpeg_is_refused_even_where_opencv_fills_in_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda data, flag: np.zeros((48, 24, 3), np.uint8))  # as some builds do
    (tmp_path / "cut.jpg").write_bytes(JPEG[: len(JPEG) * 2 // 3])
    with pytest.raises(UserError, match=r"cut\.jpg is damaged"):
        read_image(tmp_path / "cut.jpg")


def test_a_cut_jpeg_whose_thumbnail_is_whole_is_still_refused(tmp_path):
    exif = Image.Exif()
    exif[0x9286] = JPEG  # any field that holds an end-of-image marker
    whole = encoded(PICTURE, format="JPEG", exif=exif)
    (tmp_path / "cut.jpg").write_bytes(whole[: whole.index(b"\xff\xd9") + 2])
    with pytest.raises(UserError, match=r"cut\.jpg is damaged"):
        read_image(tmp_path / "cut.jpg")


def test_a_png_with_flipped_bits_is_refused(tmp_path):
    data = bytearray(encoded(PICTURE, format="PNG"))
    data[data.index(b"IDAT") + 30] ^= 0xFF
    (tmp_path / "bits.png").write_bytes(data)
    with pytest.raises(UserError, match=r"bits\.png is damaged"):
        read_image(tmp_path / "bits.png")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", r"bad\.jpg is empty \(0 bytes\)"),
        (b"no picture at all", r"bad\.jpg is not a JPEG.*no pictu"),
        (encoded(PICTURE, format="GIF"), r"bad\.jpg is not a JPEG.*GIF89a|GIF87a"),
        (b"\xff\xd8\xff\xd9", r"bad\.jpg is"),
    ],
    ids=["empty", "text", "gif", "markers"],
)
def test_what_is_no_picture_is_named(tmp_path, data, problem):
    (tmp_path / "bad.jpg").write_bytes(data)
    with pytest.raises(UserError, match=problem):
        read_image(tmp_path / "bad.jpg")


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(UserError, match=r"no image .*none\.jpg"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(UserError, match="is a folder"):
        read_bytes(tmp_path)


class TestAtLeast:
    @pytest.fixture
    def large(self, tmp_path):
        y, x = np.mgrid[0:1024, 0:512]
        picture = np.stack([y // 5, x // 3, (x + y) // 7], axis=2).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "a.jpg", quality=95)
        return tmp_path / "a.jpg"

    @pytest.mark.parametrize(
        ("wish", "size"),
        [
            ((1024, 512), (1024, 512)),
            ((513, 256), (1024, 512)),
            ((512, 256), (512, 256)),
            ((256, 128), (256, 128)),
            ((10, 10), (128, 64)),
        ],
    )
    def test_decodes_at_the_largest_reduction_that_is_not_too_small(self, large, wish, size):
        assert read_image(large, at_least=wish).shape[:2] == size

    def test_reduced_pixels_are_the_means_of_the_full_ones(self, large):
        full = read_image(large).astype(float)
        means = full.reshape(256, 4, 128, 4, 3).mean((1, 3))
        assert np.abs(read_image(large, at_least=(256, 128)) - means).mean() < 1

    def test_a_turned_picture_is_not_reduced_below_the_wish(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(smooth_picture(512, 256)).save(tmp_path / "a.jpg", exif=exif)  # seen 256 high, 512 wide
        assert read_image(tmp_path / "a.jpg", at_least=(256, 128)).shape == (256, 512, 3)
        assert read_image(tmp_path / "a.jpg", at_least=(128, 100)).shape == (128, 256, 3)

    def test_other_formats_are_read_in_full(self, tmp_path):
        PICTURE.save(tmp_path / "a.png")
        assert np.array_equal(read_image(tmp_path / "a.png", at_least=(2, 2)), RGB)


def chunk(kind, data):
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def png(bits, colour, row, *extra):
    """A PNG of 8 × 8 equal rows of raw samples."""
    head = chunk(b"IHDR", struct.pack(">LLBBBBB", 8, 8, bits, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress((b"\0" + row) * 8)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + body


@pytest.mark.parametrize(
    ("bits", "row", "key", "other"),
    [
        (1, b"\xf0", 1, 0),
        (2, b"\xff\0", 3, 0),
        (4, b"\x77\x77\0\0", 7, 0),
        (8, b"\xc8" * 4 + b"\0" * 4, 0xC8, 0),
        (16, b"\xc8\x07" * 4 + b"\0\0" * 4, 0xC807, 0),
    ],
)
def test_the_colour_key_of_grey_pngs_of_every_depth_is_transparent(bits, row, key, other):
    read = decode_image(png(bits, 0, row, chunk(b"tRNS", struct.pack(">H", key))), "x")
    assert (read[:, :4] == MEAN_PIXEL).all() and (read[:, 4:] == other).all()
    assert not (decode_image(png(bits, 0, row), "x")[:, :4] == MEAN_PIXEL).all()


def test_the_colour_key_of_an_rgb_png_is_found_behind_any_text():
    row = b"\xc8\x10\x20" * 4 + b"\0" * 12
    key, text = chunk(b"tRNS", b"\0\xc8\0\x10\0\x20"), chunk(b"tEXt", b"c\0IDAT")
    for extra in ((key,), (text, key), (text, text, key)):
        read = decode_image(png(8, 2, row, *extra), "x")
        assert (read[:, :4] == MEAN_PIXEL).all() and (read[:, 4:] == 0).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG", "TIFF"])
@pytest.mark.parametrize(
    "exif", [b"garbagegarbage", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_garbage_for_metadata_spoils_no_sound_picture(kind, exif):
    buffer = io.BytesIO()
    PICTURE.save(buffer, kind, **({} if kind == "TIFF" else {"exif": exif}))
    assert decode_image(buffer.getvalue(), "x").shape == RGB.shape
    if kind == "JPEG":
        assert decode_image(buffer.getvalue() + b"SEFT", "x").shape == RGB.shape


def exif_block(orientation):
    """Orientation and a resolution of −1/0."""
    entries = struct.pack("<HHLHH", 0x112, 3, 1, orientation, 0) + struct.pack("<HHLL", 0x11A, 10, 1, 38)
    block = b"II*\0" + struct.pack("<LH", 8, 2) + entries + struct.pack("<L", 0) + struct.pack("<ll", -1, 0)
    return b"Exif\0\0" + block


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_valid_orientation_turns_the_picture_whatever_else_the_metadata_says(orientation):
    expected = np.asarray(
        ImageOps.exif_transpose(Image.open(io.BytesIO(encoded(PICTURE, format="PNG", exif=turn(orientation)))))
    )
    jpeg = encoded(PICTURE, format="JPEG", quality=95, subsampling=0, exif=exif_block(orientation))
    for data, far in (
        (encoded(PICTURE, format="PNG", exif=exif_block(orientation)), 0),
        (encoded(PICTURE, format="WEBP", lossless=True, exif=exif_block(orientation)), 0),
        (jpeg, 4),
        (jpeg + b"SEFT", 4),
    ):
        read = decode_image(data, "x")
        assert read.shape == expected.shape and np.abs(read.astype(int) - expected).max() <= far


def turn(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


def test_whatever_a_decoder_raises_is_a_sentence(monkeypatch):
    def strange(self):
        raise ZeroDivisionError("of all things")

    data = encoded(PICTURE, format="TIFF")
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.load", strange)
    with pytest.raises(UserError, match=r"a\.tif is damaged or cut short \(of all things\)\. Copy"):
        decode_image(data, "a.tif")


def test_the_size_is_told_from_the_header(tmp_path):
    PICTURE.save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(data[: len(data) - 30])
    assert image_size(tmp_path / "a.jpg") == image_size(tmp_path / "half.jpg") == (24, 48)
    (tmp_path / "bad.jpg").write_bytes(b"x")
    for name, said in (("bad.jpg", "is not a JPEG"), ("gone.jpg", "no image"), ("", "is a folder")):
        with pytest.raises(UserError, match=said):
            image_size(tmp_path / name)
