import pytest
import timm
import torch

from occreid.errors import UserError
from occreid.nn import create_trunk
from occreid.nn.trunk import Trunk

# name → channels of the four stages, and what of timm's network a Trunk leaves behind
NETWORKS = {
    "resnet18": ((64, 128, 256, 512), set()),
    "resnet50d": ((256, 512, 1024, 2048), set()),
    "resnest14d": ((256, 512, 1024, 2048), set()),
    "resnetblur50": ((256, 512, 1024, 2048), set()),
    "seresnet50": ((256, 512, 1024, 2048), set()),
    "resnext50_32x4d": ((256, 512, 1024, 2048), set()),
    "regnety_004": ((48, 104, 208, 440), set()),
    "tf_efficientnet_lite0": ((24, 40, 112, 1280), set()),
    "efficientnet_b0": ((24, 40, 112, 1280), set()),
    "mobilenetv2_100": ((24, 32, 96, 1280), set()),
    "mobilenetv3_small_100": ((16, 24, 48, 576), {"conv_head"}),
    "mobilenetv4_conv_small": ((32, 64, 96, 960), {"conv_head", "norm_head"}),
    "convnext_atto": ((40, 80, 160, 320), {"head.norm"}),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    return request.param, timm.create_model(request.param, num_classes=0, global_pool="").eval()


@torch.no_grad()
def test_a_trunk_computes_what_timm_computes_under_timms_names(network):
    name, whole = network
    channels, left = NETWORKS[name]
    x = torch.rand(1, 3, 64, 32)
    expected, names = whole.forward_features(x), set(whole.state_dict())
    trunk = Trunk(whole).eval()
    maps = trunk.maps(x)
    assert torch.equal(maps[-1], expected) and torch.equal(trunk(x), expected)
    assert tuple(m.shape[1] for m in maps) == trunk.channels == channels
    assert [64 // m.shape[2] for m in maps] == [*trunk.strides] == [4, 8, 16, 32]
    assert trunk.num_features == channels[-1]
    assert {key.rpartition(".")[0] for key in names - set(trunk.state_dict())} == left


@torch.no_grad()
def test_last_stride_one_doubles_the_last_map_and_keeps_names_and_weights(network):
    _, whole = network
    x, weights = torch.rand(1, 3, 64, 32), dict(whole.state_dict())
    trunk = Trunk(whole, last_stride=1).eval()
    maps = trunk.maps(x)
    assert [64 // m.shape[2] for m in maps] == [32 // m.shape[3] for m in maps] == [*trunk.strides] == [4, 8, 16, 16]
    assert all(torch.equal(tensor, weights[name]) for name, tensor in trunk.state_dict().items())


@torch.no_grad()
def test_stages_are_read_alone_and_taken_out(network):
    _, whole = network
    x = torch.rand(1, 3, 64, 32)
    trunk = Trunk(whole, last_stride=1).eval()
    expected = trunk.maps(x)
    for stages in ((2,), (1, 3)):
        found = trunk.maps(x, stages)
        assert all(torch.equal(m, expected[s - 1]) for s, m in zip(stages, found, strict=True))
    stage3, stage4 = trunk.cut(3)
    assert torch.equal(trunk(x), expected[1]) and len(trunk.channels) == len(trunk.strides) == 2
    assert torch.equal(stage3(trunk(x)), expected[2]) and torch.equal(stage4(stage3(trunk(x))), expected[3])
    assert not {id(p) for p in trunk.parameters()} & {id(p) for p in stage4.parameters()}


@torch.no_grad()
def test_blocks_stand_behind_the_last_units_with_the_channels_there(network):
    _, whole = network
    x, names = torch.rand(1, 3, 64, 32), set(whole.state_dict())
    trunk = Trunk(whole).eval()
    expected, asked = trunk(x), []

    def make(channels):
        asked.append(channels)
        return torch.nn.Conv2d(channels, channels, 1, groups=channels)  # fails on another number of channels

    blocks = trunk.insert(3, 2, make)
    assert len(blocks) == len(asked) <= 2 and trunk.units(3)[-1] is blocks[-1]
    assert not torch.equal(trunk.eval()(x), expected)
    for block in blocks:
        block.weight.fill_(1)
        block.bias.zero_()
    assert torch.equal(trunk(x), expected)
    assert {name for name in trunk.state_dict() if ".block" not in name or name in names} <= names


def test_the_order_of_parameters_is_that_of_the_computation():
    trunk = create_trunk("resnet18", "none")
    trunk.insert(2, 1, lambda c: torch.nn.Conv2d(c, c, 1, bias=False))
    names = [name for name, _ in trunk.named_parameters()]
    assert names.index("layer2.block1.weight") < names.index("layer3.0.conv1.weight")


def test_replaced_layers_are_used():
    trunk = create_trunk("resnet18", "none").eval()
    replaced = torch.nn.SyncBatchNorm.convert_sync_batchnorm(trunk)
    assert any(unit is replaced.bn1 for unit in trunk.stem_units())


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "densenet121"])
def test_a_network_without_stages_is_said(name):
    with pytest.raises(UserError, match=f"'{name}' has no stem and four stages") as caught:
        create_trunk(name, "none")
    assert "EfficientNet" in caught.value.hint


def test_pixel_statistics_are_the_weights_own():
    assert create_trunk("tf_efficientnet_lite0", "none").pixel_mean == (0.5, 0.5, 0.5)
    assert create_trunk("resnet18", "none").pixel_mean == (0.485, 0.456, 0.406)
