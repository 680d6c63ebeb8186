"""Every convolutional method on every family of networks, and on ResNets what it was before there was a Trunk."""

import hashlib

import pytest
import torch

from occreid.models import create_model, load_model, save_model
from occreid.records import Batch

CLASSES = 4
OPTIONS = {
    "baseline": {},
    "ssgr": {},
    "han": {"height": 96, "width": 32, "dim": 16, "reduced": 8},
    "hpnet": {"parsing_channels": 32},
    "orgnn": {"dim": 32, "mode": "gnn"},
}
NETWORKS = ("resnet18", "tf_efficientnet_lite0", "convnext_atto", "mobilenetv3_small_100")


def size(method):
    return (96, 32) if method == "han" else (64, 32)


def pictures(method, n):
    return torch.randint(0, 256, (n, 3, *size(method)), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.fixture(params=[(method, network) for method in OPTIONS for network in NETWORKS], ids="-".join)
def model(request):
    torch.manual_seed(0)
    method, network = request.param
    built = create_model(method, CLASSES, backbone=network, pretrained="none", **OPTIONS[method])
    built.input_size = size(method)
    return built


def test_a_method_learns_and_describes_on_every_network(model, tmp_path):
    n, method = 8, model.spec.name
    generator = torch.Generator().manual_seed(2)
    masks = torch.randint(0, 5, (n, *model.input_size), generator=generator, dtype=torch.uint8)
    batch = Batch(pictures(method, n), torch.arange(n) // 2, torch.arange(n) % 2, torch.arange(n), masks)
    batch = model.augment(batch, generator)
    for stage in model.stages():
        sum(stage.losses(batch).values()).backward()
        for module in stage.modules:
            trained = {name: p.grad for name, p in module.named_parameters() if p.requires_grad}
            assert all(grad is not None and grad.isfinite().all() for grad in trained.values()), trained.keys()
    model.eval()
    images = pictures(method, 3)
    with torch.no_grad():
        whole = model.describe(images)
        one_by_one = torch.cat([model.describe(image[None]).features for image in images])
        shown = model.explain(images)
    torch.testing.assert_close(one_by_one, whole.features, rtol=1e-3, atol=1e-4)
    assert whole.features.isfinite().all() and whole.features.dtype == torch.float32
    assert all(m.shape[0] == 3 and m.min() >= 0 and m.max() <= 1 for m in shown.values())
    save_model(model, tmp_path)
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path).describe(images).features, whole.features)


FIGURES = {  # names and shapes of the tensors, mean |descriptor| and its first numbers, before there was a Trunk
    "baseline": ("956c65fe849e23b8", 0.120987, [0.0, 0.0, 0.0, 0.35377]),
    "ssgr": ("f0ec3634842a9573", 0.02782585, [0.0, 0.0, 0.0, 0.071703]),
    "han": ("1a949f57ab8c93df", 0.008012377, [-0.001496, -0.009487, 0.013663, -0.003083]),
    "hpnet": ("1244b1aed0f9fccd", 0.09624074, [0.0, 0.0, 0.0, 0.490998]),
    "orgnn": ("9ec843d733cfbb75", 0.05571082, [0.0, 0.0, 0.041855, 0.0]),
}


@pytest.mark.parametrize("method", FIGURES)
def test_on_a_resnet_nothing_has_changed(method):
    options = {"han": {"height": 96, "width": 32}, "ssgr": {"neck": "none"}}.get(method, OPTIONS[method])
    torch.manual_seed(0)
    model = create_model(method, CLASSES, backbone="resnet18", pretrained="none", **options).eval()
    names = "\n".join(f"{name} {tuple(tensor.shape)}" for name, tensor in sorted(model.state_dict().items()))
    with torch.no_grad():
        found = model.describe(pictures(method, 2)).features
    digest, mean, first = FIGURES[method]
    assert hashlib.sha256(names.encode()).hexdigest()[:16] == digest, "checkpoints of before do not load"
    assert found.abs().mean().item() == pytest.approx(mean, rel=1e-5)
    assert found[0, 0, :4].tolist() == pytest.approx(first, abs=2e-6)
