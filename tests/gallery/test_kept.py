import io

import cv2
import numpy as np
import pytest
from PIL import Image

from occreid.errors import UserError
from occreid.gallery.kept import encode, kept_picture, plain_jpeg

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(20, 30, 3)


def file_of(kind, **options):
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


def test_a_kept_picture_is_a_small_jpeg():
    assert Image.open(io.BytesIO(kept_picture(np.repeat(np.repeat(PIXELS, 10, 0), 10, 1), height=50))).size == (75, 50)
    image = Image.open(io.BytesIO(kept_picture(PIXELS, height=50)))
    assert image.size == (30, 20) and image.format == "JPEG"


def test_an_encoded_png_is_the_picture():
    np.testing.assert_array_equal(cv2.imdecode(np.frombuffer(encode(PIXELS, ".png"), np.uint8), 1)[:, :, ::-1], PIXELS)


def test_what_is_plain_stays_as_it_is():
    kept = kept_picture(PIXELS)
    assert plain_jpeg(kept, "a") is kept and plain_jpeg(file_of("JPEG"), "a") == file_of("JPEG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_whatever_a_file_carried_is_gone(kind):
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    data = file_of(kind, exif=exif, **({"comment": b"SECRET-PLACE"} if kind == "JPEG" else {}))
    assert b"SECRET" in data
    plain = plain_jpeg(data, "a")
    image = Image.open(io.BytesIO(plain))
    assert b"SECRET" not in plain and not image.getexif() and image.format == "JPEG" and image.size == (30, 20)


def test_bytes_after_the_picture_are_no_part_of_it():
    assert b"SECRET" not in plain_jpeg(kept_picture(PIXELS) + b"SECRET", "a")


def test_what_is_no_picture_is_named():
    with pytest.raises(UserError, match="entry e1"):
        plain_jpeg(b"abc", "the picture of the entry e1")


def test_a_wide_picture_is_not_blown_up():
    wide = np.zeros((50, 20_000, 3), np.uint8)
    assert Image.open(io.BytesIO(kept_picture(wide))).size == (1024, 3)


def test_a_large_plain_jpeg_of_an_earlier_version_is_scaled_down():
    noise = np.random.default_rng(0).integers(0, 256, (1000, 900, 3)).astype(np.uint8)
    large = encode(noise, ".jpg")
    assert len(large) > 2**19 and Image.open(io.BytesIO(plain_jpeg(large, "a"))).size == (230, 256)
