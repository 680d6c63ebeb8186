import numpy as np
import pytest
import torch
from PIL import Image

from occreid.data.occlusion.noda import VERTICAL, Noda, occluder_places, random_patch, shift_and_mirror
from occreid.errors import UserError
from occreid.records import Batch


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch_of(n=6, height=48, width=24, masks=True, dtype=torch.uint8):
    images = torch.randint(1, 255, (n, 3, height, width), generator=generator(9), dtype=torch.uint8)
    return Batch(
        images=images if dtype == torch.uint8 else images.to(dtype) / 255,
        labels=torch.arange(n) // 2,
        camids=torch.arange(n) % 3,
        indices=torch.arange(n) + 100,
        masks=torch.randint(0, 5, (n, height, width), generator=generator(8), dtype=torch.uint8) if masks else None,
        visibility=torch.rand(n, 4, generator=generator(7)),
    )


def folder_of(path, *sizes, alpha=255, colour=(255, 0, 255)):
    """Cut-outs of one colour, (height, width) each."""
    for number, (h, w) in enumerate(sizes):
        pixels = np.full((h, w, 4), (*colour, alpha), np.uint8)
        Image.fromarray(pixels).save(path / f"{number}.png")
    return Noda(str(path), jitter=0.0)


@pytest.mark.parametrize(("height", "width"), [(256, 128), (128, 64), (97, 41), (16, 8)])
def test_thousands_of_places_obey_the_aspect_rule(height, width):
    rng = np.random.default_rng(0)
    aspects = rng.uniform(0.2, 5, 4000)
    aspects[:3] = VERTICAL  # exactly 2 is still horizontal
    top, left, h, w = occluder_places(rng.random((4000, 2)), aspects, height, width).T
    upright = aspects > 2
    assert not upright[:3].any()
    assert (h[upright] == height).all() and (top[upright] == 0).all()
    assert (w[upright] >= width / 3).all() and (w[upright] <= width / 2).all()
    assert ((left == 0) | (left + w == width)).all()
    assert (w[~upright] == width).all() and (left[~upright] == 0).all()
    assert (h[~upright] >= height / 3).all() and (h[~upright] <= height / 2).all()
    assert ((top == 0) | (top + h == height)).all()
    for extent, whole, chosen in ((w, width, upright), (h, height, ~upright)):
        assert extent[chosen].min() == -(-whole // 3) and extent[chosen].max() == whole // 2, "both ends are drawn"
    assert 0.45 < (left[upright] == 0).mean() < 0.55 and 0.45 < (top[~upright] == 0).mean() < 0.55


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_an_opaque_cutout_covers_its_place_and_nothing_else(tmp_path, dtype):
    noda = folder_of(tmp_path, (60, 20), (30, 40))
    batch = batch_of(40, dtype=dtype)
    images, masks = noda.occlude(batch.images, generator(), batch.masks)
    assert images.dtype == dtype
    pink = torch.tensor([255, 0, 255], dtype=dtype).view(3, 1, 1) / (1 if dtype == torch.uint8 else 255)
    places = set()
    for image, before, mask, old in zip(images, batch.images, masks, batch.masks, strict=True):
        hidden = ((image.float() - pink.float()).abs() < 1e-5).all(0)
        rows, columns = hidden.any(1).nonzero()[:, 0], hidden.any(0).nonzero()[:, 0]
        assert hidden.sum() == len(rows) * len(columns), "a rectangle"
        places.add((len(rows) == 48, int(rows[0]) == 0, int(columns[0]) == 0))
        assert (len(rows) == 48) != (len(columns) == 24)
        torch.testing.assert_close(image[:, ~hidden], before[:, ~hidden])
        assert not mask[hidden].any() and torch.equal(mask[~hidden], old[~hidden])
    assert len(places) == 4, "left, right, top and bottom"


def test_transparency_blends(tmp_path):
    noda = folder_of(tmp_path, (60, 20), alpha=204, colour=(100, 200, 50))
    images = torch.full((3, 3, 40, 20), 10, dtype=torch.uint8)
    found, masks = noda.occlude(images, generator(), torch.ones(3, 40, 20, dtype=torch.uint8))
    blended = torch.tensor([0.8 * c + 0.2 * 10 for c in (100, 200, 50)])
    shown = found.float()[(masks == 0)[:, None].expand_as(found)].view(-1)
    for image, mask in zip(found, masks, strict=True):
        colours = image[:, mask == 0].float()
        torch.testing.assert_close(colours, blended[:, None].expand_as(colours), atol=1.01, rtol=0)
    assert len(shown) > 0


def test_flip_and_crop_show_a_window_of_the_cutout(tmp_path):
    ramp = np.zeros((60, 120, 4), np.uint8)
    ramp[:, :, 0] = np.linspace(40, 240, 120)[None]  # red rises from left to right, green from top to bottom
    ramp[:, :, 1] = np.linspace(40, 240, 60)[:, None]
    ramp[:, :, 3] = 255
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    images = torch.zeros(60, 3, 40, 40, dtype=torch.uint8)
    for flip in (0.0, 1.0):
        found, _ = Noda(str(tmp_path), jitter=0.0, flip=flip).occlude(images, generator())
        for image in found.int():
            rows = image[1].any(1).nonzero()[:, 0]
            red, green = image[0, rows[len(rows) // 2]], image[1, rows, 20]
            steps = red.diff() if flip == 0 else -red.diff()
            assert steps.min() >= 0 and green.diff().min() >= 0
            assert 0.7 * 200 - 12 < (red[-1] - red[0]).abs() <= 200, "a crop leaves at least 70 % of a side"
    found, _ = Noda(str(tmp_path), jitter=0.0).occlude(images, generator())
    rising = [bool(image[0].amax(0).int().diff().sum() > 0) for image in found]
    assert 10 < sum(rising) < 50, "flipped about half the time"


def test_colour_jitter_stays_within_the_outline():
    noda = Noda(jitter=1.0)
    black = torch.zeros(32, 3, 64, 32)
    on_black, on_white = (noda.occlude(image, generator(3))[0] for image in (black, black + 1))
    assert not torch.equal(on_black, Noda(jitter=0.0).occlude(black, generator(3))[0])
    alpha = 1 - (on_white - on_black)
    assert alpha.min() > -1e-5 and (alpha < 0.01).any() and (alpha > 0.99).any()
    assert on_black.min() >= 0 and (on_black <= alpha + 1e-5).all(), "colours within [0, 1], none outside the outline"


def test_the_batch_doubles_and_the_callers_is_left_alone():
    batch, before = batch_of(), batch_of()
    doubled = Noda()(batch, generator())
    assert torch.equal(batch.images, before.images) and torch.equal(batch.masks, before.masks)
    assert len(doubled) == 12 and doubled.images.dtype == torch.uint8
    for name in ("labels", "camids", "indices"):
        assert torch.equal(getattr(doubled, name), getattr(batch, name).repeat(2))
    assert doubled.masks.shape == (12, 48, 24)
    second = doubled.images[6:]
    assert all((new != old).any() for new, old in zip(second, batch.images, strict=True)), "every image is occluded"


def test_copy_one_is_erased_and_patched():
    batch = batch_of(200)
    plain = Noda(erase=0.0, patch=0.0)(batch, generator())
    assert torch.equal(plain.images[:200], batch.images), "copy 1 has the transform's crop and flip"
    for options in ({"patch": 0.0}, {"erase": 0.0}):
        changed = (Noda(**options)(batch, generator()).images[:200] != batch.images).flatten(1).any(1)
        assert 70 < changed.sum() < 130, "about half"


def test_each_copy_has_a_crop_and_a_flip_of_its_own():
    picture = torch.zeros(3, 48, 24, dtype=torch.uint8)
    picture[0], picture[1] = torch.arange(1, 49)[:, None], torch.arange(1, 25)
    images, masks = picture.expand(300, 3, 48, 24), picture[0].expand(300, 48, 24)
    moved, along = shift_and_mirror(images, generator(), masks, shift=0.05)
    flipped, downs = 0, set()
    for image, mask in zip(moved.int(), along.int(), strict=True):
        assert torch.equal(image[0], mask)
        rows, columns = image[0].amax(1), image[1].amax(0)
        inside = columns[columns > 0].diff()
        assert set(inside.tolist()) in ({1}, {-1}) and set(rows[rows > 0].diff().tolist()) == {1}
        flipped += int(inside[0] < 0)
        downs.add(int(rows[24]) - 25)
    assert downs == {-2, -1, 0, 1, 2} and 120 < flipped < 180
    assert torch.equal(shift_and_mirror(images, generator(), shift=0.0, mirror=0.0)[0], images)


def test_a_cut_out_hides_a_third_to_half_of_the_picture():
    noda, ones = Noda(), torch.ones(400, 64, 32, dtype=torch.uint8)
    _, masks = noda.occlude(torch.zeros(400, 3, 64, 32, dtype=torch.uint8), generator(2), ones)
    hidden = (masks == 0).flatten(1).float().mean(1)
    assert hidden.min() > 0.29 and hidden.max() < 0.55, "a pixel or two of the outline either way"
    assert hidden.quantile(0.05) > 0.32 and hidden.quantile(0.95) < 0.52


def test_visibility_shrinks_with_its_mask_and_is_left_out_without_one():
    batch = batch_of()
    doubled = Noda()(batch, generator())
    for i in range(12):
        for part in range(4):
            before, after = ((m == part + 1).sum().item() for m in (batch.masks[i % 6], doubled.masks[i]))
            expected = batch.visibility[i % 6, part].item() * after / before
            assert doubled.visibility[i, part].item() == pytest.approx(expected, rel=1e-5)
    without = Noda()(batch_of(masks=False), generator())
    assert without.masks is None and without.visibility is None


def test_the_seed_decides():
    batch, noda = batch_of(), Noda()
    first, again, other = (noda(batch, generator(s)).images for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(first, Noda()(batch, generator(1)).images)


def test_pictures_of_different_persons_share_an_occluder(tmp_path):
    noda = Noda("procedural", shared=2)
    images = torch.full((8, 3, 64, 32), 77, dtype=torch.uint8)  # two pictures of each of four persons
    hidden, _ = noda.occlude(images, generator())
    for first in range(4):
        assert torch.equal(
            hidden[first], hidden[first + 4]
        )  # of another person, behind the same thing in the same place
    for a in range(4):
        assert not any(torch.equal(hidden[a], hidden[b]) for b in range(a + 1, 4))
    alone, _ = Noda("procedural").occlude(images, generator())
    assert torch.equal(alone[:4], hidden[:4])
    assert not torch.equal(alone[4:], hidden[4:])


def test_a_random_patch_is_a_rectangle_of_another_image():
    n = 30
    colours = torch.arange(1, n + 1, dtype=torch.uint8)
    images = colours.view(n, 1, 1, 1).expand(n, 3, 40, 20).contiguous()
    masks = torch.ones(n, 40, 20, dtype=torch.uint8)
    found, hidden = random_patch(images, generator(), masks, probability=1.0)
    for i in range(n):
        covered = hidden[i] == 0
        rows, columns = covered.any(1).sum(), covered.any(0).sum()
        assert 0.02 * 800 * 0.7 <= covered.sum() <= 0.3 * 800 * 1.3 and covered.sum() == rows * columns
        other = found[i][:, covered].unique()
        assert len(other) == 1 and other.item() != colours[i]
        assert (found[i][:, ~covered] == colours[i]).all()
    same, _ = random_patch(images, generator(), probability=0.0)
    assert torch.equal(same, images)
    alone, _ = random_patch(images[:1], generator(), probability=1.0)
    assert torch.equal(alone, images[:1])


def test_a_patch_is_cut_out_unchanged():
    images = torch.randint(0, 255, (2, 3, 32, 32), generator=generator(), dtype=torch.uint8)
    masks = torch.ones(2, 32, 32, dtype=torch.uint8)
    found, hidden = random_patch(images, generator(4), masks, probability=1.0)
    covered = hidden[0] == 0
    rows, columns = covered.any(1).nonzero()[:, 0], covered.any(0).nonzero()[:, 0]
    patch = found[0][:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    _, h, w = patch.shape
    windows = images[1].unfold(1, h, 1).unfold(2, w, 1)  # (3, y, x, h, w)
    assert (windows == patch[:, None, None]).all(-1).all(-1).all(0).any()


def test_a_bad_folder_shows_when_the_library_is_read(tmp_path):
    noda = Noda(str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"no folder of occluders .*missing"):
        _ = noda.library
