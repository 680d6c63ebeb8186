import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.data.images import MEAN_PIXEL
from occreid.data.occlusion.erasing import (
    UNIFORMS,
    compound_batch_erasing,
    erase,
    erasing_rectangles,
    random_batch_erasing,
    random_erasing,
    rectangle_masks,
)
from occreid.errors import UserError
from occreid.records import Batch


def rectangles(n, height, width, seed=0, **options):
    uniform = np.random.default_rng(seed).random((n, UNIFORMS))
    return erasing_rectangles(uniform, height, width, **options)


sizes = st.integers(1, 60)


class TestErasingRectangles:
    @given(height=sizes, width=sizes, seed=st.integers(0, 99))
    def test_every_rectangle_lies_inside_the_picture(self, height, width, seed):
        top, left, h, w = rectangles(50, height, width, seed, probability=1).T
        assert (top >= 0).all() and (left >= 0).all()
        assert (top + h <= height).all() and (left + w <= width).all()
        assert ((h > 0) == (w > 0)).all()

    def test_areas_and_ratios_keep_to_their_ranges(self):
        _, _, h, w = rectangles(2000, 256, 128, probability=1).T
        share, ratio = h * w / (256 * 128), h / w
        rounding = 0.01
        assert share.min() > 0.02 - rounding and share.max() < 0.4 + rounding
        assert ratio.min() > 0.3 - rounding and ratio.max() < 3.33 + 0.15  # a thin one: ±½ pixel of about 14
        assert share.max() > 0.38 and ratio.max() > 3.2  # and reach their ends
        assert ratio.min() < 0.32 and share.min() < 0.03

    def test_area_and_ratio_are_uniform_where_nothing_is_refused(self):
        _, _, h, w = rectangles(4000, 500, 500, probability=1, area=(0.02, 0.2), ratio=(0.5, 2)).T
        assert np.quantile(h * w / 250_000, [0.25, 0.5, 0.75]) == pytest.approx([0.065, 0.11, 0.155], abs=0.006)
        assert np.quantile(h / w, [0.25, 0.5, 0.75]) == pytest.approx([0.875, 1.25, 1.625], abs=0.04)

    def test_places_reach_all_four_borders_evenly(self):
        top, left, h, w = rectangles(4000, 64, 32, probability=1).T
        for start, size, side in ((top, h, 64), (left, w, 32)):
            assert start.min() == 0 and (start + size).max() == side
            room = side - size
            assert (start[room > 10] / room[room > 10]).mean() == pytest.approx(0.5, abs=0.02)

    @pytest.mark.parametrize("probability", [0, 0.3, 1])
    def test_the_given_share_of_images_is_erased(self, probability):
        erased = rectangles(4000, 256, 128, probability=probability)[:, 2] > 0
        assert erased.mean() == pytest.approx(probability, abs=0.03)

    def test_a_rectangle_that_cannot_fit_is_left_out(self):
        assert (rectangles(20, 100, 4, probability=1, area=(0.9, 0.9), ratio=(0.1, 0.2)) == 0).all()

    def test_an_image_s_rectangle_depends_on_its_own_numbers_only(self):
        uniform = np.random.default_rng(1).random((6, UNIFORMS))
        together = erasing_rectangles(uniform, 64, 32)
        alone = np.concatenate([erasing_rectangles(row[None], 64, 32) for row in uniform])
        assert np.array_equal(together, alone)


def test_rectangle_masks_equal_a_loop():
    corners = torch.tensor([[0, 0, 2, 3], [1, 2, 3, 1], [0, 0, 0, 0], [4, 0, 1, 5]])
    expected = torch.zeros(4, 5, 6, dtype=torch.bool)
    for image, (top, left, h, w) in zip(expected, corners.tolist(), strict=True):
        image[top : top + h, left : left + w] = True
    assert torch.equal(rectangle_masks(corners, 5, 6), expected)


class TestErase:
    where = torch.tensor([[[True, False], [False, True]]])

    def test_fills_uint8_with_the_colour_and_keeps_the_rest(self):
        images = torch.arange(12, dtype=torch.uint8).view(1, 3, 2, 2)
        filled, masks = erase(images, self.where, fill=(200, 100, 50))
        assert filled.dtype == torch.uint8 and masks is None
        assert filled[0].tolist() == [[[200, 1], [2, 200]], [[100, 5], [6, 100]], [[50, 9], [10, 50]]]

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
    def test_floating_images_get_the_colour_between_0_and_1(self, dtype):
        filled, _ = erase(torch.zeros(1, 3, 2, 2, dtype=dtype), self.where, fill=(255, 51, 0))
        assert filled.dtype == dtype
        assert filled[0, :, 0, 0].float().tolist() == pytest.approx([1, 0.2, 0], abs=1e-3)

    def test_erased_pixels_belong_to_no_part(self):
        _, masks = erase(torch.zeros(1, 3, 2, 2), self.where, torch.full((1, 2, 2), 3, dtype=torch.uint8))
        assert masks.dtype == torch.uint8 and masks.tolist() == [[[0, 3], [3, 0]]]


class TestRandomErasing:
    @staticmethod
    def batch(n=16):
        images = torch.randint(0, 100, (n, 3, 32, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        return images, torch.full((n, 32, 16), 2, dtype=torch.uint8)

    def test_leaves_the_caller_s_tensors_alone(self):
        images, masks = self.batch()
        before = images.clone(), masks.clone()
        new_images, new_masks = random_erasing(images, torch.Generator().manual_seed(3), masks, probability=1)
        assert torch.equal(images, before[0]) and torch.equal(masks, before[1])
        assert not torch.equal(new_images, images) and not torch.equal(new_masks, masks)

    def test_erases_pixels_and_parts_in_the_same_place_and_nothing_else(self):
        images, masks = self.batch()
        new_images, new_masks = random_erasing(images, torch.Generator().manual_seed(3), masks, probability=1)
        erased = new_masks == 0
        mean = torch.tensor(MEAN_PIXEL, dtype=torch.uint8).view(1, 3, 1, 1)
        assert torch.equal((new_images == mean).all(1), erased)  # all pixels of the batch are below 100
        assert torch.equal(torch.where(erased[:, None], images, new_images), images)
        assert erased.flatten(1).any(1).all()

    def test_uint8_and_float_images_are_erased_alike(self):
        images, _ = self.batch()
        as_bytes, _ = random_erasing(images, torch.Generator().manual_seed(5))
        as_floats, _ = random_erasing(images / 255, torch.Generator().manual_seed(5))
        assert torch.allclose(as_bytes / 255, as_floats, atol=1e-6)

    def test_the_generator_decides(self):
        images, _ = self.batch()
        one, again, other = (random_erasing(images, torch.Generator().manual_seed(s))[0] for s in (1, 1, 2))
        assert torch.equal(one, again) and not torch.equal(one, other)

    def test_an_empty_batch_stays_empty(self):
        images, masks = random_erasing(torch.zeros(0, 3, 8, 4), torch.Generator(), torch.zeros(0, 8, 4))
        assert images.shape == (0, 3, 8, 4) and masks.shape == (0, 8, 4)

    @pytest.mark.gpu
    def test_every_device_erases_the_same_pixels(self):
        images, masks = self.batch()
        here = random_erasing(images, torch.Generator().manual_seed(1), masks)
        there = random_erasing(images.cuda(), torch.Generator().manual_seed(1), masks.cuda())
        assert all(torch.equal(a, b.cpu()) for a, b in zip(here, there, strict=True))


def batch_of(n=6, height=20, width=10, *, masks=True, visibility=True):
    generator = torch.Generator().manual_seed(4)
    return Batch(
        images=torch.randint(0, 90, (n, 3, height, width), dtype=torch.uint8, generator=generator),  # never the fill
        labels=torch.arange(n) * 3,
        camids=torch.arange(n) + 10,
        indices=torch.arange(n) + 100,
        masks=torch.randint(1, 5, (n, height, width), dtype=torch.uint8, generator=generator) if masks else None,
        visibility=torch.rand(n, 4, generator=generator) if visibility else None,
    )


def compound(batch, seed=0, **options):
    return compound_batch_erasing(batch, torch.Generator().manual_seed(seed), **options)


class TestCompoundBatchErasing:
    @pytest.mark.parametrize("seed", range(12))
    def test_one_half_loses_one_stripe_alike_the_other_a_rectangle_each(self, seed):
        batch = batch_of(8, height=48)
        both = compound(batch, seed, probability=1)
        changed = (both.images != batch.images.repeat(2, 1, 1, 1)).all(1)  # (2B, H, W)
        rectangles, stripes = changed[:8], changed[8:]
        assert (stripes == stripes[0]).all(), "the stripe is the same in every image"
        rows = stripes[0].all(1)
        assert (stripes[0] == rows[:, None]).all() and rows.sum().item() in {6, 7, 8}
        assert torch.diff(rows.int()).abs().sum() <= 2, "one stripe, in one piece"
        assert rectangles.flatten(1).any(1).all() and len(rectangles.unique(dim=0)) > 1
        assert not any(torch.equal(r, stripes[0]) for r in rectangles)

    def test_the_erasing_half_is_plain_random_erasing_and_the_other_half_does_not_touch_it(self):
        batch = batch_of()
        both = compound(batch, probability=0.5)
        expected, masks = random_erasing(batch.images, torch.Generator().manual_seed(0), batch.masks, probability=0.5)
        assert torch.equal(both.images[:6], expected) and torch.equal(both.masks[:6], masks)
        without = compound(batch, probability=0)
        assert torch.equal(without.images[:6], batch.images)
        assert torch.equal(without.images[6:], both.images[6:])

    @pytest.mark.parametrize("height", [16, 23, 48, 97, 384])
    def test_every_stripe_is_drawn_and_together_they_cover_the_picture(self, height):
        batch, found = batch_of(1, height, 4), {}
        for seed in range(300):
            rows = (compound(batch, seed).images[1] != batch.images[0]).all(0)[:, 0].nonzero()[:, 0]
            found.setdefault((rows[0].item(), rows[-1].item() + 1), 0)
            found[rows[0].item(), rows[-1].item() + 1] += 1
        expected = {(k * height // s, (k + 1) * height // s) for s in (6, 7, 8) for k in range(s)}
        assert set(found) == expected, "each s in {6, 7, 8}, each of its stripes; sizes differ by a row at most"

    def test_labels_and_the_rest_are_doubled_in_order(self):
        batch = batch_of()
        both = compound(batch)
        for name in ("labels", "camids", "indices"):
            assert torch.equal(getattr(both, name), getattr(batch, name).repeat(2)), name
        assert len(both) == 12 and both.images.dtype == torch.uint8
        assert both.masks.shape == (12, 20, 10) and both.visibility.shape == (12, 4)

    def test_masks_and_visibility_follow_the_pictures(self):
        batch = batch_of(8)
        both = compound(batch, 3, probability=1)
        erased = (both.images != batch.images.repeat(2, 1, 1, 1)).all(1)
        assert torch.equal(both.masks == 0, erased)
        for i in range(16):
            for part in range(4):
                before = (batch.masks[i % 8] == part + 1).sum().item()
                after = (both.masks[i] == part + 1).sum().item()
                assert both.visibility[i, part].item() == pytest.approx(
                    batch.visibility[i % 8, part].item() * after / before
                )

    @pytest.mark.parametrize(("masks", "visibility"), [(False, False), (False, True), (True, False)])
    def test_what_a_batch_does_not_carry_stays_absent_or_as_it_is(self, masks, visibility):
        batch = batch_of(masks=masks, visibility=visibility)
        both = compound(batch)
        assert (both.masks is None) == (not masks) and (both.visibility is None) == (not visibility)
        if visibility:
            assert torch.equal(both.visibility, batch.visibility.repeat(2, 1))

    def test_a_part_that_was_hidden_before_stays_finite(self):
        batch = batch_of()
        batch.masks.zero_()
        assert torch.isfinite(compound(batch).visibility).all()

    def test_the_callers_batch_is_left_alone_and_the_generator_decides(self):
        batch, untouched = batch_of(), batch_of()
        one, again, other = (compound(batch, seed) for seed in (1, 1, 2))
        assert torch.equal(batch.images, untouched.images) and torch.equal(batch.masks, untouched.masks)
        assert torch.equal(one.images, again.images) and not torch.equal(one.images, other.images)

    def test_floating_point_pictures_are_erased_alike(self):
        batch = batch_of(masks=False, visibility=False)
        as_bytes = compound(batch, 5)
        batch.images = batch.images / 255
        torch.testing.assert_close(compound(batch, 5).images, as_bytes.images / 255, atol=1e-6, rtol=0)

    @pytest.mark.parametrize("stripes", [(6, 21), (0,), ()])
    def test_a_picture_that_cannot_be_cut_so_is_refused(self, stripes):
        with pytest.raises(UserError, match=r"20 rows cannot be cut into \("):
            compound(batch_of(), stripes=stripes)

    def test_random_batch_erasing_is_its_first_half(self):
        batch = batch_of()
        alone = random_batch_erasing(batch, torch.Generator().manual_seed(2), probability=1)
        both = compound(batch, 2, probability=1)
        assert len(alone) == 6 and torch.equal(alone.labels, batch.labels)
        for name in ("images", "masks", "visibility"):
            assert torch.equal(getattr(alone, name), getattr(both, name)[:6]), name
