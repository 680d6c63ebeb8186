import timm
import torch

from occreid.nn import Trunk, create_backbone
from occreid.nn.efficientnet_lite import NAME, EfficientNetLite0
from occreid.nn.trunk_layout import find_layout


def _both() -> tuple[EfficientNetLite0, torch.nn.Module]:
    torch.manual_seed(3)
    ours, timms = EfficientNetLite0(), timm.create_model(NAME, pretrained=False, num_classes=0, global_pool="")
    timms.load_state_dict(ours.state_dict())  # strict: every tensor, and no other
    return ours, timms


def test_tensors_stand_in_timms_order_and_start_as_wide():
    torch.manual_seed(3)
    ours, timms = EfficientNetLite0().state_dict(), timm.create_model(NAME, num_classes=0).state_dict()
    assert list(ours) == list(timms)
    for key in ours:  # of at least 288 random values in a convolution
        torch.testing.assert_close(
            ours[key].float().std(correction=0), timms[key].float().std(correction=0), rtol=0.3, atol=0
        )


def test_maps_are_timms_bit_for_bit_whatever_the_size():
    ours, timms = _both()
    for height, width in ((64, 32), (97, 51)):  # odd sizes are padded on one side only
        images = torch.randn(2, 3, height, width)
        assert torch.equal(ours(images), timms(images))  # in training: statistics of the batch
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), timms.state_dict().values(), strict=True))
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), timms.eval()(images))


def test_gradients_are_timms():
    ours, timms = _both()
    images = torch.randn(2, 3, 64, 32)
    for network in (ours, timms):
        network(images).square().mean().backward()
    for (name, own), (_, theirs) in zip(ours.named_parameters(), timms.named_parameters(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, msg=name)


def test_as_a_trunk_it_has_timms_layout_also_at_the_last_stride():
    ours, timms = _both()
    assert find_layout(ours) == find_layout(timms)
    images = torch.randn(1, 3, 64, 32)
    own, theirs = Trunk(ours, last_stride=1).eval(), Trunk(timms, last_stride=1).eval()
    assert own.pixel_mean == theirs.pixel_mean and own.pixel_std == theirs.pixel_std
    assert (own.channels, own.strides) == (theirs.channels, theirs.strides)
    with torch.no_grad():
        assert torch.equal(own(images), theirs(images))


def test_a_random_start_is_built_without_timm_and_anything_else_with_it():
    assert isinstance(create_backbone(NAME, "none", global_pool=""), EfficientNetLite0)
    assert not isinstance(create_backbone(NAME, "none", global_pool="", drop_path_rate=0.1), EfficientNetLite0)
