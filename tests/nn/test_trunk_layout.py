import pytest
import timm
import torch
from torch import nn

from occreid.errors import UserError
from occreid.nn.trunk_layout import find_layout, has_layout

NETWORKS = (
    "resnet18",
    "regnetx_002",
    "tf_efficientnet_lite0",
    "mobilenetv2_050",
    "mobilenetv3_small_050",
    "convnext_atto",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_in_order_give_maps_of_the_channels_and_strides_it_names(name):
    network = timm.create_model(name, num_classes=0).eval()
    layout = find_layout(network)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for path in layout.stem:
            x = network.get_submodule(path)(x)
        for units, channels, stride in zip(layout.stages, layout.channels, layout.strides, strict=True):
            for path in units:
                x = network.get_submodule(path)(x)
            assert x.shape == (1, channels, 64 // stride, 64 // stride)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_layer_is_named_twice(name):
    layout = find_layout(timm.create_model(name, num_classes=0))
    paths = [*layout.stem, *(path for units in layout.stages for path in units)]
    assert len(set(paths)) == len(paths) and all(layout.stages)


def test_networks_of_another_kind_are_refused():
    assert not has_layout(nn.Linear(2, 2))
    with pytest.raises(UserError, match="'Linear' has no stem and four stages"):
        find_layout(nn.Linear(2, 2))
    with pytest.raises(UserError, match="'vgg11' has no stem"):
        find_layout(timm.create_model("vgg11", num_classes=0))
