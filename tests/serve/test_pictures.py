import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from occreid.errors import UserError
from occreid.serve.pictures import (
    Box,
    TooLarge,
    content_id,
    cut,
    data_address,
    decode,
    parse_box,
)

PIXELS = np.arange(20 * 30 * 3, dtype=np.uint32).astype(np.uint8).reshape(20, 30, 3)


def file_of(pixels=PIXELS, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def claiming(width, height):
    """A small PNG whose header claims another size: what a decompression bomb looks like."""
    data = file_of()
    head = struct.pack(">II", width, height) + data[24:29]
    return data[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + data[33:]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_pixels_come_back(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(decode(file_of(kind=kind, **options), max_pixels=600), PIXELS)


@pytest.mark.parametrize("size", [(40_000, 40_000), (10_000, 9_000), (2**31 - 1, 2**31 - 1), (30, 21)])
def test_a_bomb_is_refused_by_what_it_claims(size):
    with pytest.raises(TooLarge, match="pixels"):
        decode(claiming(*size), max_pixels=600)


def test_as_many_pixels_as_allowed_are_decoded():
    assert decode(file_of(), max_pixels=600).shape == (20, 30, 3)
    with pytest.raises(TooLarge):
        decode(file_of(), max_pixels=599)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"GIF89a" + bytes(40),
        b"\xff\xd8\xff",
        b"%PDF-1.4",
        file_of()[:-20],
        file_of(kind="TIFF"),
        file_of(kind="JPEG")[:300],
    ],
)
def test_what_is_no_whole_picture_is_refused_in_words(data):
    with pytest.raises(UserError) as caught:
        decode(data, max_pixels=10_000)
    assert "Traceback" not in str(caught.value) and len(str(caught.value)) < 300


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 10_000),
    value=st.integers(0, 255),
    kind=st.sampled_from(["PNG", "JPEG", "BMP", "WEBP", "TIFF"]),
)
def test_a_damaged_file_is_decoded_or_refused_but_never_crashes(place, value, kind):
    data = bytearray(file_of(kind=kind))
    data[place % len(data)] = value
    with contextlib.suppress(UserError):
        assert decode(bytes(data), max_pixels=10_000).ndim == 3


@settings(max_examples=40, deadline=None)
@given(
    data=st.binary(max_size=200),
    head=st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF", b"BM", b"II*\0", b"MM\0*"]),
)
def test_noise_behind_a_known_beginning_is_refused(head, data):
    with pytest.raises(UserError):
        decode(head + data, max_pixels=10_000)


def test_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(file_of(kind="JPEG", exif=exif), max_pixels=10_000)
    assert turned.shape == (30, 20, 3)


@pytest.mark.parametrize(
    ("text", "box"),
    [(None, None), ("", None), ("  ", None), ("1,2,30,40", Box(1, 2, 30, 40)), (" 0 ,0, 8,8 ", Box(0, 0, 8, 8))],
)
def test_boxes_are_read(text, box):
    assert parse_box(text) == box


@pytest.mark.parametrize(
    "text", ["1,2,3", "1,2,3,4,5", "-1,0,8,8", "1.5,0,8,8", "a,b,c,d", "1,2,3,9999999", "١,٢,٣,٤,"]
)
def test_other_texts_are_no_boxes(text):
    with pytest.raises(UserError, match="is not a box"):
        parse_box(text)


def test_a_box_cuts():
    np.testing.assert_array_equal(cut(PIXELS, Box(3, 2, 10, 9)), PIXELS[2:11, 3:13])
    np.testing.assert_array_equal(decode(file_of(), max_pixels=600, box=Box(20, 10, 10, 10)), PIXELS[10:, 20:])


@pytest.mark.parametrize("box", [Box(0, 0, 31, 20), Box(23, 0, 8, 8), Box(0, 13, 8, 8), Box(30, 20, 8, 8)])
def test_a_box_outside_is_refused(box):
    with pytest.raises(UserError, match="not inside"):
        cut(PIXELS, box)


def test_a_box_too_small_for_a_person_is_refused():
    with pytest.raises(UserError, match="at least 8"):
        cut(PIXELS, Box(0, 0, 7, 20))


def test_the_same_crop_has_the_same_id_whatever_file_it_came_in():
    png, bmp = (decode(file_of(kind=kind), max_pixels=600) for kind in ("PNG", "BMP"))
    assert content_id(png, 1, 2.0) == content_id(bmp, 1, 2.0)
    others = [
        content_id(png, 2, 2.0),
        content_id(png, 1, None),
        content_id(png[:, ::-1], 1, 2.0),
        content_id(png.reshape(30, 20, 3), 1, 2.0),
    ]
    assert len({content_id(png, 1, 2.0), *others}) == 5


def test_a_data_address_holds_the_bytes():
    assert data_address(b"\0\1", "png") == "data:image/png;base64,AAE="


@pytest.mark.parametrize(("width", "height"), [(20_000, 50), (8, 200), (300, 20)])
def test_extreme_proportions_are_refused_before_decoding(width, height):
    with pytest.raises(UserError, match=r"times as long|a side has at most"):
        decode(claiming(width, height), max_pixels=10**9)


def test_a_long_side_is_refused_before_decoding():
    with pytest.raises(TooLarge, match="at most 10,000"):
        decode(claiming(10_001, 2_000), max_pixels=10**9)


def test_a_box_of_extreme_proportions_is_refused():
    wide = file_of(np.zeros((60, 500, 3), np.uint8))
    with pytest.raises(UserError, match=r"the box of 500 × 8 pixels is more than 10 times"):
        decode(wide, max_pixels=10**6, box=Box(0, 0, 500, 8))
