import pytest
import torch

from occreid.errors import UserError
from occreid.models import create_model
from occreid.nn import create_trunk
from occreid.nn.instance_norm import HalfInstanceNorm


def trained_norm(channels=6):
    norm = torch.nn.BatchNorm2d(channels)
    generator = torch.Generator().manual_seed(0)
    for tensor in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        tensor.copy_(torch.rand(channels, generator=generator) + 0.5)
    return norm.eval()


def test_half_the_channels_are_normalised_in_each_image_as_a_loop_does_it():
    norm = trained_norm()
    mixed, x = HalfInstanceNorm(norm).eval(), torch.rand(2, 6, 5, 4)
    with torch.no_grad():
        found, batch = mixed(x), norm(x)
    torch.testing.assert_close(found[:, 3:], batch[:, 3:])
    for image in range(2):
        for channel in range(3):
            plane = x[image, channel].double()
            unit = (plane - plane.mean()) / (plane.var(unbiased=False) + norm.eps).sqrt()
            expected = unit * norm.weight[channel].double() + norm.bias[channel].double()
            torch.testing.assert_close(found[image, channel].double(), expected, rtol=1e-5, atol=1e-5)


def test_brightness_and_contrast_of_a_picture_do_not_reach_the_first_half():
    mixed, x = HalfInstanceNorm(trained_norm()).eval(), torch.rand(1, 6, 5, 4)
    with torch.no_grad():
        torch.testing.assert_close(mixed(3 * x + 2)[:, :3], mixed(x)[:, :3], rtol=1e-3, atol=1e-3)
        assert not torch.allclose(mixed(3 * x + 2)[:, 3:], mixed(x)[:, 3:], atol=0.1)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "seresnet50", "resnest14d", "resnext50_32x4d", "regnety_004"])
@pytest.mark.parametrize("kind", ["a", "b"])
def test_residual_networks_take_it_where_the_paper_has_it(name, kind):
    trunk = create_trunk(name, "none", last_stride=1, ibn=kind)
    x = torch.rand(2, 3, 64, 32)
    trunk(x).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trunk.parameters())
    for stage in range(1, 5):
        holds = [any(isinstance(m, torch.nn.InstanceNorm2d) for m in unit.modules()) for unit in trunk.units(stage)]
        expected = {"a": [stage < 4] * len(holds), "b": [False] * (len(holds) - 1) + [stage < 3]}[kind]
        assert holds == expected
    assert len(trunk.notes) == 1 and kind in trunk.notes[0]


def test_weights_stay_as_far_as_they_fit():
    torch.manual_seed(0)
    first = dict(create_trunk("resnet18", "none").state_dict())
    torch.manual_seed(0)
    mixed = create_trunk("resnet18", "none", ibn="a").state_dict()
    same = [name for name in mixed if name in first]
    assert all(torch.equal(mixed[name], first[name]) for name in same)
    assert {name.split(".")[-2] for name in mixed.keys() - first.keys()} == {"IN", "BN"}


def test_methods_take_the_option_and_other_networks_refuse_it():
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none", ibn="a")
    assert any(isinstance(m, HalfInstanceNorm) for m in model.backbone.modules())
    with pytest.raises(UserError, match="ibn 'a' is made for ResNets, not for a EfficientNet"):
        create_trunk("tf_efficientnet_lite0", "none", ibn="a")
