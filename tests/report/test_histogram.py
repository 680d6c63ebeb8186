import numpy as np
import pytest
import torch

from occreid.distances import euclidean
from occreid.errors import UserError
from occreid.records import Record
from occreid.report.histogram import describe_histogram, stripe_histogram


def noise(seed, shape=(128, 64, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_length_shape_and_norm():
    values = stripe_histogram(noise(0), stripes=5, bins=(4, 3, 2))
    assert values.shape == (5 * 4 * 3 * 2,)
    assert values.dtype == np.float32
    assert np.linalg.norm(values) == pytest.approx(1, abs=1e-6)


def test_every_stripe_weighs_the_same_whatever_the_height():
    for height in (61, 128, 200):  # heights six stripes do not divide
        values = stripe_histogram(noise(1, (height, 40, 3))).reshape(6, -1)
        np.testing.assert_allclose((values**2).sum(1), 1 / 6, rtol=1e-5)


def test_equals_counting_pixels_by_hand():
    """Two flat colours: OpenCV's hue of red is 0, of green 60, of 0…179; full saturation and value."""
    image = np.zeros((128, 64, 3), np.uint8)
    image[:64] = (255, 0, 0)
    image[64:] = (0, 255, 0)
    values = stripe_histogram(image, stripes=2, bins=(8, 4, 4)).reshape(2, 8, 4, 4)
    expected = np.zeros_like(values)
    expected[0, 0, 3, 3] = expected[1, 60 * 8 // 180, 3, 3] = 0.5**0.5
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_pixels_may_move_within_a_stripe_but_not_between_stripes():
    image = noise(2)
    stripes = np.array_split(image, 4)
    mirrored, swapped = image[:, ::-1], np.concatenate([stripes[1], stripes[0], *stripes[2:]])
    np.testing.assert_allclose(stripe_histogram(mirrored, stripes=4), stripe_histogram(image, stripes=4), atol=1e-6)
    assert np.abs(stripe_histogram(swapped, stripes=4) - stripe_histogram(image, stripes=4)).max() > 1e-3


def test_red_and_blue_are_not_taken_for_each_other():
    red, blue = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    assert stripe_histogram(red) @ stripe_histogram(blue) == 0
    assert stripe_histogram(red).argmax() < 16  # red's hue is OpenCV's 0: the first of eight hue bins of 4 × 4


def test_describe_keeps_order_and_labels_and_ranks_the_same_clothes_first(split):
    query, gallery = describe_histogram(split.query), describe_histogram(split.gallery)
    assert query.features.shape == (6, 1, 6 * 128)
    assert query.pids.tolist() == [r.pid for r in split.query]
    assert gallery.camids.tolist() == [r.camid for r in split.gallery]
    assert query.paths == [str(r.path) for r in split.query]
    distance = euclidean(query.features.flatten(1), gallery.features.flatten(1))
    assert torch.equal(gallery.pids[distance.argmin(1)], query.pids)


def test_no_records_give_no_rows():
    assert describe_histogram([]).features.shape == (0, 1, 768)


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.jpg"):
        describe_histogram([Record(tmp_path / "gone.jpg", 1, 0)])
