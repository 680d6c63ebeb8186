import itertools

import pytest
import torch

from occreid.errors import UserError
from occreid.models import create_model
from occreid.nn import create_trunk, create_vit
from occreid.nn.freezing import first_layers


def names(model, layers):
    held = {id(p) for layer in layers for p in layer.parameters()}
    return {name for name, p in model.named_parameters() if id(p) in held}


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0", "convnext_atto", "mobilenetv3_small_100"])
def test_stages_add_up_to_the_whole_trunk(name):
    trunk = create_trunk(name, "none")
    parts = [names(trunk, first_layers(trunk, stages)) for stages in range(5)]
    assert all(fewer < more for fewer, more in itertools.pairwise(parts))
    assert parts[4] == {name for name, _ in trunk.named_parameters()}
    if name == "resnet18":
        assert parts[0] == {"conv1.weight", "bn1.weight", "bn1.bias"}
        assert {key.partition(".")[0] for key in parts[2] - parts[0]} == {"layer1", "layer2"}


def test_what_a_method_inserted_is_no_part_of_the_backbone():
    model = create_model("ssgr", 3, backbone="resnet18", pretrained="none")
    left = {name for name, _ in model.named_parameters()} - names(model, model.backbone_layers())
    assert {name for name in left if name.startswith("backbone.")} == {
        name for name, _ in model.named_parameters() if ".block" in name
    }


def test_methods_that_split_their_backbone_know_its_parts():
    hpnet = create_model("hpnet", 3, backbone="resnet18", pretrained="none")
    assert {name.partition(".")[0] for name in names(hpnet, hpnet.backbone_layers())} == {"backbone", "conv5"}
    assert {name.partition(".")[0] for name in names(hpnet, hpnet.backbone_layers(3))} == {"backbone"}
    orgnn = create_model("orgnn", 3, backbone="resnet18", pretrained="none", dim=16)
    parts = [names(orgnn, orgnn.backbone_layers(stages)) for stages in range(5)]
    assert parts[0] == {"fen.trunk.shared.0.weight", "fen.trunk.shared.1.weight", "fen.trunk.shared.1.bias"}
    assert all(fewer < more for fewer, more in itertools.pairwise(parts))
    assert parts[4] == {name for name, _ in orgnn.named_parameters() if name.startswith("fen.trunk.")}


def test_a_transformer_has_quarters_of_its_blocks():
    vit = create_vit("vit_tiny_patch16_224", "none", img_size=(64, 32))
    assert names(vit, first_layers(vit, 0)) == {
        name for name, _ in vit.named_parameters() if name.startswith(("cls", "pos", "patch"))
    }
    half = names(vit, first_layers(vit, 2))
    assert "blocks.5.norm1.weight" in half and "blocks.6.norm1.weight" not in half
    assert names(vit, first_layers(vit, 4)) == {name for name, _ in vit.named_parameters()}


def test_another_network_is_refused():
    with pytest.raises(UserError, match="stages of a Linear are not known"):
        first_layers(torch.nn.Linear(1, 1), 0)
