"""What every method found in the package promises, whatever paper it comes from."""

import pytest
import torch

from occreid.models import create_model, list_methods, load_model, save_model
from occreid.records import Batch

SMALL = {  # options that make a method quick to build; a method not named here runs with pretrained=none alone
    "baseline": {"backbone": "resnet18"},
    "baseline_vit": {"backbone": "vit_tiny_patch16_224", "height": 64, "width": 32},
    "ssgr": {"backbone": "resnet18"},
    "han": {"backbone": "resnet18", "height": 96, "width": 32},
    "hpnet": {"backbone": "resnet18", "parsing_channels": 32},
    "orgnn": {"backbone": "resnet18", "dim": 32, "mode": "gnn"},  # this mode describes without masks
    "sureid": {"backbone": "vit_tiny_patch16_224", "height": 64, "width": 32},
    "veil": {"backbone": "resnet18"},
}
SIZES = {
    "baseline": (64, 32),
    "baseline_vit": (64, 32),
    "han": (96, 32),
    "hpnet": (64, 32),
    "orgnn": (64, 32),
    "ssgr": (64, 32),
    "veil": (96, 32),  # six stripes before the last stage: one of four would be none that is dropped
}
CLASSES = 4


@pytest.fixture(params=list_methods())
def model(request):
    torch.manual_seed(0)
    built = create_model(request.param, CLASSES, pretrained="none", **SMALL.get(request.param, {}))
    built.input_size = SIZES.get(request.param, built.input_size)
    return built


def pictures(model, n, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, *model.input_size), generator=generator, dtype=torch.uint8)


def batch_for(model, n=8):
    generator = torch.Generator().manual_seed(2)
    return Batch(
        images=pictures(model, n),
        labels=torch.arange(n) // 2 % CLASSES,
        camids=torch.arange(n) % 2,
        indices=torch.arange(n),
        masks=torch.randint(0, 5, (n, *model.input_size), generator=generator, dtype=torch.uint8),
        visibility=torch.rand(n, 4, generator=generator),
    )


def test_losses_are_finite_scalars_and_reach_every_parameter(model):
    batch = model.augment(batch_for(model), torch.Generator().manual_seed(3))
    for stage in model.stages():
        model.zero_grad()
        losses = stage.losses(batch)
        assert losses and all(v.ndim == 0 and torch.isfinite(v) for v in losses.values()), losses
        sum(losses.values()).backward()
        unreached = [
            name
            for module in stage.modules
            for name, p in module.named_parameters()
            if p.requires_grad and (p.grad is None or not torch.isfinite(p.grad).all())
        ]
        assert not unreached


def test_the_callers_batch_is_left_alone(model):
    batch, untouched = batch_for(model), batch_for(model)
    sum(model.losses(model.augment(batch, torch.Generator().manual_seed(3))).values()).backward()
    assert torch.equal(batch.images, untouched.images) and torch.equal(batch.labels, untouched.labels)


def test_descriptors_do_not_depend_on_batch_or_order_and_are_deterministic(model):
    model.eval()
    images = pictures(model, 6)
    order = torch.randperm(6)
    with torch.no_grad():
        whole, again, shuffled = model.describe(images), model.describe(images), model.describe(images[order])
        one_by_one = torch.cat([model.describe(image[None]).features for image in images])
    assert torch.equal(whole.features, again.features) and torch.equal(whole.visibility, again.visibility)
    torch.testing.assert_close(shuffled.features, whole.features[order], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one_by_one, whole.features, rtol=1e-4, atol=1e-5)
    assert whole.features.dtype == torch.float32 and torch.isfinite(whole.features).all()


def test_weights_survive_the_disk(model, tmp_path):
    save_model(model.eval(), tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.input_size == model.input_size
    with torch.no_grad():
        images = pictures(model, 2)
        assert torch.equal(loaded.describe(images).features, model.describe(images).features)


def test_training_under_autocast_gives_float32_losses(model):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = model.losses(model.augment(batch_for(model), torch.Generator().manual_seed(3)))
    assert all(v.dtype == torch.float32 and torch.isfinite(v) for v in losses.values())


def test_channels_last_changes_no_loss_and_no_descriptor(model):
    losses = sum(model.losses(model.augment(batch_for(model), torch.Generator().manual_seed(3))).values())
    with torch.no_grad():
        described = model.eval().describe(pictures(model, 3)).features
    torch.manual_seed(0)
    other = create_model(model.spec.name, CLASSES, **model.spec.options).to(memory_format=torch.channels_last)
    other.input_size = model.input_size
    batch = batch_for(other)
    batch.images = batch.images.to(memory_format=torch.channels_last)
    loss = sum(other.losses(other.augment(batch, torch.Generator().manual_seed(3))).values())
    loss.backward()
    torch.testing.assert_close(loss, losses, rtol=1e-3, atol=1e-3)
    with torch.no_grad():
        images = pictures(model, 3).to(memory_format=torch.channels_last)
        torch.testing.assert_close(other.eval().describe(images).features, described, rtol=1e-3, atol=1e-3)


def test_parameter_groups_cover_what_is_trainable_once(model):
    grouped = [id(p) for group in model.parameter_groups(0.1) for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters() if p.requires_grad)


def test_explanations_are_maps_over_the_image(model):
    model.eval()
    with torch.no_grad():
        maps = model.explain(pictures(model, 3))
    for name, shown in maps.items():
        assert shown.ndim == 3 and len(shown) == 3, name
        assert shown.dtype == torch.float32 and shown.min() >= 0 and shown.max() <= 1, name
