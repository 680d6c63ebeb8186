import hashlib
import io

import numpy as np
import pytest
import torch
from PIL import Image

from occreid.errors import UserError
from occreid.serve.describing import Describer
from occreid.serve.settings import Settings


@pytest.fixture
def describer(engine):
    made = Describer(engine, Settings(), lambda size: None)
    yield made
    made.close()


def png(height=64, width=32, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue(), pixels


def test_a_crop_is_the_file_cut_to_the_person(describer):
    data, pixels = png()
    crop = describer.crop(data, "4,8,16,32")
    assert crop.sha256 == hashlib.sha256(data).hexdigest()
    assert np.array_equal(crop.pixels, pixels[8:40, 4:20])
    assert crop.prepared.shape == (3, 64, 32) and crop.prepared.dtype == torch.uint8


def test_the_id_follows_the_pixels_and_what_makes_it_another_entry(describer):
    data, _ = png()
    same, box, camera = (describer.crop(data, *words).id for words in ((None,), ("0,0,16,32",), (None, 3)))
    assert describer.crop(data, None).id == same and len({same, box, camera}) == 3


def test_crops_are_described_in_their_order_alone_or_together(describer):
    crops = [describer.crop(png(seed=seed)[0], None) for seed in range(3)]
    together = describer.describe(*crops)
    for crop, described in zip(crops, together, strict=True):
        torch.testing.assert_close(describer.describe(crop)[0].features, described.features, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0].features, together[1].features)


def test_what_is_no_picture_or_out_of_bounds_is_named(describer):
    with pytest.raises(UserError):
        describer.crop(b"not a picture", None)
    with pytest.raises(UserError, match="box"):
        describer.crop(png()[0], "30,0,16,32")


def test_kept_and_shown_pictures_are_a_jpeg_and_a_png(describer):
    data, _ = png()
    crop = describer.crop(data, None)
    assert describer.jpeg(crop)[:2] == b"\xff\xd8"
    shown = Image.open(io.BytesIO(describer.overlay(crop, np.ones((4, 2), np.float32))))
    assert shown.format == "PNG" and shown.size[1] == 2 * shown.size[0]
    assert describer.plain(describer.jpeg(crop), "a.jpg")[:2] == b"\xff\xd8"
