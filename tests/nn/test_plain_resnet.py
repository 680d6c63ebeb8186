import torch

from occreid.nn.plain_resnet import WIDTH, PlainResNet50


def test_last_stride_stem_pooling_and_neck():
    torch.manual_seed(0)
    images = torch.rand(2, 3, 64, 32)
    plain, fast = PlainResNet50().eval(), PlainResNet50(1, "ceil", "gem", True).eval()
    shapes = {}
    for name, network in (("plain", plain), ("fast", fast)):
        network.backbone.layer4.register_forward_hook(lambda _m, _i, out, name=name: shapes.update({name: out.shape}))
        with torch.no_grad():
            assert network(images).shape == (2, WIDTH)
    assert shapes["plain"][2:] == (2, 1) and shapes["fast"][2:] == (4, 2)


def test_a_plain_one_is_torchvisions():
    from torchvision.models import resnet50

    torch.manual_seed(0)
    theirs = resnet50(weights=None).eval()
    theirs.fc = torch.nn.Identity()
    ours = PlainResNet50().eval()
    ours.backbone.load_state_dict(theirs.state_dict())
    images = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


def test_the_neck_is_the_feature():
    torch.manual_seed(0)
    network = PlainResNet50(neck=True).eval()
    bare = PlainResNet50().eval()
    bare.backbone.load_state_dict(network.backbone.state_dict())
    network.neck.running_mean.fill_(0.5)
    images = torch.rand(1, 3, 64, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(images), (bare(images) - 0.5) / (1 + 1e-5) ** 0.5)
