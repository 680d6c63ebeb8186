import pytest

from occreid.bench.backbones import describe_network, list_networks
from occreid.errors import UserError
from occreid.models import create_model
from occreid.nn.packaged import PACKAGES


def test_costs_are_those_of_the_built_network():
    import torch

    from occreid.bench.costs import count_flops

    found = describe_network("resnet18", (64, 32), last_stride=2)
    trunk = create_model("baseline", 2, backbone="resnet18", pretrained="none", last_stride=2).backbone.eval()
    with torch.no_grad():
        assert found.flops == count_flops(trunk, torch.zeros(1, 3, 64, 32))
    assert found.parameters == sum(p.numel() for p in trunk.parameters()) and found.features == 512
    assert describe_network("resnet18", (64, 32), last_stride=1).flops > found.flops


@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("tf_efficientnet_lite0", {"baseline", "han", "hpnet", "orgnn", "parser", "ssgr", "veil"}),
        ("deit_tiny_distilled_patch16_224", {"baseline_vit", "sureid"}),
        ("densenet121", None),
        ("vit_medium_patch16_gap_240", None),
    ],
)
def test_each_kind_fits_its_methods(name, methods):
    found = describe_network(name, (64, 32))
    assert methods == (found and set(found.methods))


def test_without_a_pattern_packaged_networks_are_shown():
    found = list_networks(None, (64, 32))
    assert set(PACKAGES) <= {network.name for network in found}
    assert {network.weights for network in found} <= {"cache", "package", "download", "none"}


def test_patterns_are_parts_of_names_and_too_many_or_none_are_said():
    assert [network.name for network in list_networks("resnet18d", (64, 32))] == ["resnet18d"]
    for pattern, message in (
        ("nonesuch", "no network that matches"),
        ("e", "networks match"),
        ("dpn68", "fits a method"),
    ):
        with pytest.raises(UserError, match=message):
            list_networks(pattern, (64, 32))
