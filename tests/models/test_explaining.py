import pytest
import torch
from small_methods import Explaining, Small, small

from occreid.descriptors import Descriptors
from occreid.models import create_model
from occreid.models.explaining import GRAD_CAM, explanations, grad_cam


@pytest.fixture
def images():
    return torch.randint(0, 256, (3, 3, 16, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_grad_cam_against_a_loop(images):
    model = small()
    a = model.backbone(model.normalize(images)).detach().double()  # (B, C, h, w)
    found = grad_cam(model, images)
    for b in range(3):
        feature = a[b].mean((1, 2))
        cam = torch.zeros(4, 2, dtype=torch.float64)
        for y in range(4):
            for x in range(2):
                # score = Σ_c f_c · t_c with f_c = mean of A_c: ∂score/∂A_c(y, x) = t_c / (h·w), the same everywhere
                cam[y, x] = max(0.0, sum(float(feature[c]) / 8 * float(a[b, c, y, x]) for c in range(5)))
        torch.testing.assert_close(found[b].double(), cam / cam.max().clamp_min(1e-12), rtol=1e-4, atol=1e-6)


def test_grad_cam_asks_about_the_likeness_to_a_target(images):
    model = small()
    targets = torch.zeros(3, 1, 5)
    targets[:, 0, 2] = 1
    a = model.backbone(model.normalize(images)).detach()[:, 2].relu()
    wanted = a / a.amax((1, 2), keepdim=True).clamp_min(1e-12)
    torch.testing.assert_close(grad_cam(model, images, targets), wanted, rtol=1e-4, atol=1e-6)


def test_grad_cam_finds_the_tokens_of_a_transformer(images):
    torch.manual_seed(0)
    model = create_model("baseline_vit", 4, backbone="vit_tiny_patch16_224", pretrained="none", height=64, width=32)
    pictures = torch.randint(0, 256, (2, 3, 64, 32), dtype=torch.uint8)
    cam = grad_cam(model.eval(), pictures)
    assert cam.shape == (2, 4, 2)
    assert cam.amax((1, 2)).tolist() == pytest.approx([1, 1])
    assert cam.min() >= 0


def test_a_model_without_maps_or_gradients_has_none(images):
    class Flat(Small):
        def describe(self, images, masks=None):
            return Descriptors(images.float().mean((2, 3)))

    assert grad_cam(small(Flat), images) is None
    assert explanations(small(Flat), images) == {}


def test_the_models_own_maps_come_first_and_are_clamped(images):
    assert list(explanations(small(), images)) == [GRAD_CAM]
    own = explanations(small(Explaining), images)
    assert list(own) == ["left_half"]
    assert own["left_half"].max() == 1


def test_a_model_is_left_as_it_was(images):
    model = small().train()
    model.backbone[0].eval()
    before = [parameter.clone() for parameter in model.parameters()]
    explanations(model, images)
    assert (model.training, model.backbone[0].training, model.backbone[2].training) == (True, False, True)
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(before, model.parameters(), strict=True))
