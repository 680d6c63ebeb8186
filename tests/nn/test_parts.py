import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.nn import ParsingHead, masked_max_pool, part_targets


@given(st.integers(0, 10_000), st.booleans())
def test_pooling_inside_a_mask_equals_the_loop(seed, positive):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(3, 4, 5, 2, generator=generator)
    features = features.abs() if positive else features
    mask = torch.rand(3, 5, 2, generator=generator) < 0.3
    pooled = masked_max_pool(features, mask)
    for b in range(3):
        for d in range(4):
            inside = [features[b, d, i, j].item() for i in range(5) for j in range(2) if mask[b, i, j]]
            assert pooled[b, d].item() == (max(inside) if inside else 0.0)
    if positive:  # then it is the paper's maximum of the product F ⊗ Ĝ
        assert torch.equal(pooled, (features * mask[:, None]).amax((2, 3)))


def test_what_lies_outside_the_mask_has_no_say_and_no_gradient():
    features = torch.randn(1, 3, 4, 4, requires_grad=True)
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, 1:3, 1:3] = True
    pooled = masked_max_pool(features, mask)
    pooled.sum().backward()
    assert features.grad is not None
    assert not features.grad[:, :, ~mask[0]].any()
    assert features.grad.sum() == 3
    louder = torch.where(mask[:, None], features, 1e6)
    assert torch.equal(masked_max_pool(louder, mask), pooled)


def test_an_empty_mask_gives_zeros_and_finite_gradients():
    features = torch.randn(2, 3, 2, 2, requires_grad=True)
    pooled = masked_max_pool(features, torch.zeros(2, 2, 2, dtype=torch.bool))
    assert torch.equal(pooled, torch.zeros(2, 3))
    pooled.sum().backward()
    assert features.grad is not None and torch.equal(features.grad, torch.zeros_like(features))


@pytest.mark.parametrize("coverage", [0.2, 0.5, 1.0])
def test_targets_equal_the_loop_over_cells(coverage):
    masks = torch.randint(0, 5, (2, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    masks[0, :4, :3] = 2
    targets = part_targets(masks, 4, (4, 2), coverage)
    assert targets.shape == (2, 4, 4, 2) and targets.dtype == torch.float32
    for b in range(2):
        for part in range(4):
            for i in range(4):
                for j in range(2):
                    cell = masks[b, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3].flatten().tolist()
                    wanted = cell.count(part + 1) / len(cell) >= coverage - 1e-6
                    assert targets[b, part, i, j].item() == float(wanted)


def test_background_is_no_part_and_small_coverage_shows_several_parts_in_a_cell():
    masks = torch.tensor([[[0, 0], [1, 4]]], dtype=torch.uint8)
    assert part_targets(masks, 4, (1, 1), 0.25).flatten().tolist() == [1, 0, 0, 1]
    assert part_targets(masks, 4, (1, 1), 0.5).sum() == 0


def test_a_parsing_head_keeps_the_grid():
    head = ParsingHead(6, 8)
    assert [type(layer).__name__ for layer in head] == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d"]
    assert head(torch.randn(2, 6, 5, 3)).shape == (2, 5, 3)
