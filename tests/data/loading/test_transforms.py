import pickle

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.data.images import MEAN_PIXEL
from occreid.data.loading.transforms import EvalTransform, TrainTransform, resize
from occreid.errors import UserError

OFF = {"flip": 0.0, "pad": 0, "erase": 0.0}


def coordinates(height, width):
    """Each pixel says where it is: red its row, green its column, both from 1 so that padding (0) shows."""
    y, x = np.mgrid[1 : height + 1, 1 : width + 1]
    return np.stack([y, x, np.full_like(y, 255)], axis=2).astype(np.uint8)


def quarters(image):
    """A mask that can be told from the coordinates: 1…4 by upper/lower and left/right half, 0 where padded."""
    rows, columns = image[..., 0].astype(int), image[..., 1].astype(int)
    height, width = 40, 20
    part = 1 + 2 * (rows > height // 2) + (columns > width // 2)
    return np.where(rows == 0, 0, part).astype(np.uint8)


def generator(seed=0):
    return np.random.default_rng(seed)


class TestResize:
    def test_the_same_size_is_the_same_picture(self):
        picture = coordinates(7, 5)
        assert np.array_equal(resize(picture, 7, 5), picture)

    @pytest.mark.parametrize("factor", [2, 3, 4, 6, 8])
    def test_shrinking_by_a_whole_factor_takes_means(self, factor):
        picture = generator().integers(0, 256, (3 * factor, 5 * factor, 3), dtype=np.uint8)
        means = picture.reshape(3, factor, 5, factor, 3).mean((1, 3))
        assert np.abs(resize(picture, 3, 5) - means).max() <= 0.5 * (1 + factor // 2)  # rounded at each halving

    def test_shrinking_far_by_an_odd_factor_moves_nothing(self):
        y, x = np.mgrid[0:1001, 0:503]
        ramp = np.stack([y / 1001, x / 503, 0 * y], axis=2) * 250
        rows, columns = np.mgrid[0:50, 0:25]
        expected = np.stack([(rows + 0.5) / 50, (columns + 0.5) / 25], axis=2) * 250
        assert np.abs(resize(ramp.astype(np.uint8), 50, 25)[..., :2] - expected).max() < 2.5  # 5 and 10 levels a pixel

    def test_growing_is_bilinear_between_pixel_centres(self):
        row = np.array([[[0] * 3, [100] * 3]], np.uint8)
        assert resize(row, 1, 4)[0, :, 0].tolist() == [0, 25, 75, 100]

    def test_a_side_that_shrinks_is_averaged_while_the_other_grows(self):
        stripes = np.zeros((2, 64, 3), np.uint8)
        stripes[:, ::2] = 200  # sampled bilinearly every eighth pixel, these stripes would alias
        assert (resize(stripes, 8, 8) == 100).all()

    @given(h=st.integers(1, 40), w=st.integers(1, 40), height=st.integers(1, 40), width=st.integers(1, 40))
    def test_any_size_to_any_size_keeps_a_plain_colour(self, h, w, height, width):
        resized = resize(np.full((h, w, 3), 77, np.uint8), height, width)
        assert resized.shape == (height, width, 3) and (resized == 77).all()


class TestEvalTransform:
    def test_gives_channels_first_and_the_nearest_mask(self):
        image = coordinates(40, 20)
        pixels, mask = EvalTransform(40, 20)(image, quarters(image))
        assert pixels.dtype == mask.dtype == torch.uint8
        assert np.array_equal(pixels.numpy(), image.transpose(2, 0, 1))
        assert np.array_equal(mask.numpy(), quarters(image))
        pixels, mask = EvalTransform(80, 10)(image, quarters(image))
        assert pixels.shape == (3, 80, 10) and mask.shape == (80, 10)

    def test_keeps_colours_innermost_as_they_were_decoded(self):
        image = coordinates(40, 20)
        pixels = EvalTransform(40, 20)(image)[0]
        assert pixels.permute(1, 2, 0).is_contiguous()
        mirrored = EvalTransform(40, 20)(image[:, ::-1])[0]  # strides torch cannot take
        assert torch.equal(mirrored, pixels.flip(2))
        image.flags.writeable = False
        assert torch.equal(EvalTransform(40, 20)(image)[0], pixels)

    def test_works_without_a_mask(self):
        assert EvalTransform(4, 2)(coordinates(8, 4))[1] is None

    def test_the_result_is_not_the_caller_s_memory(self):
        image = coordinates(4, 2)
        mask = np.ones((4, 2), np.uint8)
        pixels, labels = EvalTransform(4, 2)(image, mask)
        pixels.zero_()
        labels.zero_()
        assert image.any() and mask.all()

    @pytest.mark.parametrize("size", [(0, 4), (4, -1)])
    def test_impossible_sizes_are_refused(self, size):
        for transform in (EvalTransform, TrainTransform):
            with pytest.raises(UserError, match=f"{size[0]}×{size[1]} is impossible"):
                transform(*size)


class TestTrainTransform:
    def test_leaves_the_caller_s_picture_as_it_was(self):
        image = coordinates(40, 20)
        for seed in range(5):
            TrainTransform(40, 20, flip=0, pad=0, erase=1)(image, None, generator(seed))
        assert np.array_equal(image, coordinates(40, 20))

    def test_with_everything_off_it_is_the_evaluation_s(self):
        image = generator().integers(0, 256, (33, 21, 3), dtype=np.uint8)
        mask = generator().integers(0, 5, (33, 21), dtype=np.uint8)
        trained = TrainTransform(40, 20, **OFF)(image, mask, generator())
        evaluated = EvalTransform(40, 20)(image, mask)
        assert all(torch.equal(a, b) for a, b in zip(trained, evaluated, strict=True))

    @settings(max_examples=80)
    @given(seed=st.integers(0, 10_000))
    def test_the_mask_moves_with_the_picture(self, seed):
        image = coordinates(40, 20)
        pixels, mask = TrainTransform(40, 20, erase=0)(image, quarters(image), generator(seed))
        assert np.array_equal(mask.numpy(), quarters(pixels.numpy().transpose(1, 2, 0)))

    @settings(max_examples=80)
    @given(seed=st.integers(0, 10_000), pad=st.integers(0, 50))
    def test_crops_are_shifts_by_at_most_the_padding(self, seed, pad):
        image = coordinates(40, 20)
        pixels, _ = TrainTransform(40, 20, flip=0, pad=pad, erase=0)(image, None, generator(seed))
        rows, columns = pixels[0].long(), pixels[1].long()
        seen = pixels[2] == 255
        down, right = (torch.arange(1, 41)[:, None] - rows)[seen], (torch.arange(1, 21) - columns)[seen]
        assert (pixels[:, ~seen] == 0).all()
        if seen.any():
            assert down.unique().numel() == right.unique().numel() == 1
            assert abs(int(down[0])) <= pad and abs(int(right[0])) <= pad
            assert int(seen.sum()) == (40 - abs(int(down[0]))) * (20 - abs(int(right[0])))
        else:
            assert pad >= 20

    def test_all_shifts_come_about_equally_often(self):
        transform = TrainTransform(9, 9, flip=0, pad=2, erase=0)
        image = coordinates(9, 9)
        centres = [transform(image, None, generator(seed))[0][:2, 4, 4].tolist() for seed in range(1500)]
        counts = np.unique(centres, axis=0, return_counts=True)[1]
        assert len(counts) == 25 and counts.min() > 30 and counts.max() < 100

    @pytest.mark.parametrize("flip", [0, 0.25, 1])
    def test_flips_mirror_left_and_right_as_often_as_asked(self, flip):
        image = coordinates(4, 6)
        transform = TrainTransform(4, 6, flip=flip, pad=0, erase=0)
        results = [transform(image, None, generator(seed))[0] for seed in range(400)]
        straight = torch.from_numpy(image.transpose(2, 0, 1).copy())
        flipped = [torch.equal(result, straight.flip(2)) for result in results]
        assert all(f or torch.equal(result, straight) for f, result in zip(flipped, results, strict=True))
        assert np.mean(flipped) == pytest.approx(flip, abs=0.08)

    def test_what_is_erased_has_the_mean_colour_and_no_part(self):
        image = coordinates(40, 20)
        transform = TrainTransform(40, 20, flip=0, pad=0, erase=1)
        mean = torch.tensor(MEAN_PIXEL, dtype=torch.uint8).view(3, 1, 1)
        for seed in range(20):
            pixels, mask = transform(image, quarters(image), generator(seed))
            erased = mask == 0
            assert torch.equal((pixels == mean).all(0), erased)
            rows, columns = erased.any(1).sum(), erased.any(0).sum()
            assert erased.sum() == rows * columns > 0  # a full rectangle
            assert 0.015 < erased.float().mean() < 0.42

    def test_erasing_happens_as_often_as_asked(self):
        image = coordinates(40, 20)
        transform = TrainTransform(40, 20, flip=0, pad=0, erase=0.5)
        erased = [bool((transform(image, None, generator(s))[0][2] != 255).any()) for s in range(400)]
        assert np.mean(erased) == pytest.approx(0.5, abs=0.08)

    def test_switching_one_augmentation_off_leaves_the_others(self):
        image = coordinates(40, 20)
        both, _ = TrainTransform(40, 20, flip=0.5, pad=5, erase=0)(image, None, generator(4))
        with_erasing, mask = TrainTransform(40, 20, pad=5, erase=1)(image, np.ones((40, 20), np.uint8), generator(4))
        kept = mask != 0
        assert kept.any() and torch.equal(both[:, kept], with_erasing[:, kept])

    def test_the_generator_alone_decides(self):
        image = generator(9).integers(0, 256, (40, 20, 3), dtype=np.uint8)
        transform = TrainTransform(40, 20, color_jitter=0.3)
        first, again, other = (transform(image, None, generator(seed))[0] for seed in (1, 1, 2))
        assert torch.equal(first, again) and not torch.equal(first, other)

    @pytest.mark.parametrize("options", [{}, OFF], ids=["moved", "in place"])
    def test_the_caller_s_picture_and_mask_stay(self, options):
        image, mask = coordinates(40, 20), np.full((40, 20), 3, np.uint8)
        transform = TrainTransform(40, 20, **(options | {"erase": 1.0, "color_jitter": 0.5}))
        _, labels = transform(image, mask, generator())
        assert (labels == 0).any()
        assert np.array_equal(image, coordinates(40, 20)) and (mask == 3).all()

    def test_it_pickles(self):
        transform = TrainTransform(40, 20, erase_area=(0.1, 0.2))
        assert pickle.loads(pickle.dumps(transform)) == transform

    @pytest.mark.parametrize(
        "option",
        [
            {"flip": 1.5},
            {"erase": -0.1},
            {"color_jitter": 2.0},
            {"pad": -1},
            {"erase_area": (0.0, 0.4)},
            {"erase_area": (0.5, 0.4)},
            {"erase_ratio": (3.0, 0.3)},
        ],
    )
    def test_options_out_of_range_are_named(self, option):
        with pytest.raises(UserError, match=f"the transform's {next(iter(option))} is"):
            TrainTransform(40, 20, **option)


class TestColorJitter:
    @staticmethod
    def reference(image, brightness, contrast, saturation):
        """Three blends one after the other, in float64."""
        grey = np.array([0.299, 0.587, 0.114])
        pixels = image.astype(np.float64) * brightness
        pixels = contrast * pixels + (1 - contrast) * (pixels @ grey).mean()
        return saturation * pixels + (1 - saturation) * (pixels @ grey)[..., None]

    @pytest.mark.parametrize("seed", range(5))
    def test_is_brightness_then_contrast_then_saturation(self, seed):
        image = generator(seed).integers(60, 150, (16, 8, 3), dtype=np.uint8)  # nothing clips
        pixels, _ = TrainTransform(16, 8, **OFF, color_jitter=0.3)(image, None, generator(seed))
        factors = 0.7 + 0.6 * generator(seed).random(6)[3:]
        assert (
            np.abs(pixels.numpy().transpose(1, 2, 0) - self.reference(image, *factors)).max() <= 0.65
        )  # OpenCV's fixed point

    def test_clips_instead_of_wrapping(self):
        image = np.zeros((8, 8, 3), np.uint8)
        image[:4] = 255
        for seed in range(20):
            pixels, _ = TrainTransform(8, 8, **OFF, color_jitter=1.0)(image, None, generator(seed))
            assert (pixels[:, :4] >= pixels[:, 4:]).all()

    def test_leaves_the_mask(self):
        mask = np.full((8, 8), 2, np.uint8)
        _, labels = TrainTransform(8, 8, **OFF, color_jitter=1.0)(coordinates(8, 8), mask, generator())
        assert (labels == 2).all()


def test_opencv_splits_into_the_given_planes():
    # _planes relies on it: where a version of OpenCV returns fresh arrays instead, pictures would be noise
    image, planes = coordinates(5, 3), np.zeros((3, 5, 3), np.uint8)
    cv2.split(image, [planes[0], planes[1], planes[2]])
    assert np.array_equal(planes, image.transpose(2, 0, 1))
