import pytest
import torch

from occreid.losses import FeatureDistillation


def test_it_equals_the_float64_loops():
    torch.manual_seed(0)
    loss = FeatureDistillation(3, 4, beta=0.5)
    token, patches, teacher = torch.randn(2, 3), torch.randn(2, 6, 3), torch.randn(2, 4, 6, 4)
    found = loss(token, patches, teacher, (3, 2))

    def whitened(v):
        mean = sum(v) / len(v)
        spread = (sum((x - mean) ** 2 for x in v) / len(v) + 1e-5) ** 0.5
        return [(x - mean) / spread for x in v]

    def smooth(a, b):
        d = abs(a - b)
        return 0.5 * d * d / 0.5 if d < 0.5 else d - 0.25

    def layer(linear, x):
        return (linear.weight.double() @ x.double() + linear.bias.double()).tolist()

    t, patch_terms, class_terms = teacher.double(), [], []
    for b in range(2):
        cells = []
        for row in range(3):
            for column in range(2):
                cell = t[b, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean((1, 2)).tolist()
                cells.append(cell)
                told = layer(loss.patches, patches[b, 2 * row + column])
                patch_terms += [smooth(x, y) for x, y in zip(told, whitened(cell), strict=True)]
        mean = [sum(cell[d] for cell in cells) / 6 for d in range(4)]
        told = layer(loss.whole, token[b])
        class_terms += [smooth(x, y) for x, y in zip(told, whitened(mean), strict=True)]
    assert found["distill_patches"].item() == pytest.approx(sum(patch_terms) / len(patch_terms), rel=1e-5)
    assert found["distill_class"].item() == pytest.approx(sum(class_terms) / len(class_terms), rel=1e-5)


def test_the_teacher_gets_no_gradient_and_half_precision_is_left():
    loss = FeatureDistillation(3, 4)
    teacher, token = torch.randn(2, 4, 2, 2, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(token, torch.randn(2, 4, 3), teacher, (2, 2))
    assert all(value.dtype == torch.float32 for value in found.values())
    sum(found.values()).backward()
    assert teacher.grad is None and token.grad.abs().sum() > 0
