import pytest
import torch

from occreid.errors import UserError
from occreid.models import create_model
from occreid.training.layerwise import freeze_first, scaled_groups, with_statistics
from occreid.training.recipe import Recipe


def build():
    return create_model("hpnet", 3, backbone="resnet18", pretrained="none", parsing_channels=8)


def test_nothing_is_frozen_unless_asked():
    model = build()
    assert freeze_first(model, None) == [] and all(p.requires_grad for p in model.backbone.parameters())


def test_frozen_layers_require_no_gradient_and_the_others_do():
    model = build()
    layers = freeze_first(model, 1)
    frozen = {name for name, p in model.backbone.named_parameters() if not p.requires_grad}
    assert frozen and {name.partition(".")[0] for name in frozen} == {"conv1", "bn1", "layer1"}
    assert sum(len(list(layer.parameters())) for layer in layers) == len(frozen)


def test_each_group_is_split_and_keeps_what_it_says():
    model = build()
    groups = [{**group, "weight_decay": 0.1} for group in model.parameter_groups(0.01)]
    scaled = scaled_groups(model, groups, 0.1, 0.01)
    assert [group["lr"] for group in scaled] == pytest.approx([0.001, 0.02])
    assert all(group["weight_decay"] == 0.1 for group in scaled)
    assert [len(group["params"]) for group in scaled] == [len(group["params"]) for group in groups]
    whole = scaled_groups(model, [{"params": list(model.parameters())}], 0.5, 0.01)
    assert [group["lr"] for group in whole] == pytest.approx([0.005, 0.01])
    assert sum(len(group["params"]) for group in whole) == len(list(model.parameters()))
    assert scaled_groups(model, groups, 1.0, 0.01) == groups


def test_a_method_without_backbone_is_said(toys_importable):
    model = create_model("reid_toys:NoBackbone", 2)
    for call in (lambda: freeze_first(model, 0), lambda: scaled_groups(model, [], 0.5, 0.1)):
        with pytest.raises(UserError, match="has no 'backbone' to freeze or to train at another rate"):
            call()


def test_a_run_leaves_the_frozen_stages_and_their_statistics_alone(tiny, tmp_path):
    from occreid.training import train

    options = "method.options={backbone: resnet18, pretrained: none, last_stride: 2}"
    recipe = tiny(
        options, "training.freeze_stages=2", "optimizer.backbone_factor=0.5", "training.epochs=1", method="baseline"
    )
    assert isinstance(recipe, Recipe)
    torch.manual_seed(0)
    train(recipe, tmp_path / "run", progress=False)
    from safetensors.torch import load_file

    after = load_file(tmp_path / "run" / "model.safetensors")
    counters = {name: int(tensor) for name, tensor in after.items() if name.endswith("num_batches_tracked")}
    frozen = {name for name, count in counters.items() if count == 0}
    assert {name.split(".")[1] for name in frozen} == {"bn1", "layer1", "layer2"}
    assert all(count > 0 for name, count in counters.items() if name.split(".")[1] in ("layer3", "layer4"))


def test_a_run_that_keeps_statistics_trains_scale_and_shift_of_the_backbone_alone(tiny, tmp_path):
    from safetensors.torch import load_file

    from occreid.training import train

    options = "method.options={backbone: resnet18, pretrained: none, last_stride: 2}"
    recipe = tiny(options, "training.keep_statistics=true", "training.epochs=1", method="baseline")
    train(recipe, tmp_path / "run", progress=False)
    after = load_file(tmp_path / "run" / "model.safetensors")
    counters = {name: int(tensor) for name, tensor in after.items() if name.endswith("num_batches_tracked")}
    assert {name for name, count in counters.items() if count} == {"neck.bn.num_batches_tracked"}
    assert after["backbone.bn1.running_mean"].eq(0).all() and after["backbone.bn1.running_var"].eq(1).all()
    assert after["backbone.bn1.weight"].ne(1).any() and after["backbone.layer4.1.bn2.bias"].ne(0).any()


def test_the_layers_that_keep_statistics_are_the_backbones():
    model = create_model("baseline", 3, backbone="resnet18", pretrained="none")
    layers = with_statistics(model)
    assert len(layers) == sum("bn" in name or "downsample.1" in name for name, _ in model.backbone.named_modules())
    assert model.neck.bn not in layers
    transformer = create_model("baseline_vit", 3, backbone="vit_tiny_patch16_224", pretrained="none")
    with pytest.raises(UserError, match="no batch normalisation"):
        with_statistics(transformer)
