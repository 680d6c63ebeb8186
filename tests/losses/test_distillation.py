import math

import pytest
import torch

from occreid.losses import DistillationLoss, align_width, logits_divergence


def softmax(row, temperature=1.0):
    powers = [math.exp(v / temperature) for v in row]  # Eq. 12
    return [p / sum(powers) for p in powers]


def loop_divergence(student, teacher, temperature=1.0):
    """Eqs. 11 and 12 in float64."""
    total = 0.0
    for s, t in zip(student.double().tolist(), teacher.double().tolist(), strict=True):
        p, q = softmax(s, temperature), softmax(t, temperature)
        total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    return total / len(student)


def loop_interpolation(row, width):
    """Values between the centres of equal cells, as a straight line joins them; constant beyond the outer centres."""
    found = []
    for j in range(width):
        at = (j + 0.5) * len(row) / width - 0.5
        at = min(max(at, 0.0), len(row) - 1.0)
        low = min(int(at), len(row) - 2) if len(row) > 1 else 0
        share = at - low
        found.append(row[low] * (1 - share) + row[min(low + 1, len(row) - 1)] * share)
    return found


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_logits_divergence_equals_the_loop(temperature):
    student, teacher = torch.randn(6, 9) * 3, torch.randn(6, 9) * 3
    found = logits_divergence(student, teacher, temperature)
    assert found.item() == pytest.approx(loop_divergence(student, teacher, temperature), rel=1e-5)
    assert found.item() != pytest.approx(loop_divergence(teacher, student, temperature), rel=1e-3), "not symmetric"


@pytest.mark.parametrize("widths", [(8, 3), (768, 384), (5, 5), (4, 10), (1, 3)])
def test_interpolation_equals_the_loop(widths):
    features = torch.randn(2, widths[0])
    expected = torch.tensor([loop_interpolation(row, widths[1]) for row in features.double().tolist()])
    torch.testing.assert_close(align_width(features, widths[1]), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("direction", ["teacher_to_student", "student_to_teacher"])
def test_eq_13_equals_the_loop(direction, reduction):
    gs, gt, fs, ft = torch.randn(4, 7), torch.randn(4, 7), torch.randn(4, 6), torch.randn(4, 10)
    terms = DistillationLoss(0.1, direction=direction, reduction=reduction)(gs, fs, gt, ft)
    total, width = 0.0, 6 if direction == "teacher_to_student" else 10
    for s, t in zip(fs.double().tolist(), ft.double().tolist(), strict=True):
        if direction == "teacher_to_student":
            t = loop_interpolation(t, 6)
        else:
            s = loop_interpolation(s, 10)
        total += sum((a - b) ** 2 for a, b in zip(s, t, strict=True)) / (width if reduction == "mean" else 1)
    assert terms["kd_feature"].item() == pytest.approx(total / 4, rel=1e-5)
    assert terms["kd_logits"].item() == pytest.approx(0.1 * loop_divergence(gs, gt), rel=1e-5)


@pytest.mark.parametrize(("direction", "shape"), [("teacher_to_student", (6, 10)), ("student_to_teacher", (10, 6))])
def test_a_linear_layer_replaces_the_interpolation_and_learns(direction, shape):
    loss = DistillationLoss(direction=direction, linear=(6, 10))
    assert loss.project is not None and tuple(loss.project.weight.shape) == shape
    fs, ft = torch.randn(4, 6), torch.randn(4, 10)
    terms = loss(torch.randn(4, 3), fs, torch.randn(4, 3), ft)
    terms["kd_feature"].backward()
    assert loss.project.weight.grad.abs().sum() > 0
    projected = loss.project(ft) - fs if direction == "teacher_to_student" else loss.project(fs) - ft
    torch.testing.assert_close(terms["kd_feature"], projected.square().sum(1).mean())


def test_the_interpolation_has_no_parameters():
    assert not list(DistillationLoss().parameters())


def test_the_teacher_gets_no_gradient():
    gs, gt, fs, ft = (torch.randn(4, n, requires_grad=True) for n in (7, 7, 6, 10))
    sum(DistillationLoss()(gs, fs, gt, ft).values()).backward()
    assert gt.grad is None and ft.grad is None
    assert gs.grad.abs().sum() > 0 and fs.grad.abs().sum() > 0


def test_float32_under_autocast():
    inputs = [300 * torch.randn(4, n) for n in (7, 6, 7, 10)]
    expected = DistillationLoss()(*inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = DistillationLoss()(*inputs)
    assert all(under[k].dtype == torch.float32 and under[k].item() == expected[k].item() for k in expected)
