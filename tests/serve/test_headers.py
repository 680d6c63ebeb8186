import io
import time

import numpy as np
import pytest
from PIL import Image

from occreid.serve.headers import TooLarge, check_header


def file_of(kind, **options):
    out = io.BytesIO()
    Image.fromarray(np.zeros((40, 20, 3), np.uint8)).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_honest_pictures_pass(kind):
    exif = Image.Exif()
    exif[0x010F] = "camera" * 100
    check_header(file_of(kind, **({} if kind == "BMP" else {"exif": exif, "icc_profile": bytes(200_000)})))
    check_header(file_of("JPEG", progressive=True))
    check_header(b"no picture")


@pytest.mark.parametrize(
    "fill", [b"\xff\xfe\x00\x02", b"\xff\xfe\x00\x00", b"\xff", b"\xff\xe1\xff\xff" + bytes(65533)]
)
def test_millions_of_segments_are_refused_at_once(fill):
    data = file_of("JPEG")
    start = time.perf_counter()
    with pytest.raises(TooLarge, match="segments"):
        check_header(data[:2] + fill * (10 * 2**20 // len(fill)) + data[2:])
    assert time.perf_counter() - start < 1


def test_chunks_of_a_png_are_counted_but_not_its_data():
    data = file_of("PNG")
    chunk = (0).to_bytes(4, "big") + b"tEXt" + bytes(4)
    with pytest.raises(TooLarge, match="segments"):
        check_header(data[:33] + chunk * 100_000 + data[33:])
    check_header(data[:33] + ((0).to_bytes(4, "big") + b"IDAT" + bytes(4)) * 5000 + data[33:])


def test_scans_are_counted():
    data = file_of("JPEG", progressive=True)
    with pytest.raises(TooLarge, match="scans"):
        check_header(data[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 5000 + data[-2:])
