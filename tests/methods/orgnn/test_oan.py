import math

import pytest
import torch

from occreid.methods.orgnn.fen import PARTS
from occreid.methods.orgnn.oan import OcclusionAwareNetwork, body_coverage, occlude_masks, part_coverage
from occreid.records import Batch

H, W = 32, 16


def person(n=1):
    """A standing figure: head, torso, upper legs, lower legs, a quarter of the height each; half as wide."""
    mask = torch.zeros(n, H, W, dtype=torch.uint8)
    for part in range(4):
        mask[:, 8 * part : 8 * part + 8, 4:12] = part + 1
    return mask


def batch_of(masks, visibility=None):
    n = len(masks)
    return Batch(torch.zeros(n, 3, H, W), *(torch.zeros(n, dtype=torch.int64) for _ in range(3)), masks, visibility)


@pytest.fixture
def oan():
    torch.manual_seed(0)
    return OcclusionAwareNetwork("resnet10t", 1, 8, 0.5)


def test_eq_2_with_its_minus_sign_equals_the_float64_loop(oan):
    masks = torch.cat([person(3), torch.zeros(1, H, W, dtype=torch.uint8)])
    oan.observe(person(2))
    oan.eval()
    with torch.no_grad():
        oan.states.bias.copy_(torch.randn(PARTS, 1, 1))
        y = oan(masks).double().sigmoid().tolist()
        loss = oan.losses(masks, None)["occlusion"].item()
    truth = oan.targets(masks, None).tolist()
    pairs = [pair for a, b in zip(truth, y, strict=True) for pair in zip(a, b, strict=True)]
    terms = [-(t * math.log(p) + (1 - t) * math.log(1 - p)) for t, p in pairs]
    assert {t for row in truth for t in row} == {0.0, 1.0}
    assert loss == pytest.approx(sum(terms) / len(terms), rel=1e-5) and loss > 0


def test_an_untrained_network_takes_every_part_as_visible(oan):
    assert oan.eval().visible(person(2)).all()


def test_any_value_but_zero_is_the_person(oan):
    oan.eval()
    with torch.no_grad():
        assert torch.equal(oan(person()), oan((person() > 0).to(torch.uint8)))


def test_coverage_is_the_share_of_each_part():
    mask = person()
    assert part_coverage(mask)[0].tolist() == [0.5] * 6
    mask[:, :, 8:] = 0  # the right half is hidden
    assert part_coverage(mask)[0].tolist() == [0.25] * 4 + [0.5, 0.0]
    torch.testing.assert_close(body_coverage(person())[0], torch.eye(4) / 2)


def test_targets_compare_with_the_mean_coverage(oan):
    oan.observe(person(3))
    hidden = person(2)
    hidden[0, 17:] = 0  # of the third stripe one row of eight is left, of the fourth nothing
    hidden[1, :, 8:] = 0  # the right half
    assert oan.targets(hidden, None).tolist() == [[1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 1, 0]]


def test_the_threshold_is_a_share_of_the_mean():
    oan = OcclusionAwareNetwork("resnet10t", 2, 8, 0.1)
    oan.observe(person(3))
    hidden = person()
    hidden[0, 17:] = 0
    assert oan.targets(hidden, None).tolist() == [[1, 1, 1, 0, 1, 1]]


def test_the_mean_is_over_all_masks_seen(oan):
    oan.observe(person(2))
    oan.observe(torch.zeros(6, H, W, dtype=torch.uint8))
    torch.testing.assert_close(oan.coverage, torch.full((6,), 0.5 * 2 / 8))
    torch.testing.assert_close(oan.body, torch.eye(4) / 2 * 2 / 8)
    assert oan.seen == 8


def test_the_mean_does_not_depend_on_how_masks_come_in_batches(oan):
    masks = (
        torch.rand(11, H, W, generator=torch.Generator().manual_seed(0)) * 5 * torch.arange(1, 12)[:, None, None] / 11
    )
    masks = masks.to(torch.uint8)
    for part in masks.split((1, 5, 2, 3)):
        oan.observe(part)
    torch.testing.assert_close(oan.coverage, torch.stack([part_coverage(m[None])[0] for m in masks]).mean(0))
    torch.testing.assert_close(oan.body, torch.stack([body_coverage(m[None])[0] for m in masks]).mean(0))


def test_exactly_half_the_mean_is_visible(oan):
    oan.observe(person(2))
    half = person()
    half[0, 4:8] = 0  # of the first stripe four rows of eight
    assert oan.targets(half, None)[0, 0] == 1
    half[0, 3, 4] = 0
    assert oan.targets(half, None)[0, 0] == 0
    assert oan.targets(person(), torch.tensor([[0.5, 1.0, 1.0, 1.0]]))[0, 0] == 1


def test_true_visibility_decides_the_stripes_and_coverage_the_halves(oan):
    oan.observe(person(3))
    visibility = torch.tensor([[1.0, 0.2, 0.6, 0.0]])  # says other than the mask, which shows all
    assert oan.targets(person(), visibility).tolist() == [[1, 0, 1, 0, 1, 1]]


def test_a_stripe_of_two_body_parts_weighs_their_visibility(oan):
    mask = person()
    mask[:, 8:10, 4:12] = 1  # the head reaches a quarter into the second stripe
    oan.observe(mask)
    targets = [oan.targets(mask, torch.tensor([[v, w, 1.0, 1.0]]))[0, 1].item() for v, w in ((1, 0.32), (1, 0.34))]
    assert targets == [0.0, 1.0]  # 0.25 · 1 + 0.75 · 0.33 ≈ 0.5


def test_occluding_hides_bands_and_takes_visibility_with_them():
    masks, visibility = person(64), torch.full((64, 4), 0.8)
    batch = batch_of(masks, visibility)
    changed = occlude_masks(batch, torch.Generator().manual_seed(0), 0.5)
    assert torch.equal(masks, person(64)) and torch.equal(visibility, torch.full((64, 4), 0.8))
    hidden = (changed.masks != masks).flatten(1).any(1)
    assert 20 < hidden.sum() < 44
    share = body_coverage(changed.masks).sum(1) / body_coverage(masks).sum(1)
    torch.testing.assert_close(changed.visibility, 0.8 * share)
    assert torch.equal(changed.images, batch.images) and changed.labels is batch.labels


def test_bands_come_from_all_four_sides_and_keep_their_extent():
    changed = occlude_masks(batch_of(torch.ones(400, H, W, dtype=torch.uint8)), torch.Generator().manual_seed(1), 1.0)
    gone = changed.masks == 0
    rows, columns = gone.all(2), gone.all(1)  # (B, H), (B, W)
    sides = {"top": rows[:, 0] & ~rows[:, -1], "bottom": rows[:, -1] & ~rows[:, 0]}
    sides |= {"left": columns[:, 0] & ~columns[:, -1], "right": columns[:, -1] & ~columns[:, 0]}
    counts = {side: int(found.sum()) for side, found in sides.items()}
    assert sum(counts.values()) == 400 and all(70 < count < 130 for count in counts.values())
    share = gone.float().mean((1, 2))
    assert share.min() >= 0.2 - 0.05 and share.max() <= 0.6 + 0.05 and share.std() > 0.08


def test_equal_generators_hide_the_same_and_nothing_is_hidden_at_probability_0():
    batch = batch_of(person(8))
    a, b = (occlude_masks(batch, torch.Generator().manual_seed(5), 0.7) for _ in range(2))
    assert torch.equal(a.masks, b.masks) and a.visibility is None
    assert torch.equal(occlude_masks(batch, torch.Generator(), 0.0).masks, batch.masks)


def test_it_learns_what_masks_show():
    torch.manual_seed(0)
    oan = OcclusionAwareNetwork("resnet10t", 1, 64, 0.5)
    oan.observe(person(4))
    masks = occlude_masks(batch_of(person(16)), torch.Generator().manual_seed(0), 0.8).masks
    masks = masks.repeat_interleave(2, 1).repeat_interleave(2, 2)  # 4 × 2 positions at the end: one for each part
    optimiser = torch.optim.Adam(oan.parameters(), 3e-3)
    history = []
    for _ in range(12):
        loss = oan.losses(masks, None)["occlusion"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    assert history[-1] < 0.5 * history[0]
