from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.loading.dataset import ReidDataset, collate
from occreid.data.loading.samplers import Draw
from occreid.data.loading.transforms import EvalTransform, TrainTransform
from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.records import Record, class_indices

SIZE = (32, 16)
STRIPES = np.repeat(np.array([0, 1, 2, 3, 4, 0, 2, 2], np.uint8), 4)[:, None].repeat(16, axis=1)  # 32 × 16


@pytest.fixture
def records(tmp_path):
    """Four images of two persons, each plainly coloured by its number, with masks and visibility."""
    made = []
    for i, pid in enumerate([7, 7, 3, 3]):
        path = tmp_path / f"{i}.png"
        Image.new("RGB", (16, 32), (10 * i, 100, 200)).save(path)
        write_mask(tmp_path / f"m{i}.png", STRIPES)
        made.append(Record(path, pid, i % 3, mask=tmp_path / f"m{i}.png", visibility=(1.0, 0.5, 0.25, 0.0)))
    return made


def without(records, *names):
    """The records as a benchmark without the named fields has them."""
    keep = ("path", "pid", "camid", "mask", "visibility")
    return [Record(**{name: getattr(r, name) for name in keep if name not in names}) for r in records]


class TestSamples:
    def test_carry_the_picture_and_its_numbers(self, records):
        dataset = ReidDataset(records, EvalTransform(*SIZE), class_indices(records))
        assert len(dataset) == 4
        sample = dataset[1]
        assert sample.image.dtype == torch.uint8 and sample.image.shape == (3, 32, 16)
        assert sample.image[:, 5, 5].tolist() == [10, 100, 200]
        assert (sample.label, sample.camid, sample.index) == (1, 1, 1)
        assert np.array_equal(sample.mask.numpy(), STRIPES)
        assert sample.visibility.tolist() == [1.0, 0.5, 0.25, 0.0]

    def test_are_changed_as_they_are_read(self, records):
        def hide_left(image, mask, record):
            image, mask = image.copy(), None if mask is None else mask.copy()
            image[:, :8] = record.pid
            if mask is not None:
                mask[:, :8] = 0
            return image, mask

        whole, sample = (ReidDataset(records, EvalTransform(*SIZE), alter=alter)[1] for alter in (None, hide_left))
        assert (sample.image[:, :, :8] == 7).all() and torch.equal(sample.image[:, :, 8:], whole.image[:, :, 8:])
        assert not sample.mask[:, :8].any() and torch.equal(sample.mask[:, 8:], whole.mask[:, 8:])
        assert torch.allclose(sample.visibility, whole.visibility / 2)
        bare = ReidDataset(records, EvalTransform(*SIZE), masks=False, alter=hide_left)[1]
        assert bare.mask is None and torch.equal(bare.image, sample.image)

    def test_are_labelled_with_the_pid_when_there_are_no_classes(self, records):
        assert [ReidDataset(records, EvalTransform(*SIZE))[i].label for i in range(4)] == [7, 7, 3, 3]

    def test_depend_on_the_draw_s_seed_and_nothing_else(self, records):
        dataset = ReidDataset(records, TrainTransform(*SIZE))
        first, other, again = (dataset[Draw(1, seed)] for seed in (5, 6, 5))
        assert torch.equal(first.image, again.image) and torch.equal(first.mask, again.mask)
        assert not torch.equal(first.image, other.image)

    def test_of_a_plain_index_differ_between_images(self, records):
        dataset = ReidDataset(records, TrainTransform(*SIZE, erase=0))
        assert not torch.equal(dataset[0].mask, dataset[1].mask)  # the same mask file content, moved differently

    def test_have_no_mask_when_it_is_not_wanted_and_its_file_is_not_read(self, records):
        records[0].mask.unlink()
        sample = ReidDataset(records, EvalTransform(*SIZE), masks=False)[0]
        assert sample.mask is None and sample.visibility.tolist() == [1.0, 0.5, 0.25, 0.0]

    def test_reduced_decoding_hardly_shows_and_is_off_for_who_alters_pixels(self, tmp_path):
        y, x = np.mgrid[0:256, 0:128]
        Image.fromarray(((x * 7 + y * 3) % 256).astype(np.uint8)).save(tmp_path / "a.jpg")
        record = [Record(tmp_path / "a.jpg", 1, 0)]
        full, reduced = (ReidDataset(record, EvalTransform(*SIZE), reduce=r)[0].image.float() for r in (False, True))
        assert full.shape == reduced.shape and not torch.equal(full, reduced)
        assert (full - reduced).abs().mean() < 3
        seen = []
        ReidDataset(record, EvalTransform(*SIZE), alter=lambda i, m, r: seen.append(i.shape) or (i, m))[0]
        assert seen == [(256, 128, 3)]


class TestVisibility:
    def test_shrinks_by_what_was_erased(self, records):
        dataset = ReidDataset(records, TrainTransform(*SIZE, flip=1, pad=0, erase=1))
        for seed in range(10):
            sample = dataset[Draw(0, seed)]
            left = torch.tensor([(sample.mask == part).sum() / (part == STRIPES).sum() for part in (1, 2, 3, 4)])
            assert torch.allclose(sample.visibility, torch.tensor([1.0, 0.5, 0.25, 0.0]) * left, atol=1e-6)
            assert left.min() < 1

    def test_shrinks_by_what_was_cropped_away(self, records):
        dataset = ReidDataset(records, TrainTransform(*SIZE, flip=0, pad=30, erase=0))
        seen = torch.stack([dataset[Draw(0, seed)].visibility for seed in range(50)])
        assert (seen >= 0).all() and (seen <= torch.tensor([1.0, 0.5, 0.25, 0.0])).all()
        assert (seen[:, 0] == 0).any() and (seen[:, 0] > 0).any()

    @pytest.mark.parametrize("size", [(64, 32), (13, 9), (32, 16)])
    def test_is_the_record_s_when_nothing_is_lost_whatever_the_size(self, records, size):
        dataset = ReidDataset(records, TrainTransform(*size, flip=1, pad=0, erase=0))
        assert dataset[0].visibility.tolist() == [1.0, 0.5, 0.25, 0.0]

    def test_of_a_part_the_mask_never_showed_becomes_zero(self, records):
        write_mask(records[0].mask, np.where(STRIPES == 1, 0, STRIPES))
        assert ReidDataset(records, EvalTransform(*SIZE))[0].visibility.tolist() == [0.0, 0.5, 0.25, 0.0]

    def test_without_masks_is_the_record_s(self, records):
        dataset = ReidDataset(without(records, "mask"), TrainTransform(*SIZE, erase=1))
        assert dataset[0].mask is None and dataset[0].visibility.tolist() == [1.0, 0.5, 0.25, 0.0]


class TestCollate:
    def test_stacks_samples(self, records):
        dataset = ReidDataset(records, EvalTransform(*SIZE), class_indices(records))
        batch = collate([dataset[i] for i in (2, 0, 1)])
        assert batch.images.shape == (3, 3, 32, 16) and batch.images.dtype == torch.uint8
        assert batch.images[:, 0, 0, 0].tolist() == [20, 0, 10]
        assert batch.labels.tolist() == [0, 1, 1] and batch.indices.tolist() == [2, 0, 1]
        assert batch.camids.tolist() == [2, 0, 1]
        assert {batch.labels.dtype, batch.camids.dtype, batch.indices.dtype} == {torch.int64}
        assert batch.masks.shape == (3, 32, 16) and batch.masks.dtype == torch.uint8
        assert batch.visibility.shape == (3, 4) and batch.visibility.dtype == torch.float32

    def test_lays_the_images_out_as_the_network_wants_them(self, records):
        dataset = ReidDataset(records, TrainTransform(*SIZE))
        samples = [dataset[Draw(i, 5)] for i in range(4)]
        planes, innermost = (collate(samples, channels_last=last).images for last in (False, True))
        assert planes.is_contiguous() and innermost.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(planes, innermost)
        assert torch.equal(planes, torch.stack([sample.image for sample in samples]))

    def test_leaves_out_what_no_sample_has(self, records):
        dataset = ReidDataset(without(records, "mask", "visibility"), EvalTransform(*SIZE))
        batch = collate([dataset[0], dataset[1]])
        assert batch.masks is None and batch.visibility is None


class TestBadInput:
    def test_no_records(self):
        with pytest.raises(UserError, match="no images to load"):
            ReidDataset([], EvalTransform(*SIZE))

    @pytest.mark.parametrize("name", ["mask", "visibility"])
    def test_masks_or_visibility_on_some_records_only(self, records, name):
        mixed = [*records[:3], *without(records[3:], name)]
        with pytest.raises(UserError, match=rf"1 of 4 images have no {name}, the first is .*3\.png"):
            ReidDataset(mixed, EvalTransform(*SIZE))

    def test_masks_on_some_records_do_not_matter_where_none_is_wanted(self, records):
        mixed = [*records[:3], *without(records[3:], "mask")]
        assert ReidDataset(mixed, EvalTransform(*SIZE), masks=False)[3].mask is None

    def test_a_person_outside_the_classes(self, records):
        with pytest.raises(UserError, match=r"person 3 of .*2\.png is none of the 1 training identities"):
            ReidDataset(records, EvalTransform(*SIZE), {7: 0})

    def test_a_missing_image_is_named_when_it_is_drawn(self, records):
        dataset = ReidDataset(
            [Record(Path("gone") / "a.jpg", 1, 0), *without(records, "mask", "visibility")], EvalTransform(*SIZE)
        )
        assert dataset[1].label == 7
        with pytest.raises(UserError, match=r"no image gone.a\.jpg"):
            dataset[0]

    def test_a_mask_of_another_shape_than_its_image(self, records):
        write_mask(records[2].mask, np.zeros((32, 40), np.uint8))
        with pytest.raises(UserError, match=r"m2\.png is 40×32 pixels, its image 16×32"):
            ReidDataset(records, EvalTransform(*SIZE))[2]
