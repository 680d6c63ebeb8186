import pytest
import torch

from occreid.errors import UserError
from occreid.models import load_model, read_card
from occreid.models.importing import Declared, import_network
from occreid.models.zoo import build, read_checkpoint, recognise


def randomised(network):
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and not name.endswith(".p"):
                tensor.copy_(torch.rand_like(tensor) * 0.1 + (1.0 if "var" in name else 0.0))
    return network


def torchreid(architecture):
    network = randomised(build(architecture))
    tensors = {name.removeprefix("backbone."): tensor for name, tensor in network.state_dict().items()}
    width = 512 if architecture["name"] == "osnet" else 2048
    return network, {**tensors, "classifier.weight": torch.zeros(9, width), "classifier.bias": torch.zeros(9)}


def fastreid(gem=True):
    network = randomised(build({"name": "resnet50", "last_stride": 1, "stem": "ceil", "pooling": "gem", "neck": True}))
    names = {"neck.": "heads.bottleneck.0.", "pool.p": "heads.pool_layer.p"}
    tensors = {}
    for name, tensor in network.state_dict().items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs) if name.startswith(ours) else name
        tensors[name] = tensor.reshape(1) if name.endswith("pool_layer.p") else tensor
    tensors["heads.weight"] = torch.zeros(9, 2048)
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    return network, {**tensors, "pixel_mean": mean.view(1, 3, 1, 1), "pixel_std": std.view(1, 3, 1, 1)}


ZOO = [
    {"name": "osnet", "width": 0.25, "variant": "plain", "features": 512},
    {"name": "osnet", "width": 0.5, "variant": "ain", "features": 512},
    {"name": "resnet50"},
]


@pytest.mark.parametrize("architecture", ZOO)
def test_checkpoints_of_torchreid_are_known_by_their_tensors(architecture, tmp_path):
    network, tensors = torchreid(architecture)
    torch.save({"state_dict": {f"module.{name}": t for name, t in tensors.items()}, "epoch": 3}, tmp_path / "w.pth")
    found = recognise(read_checkpoint(tmp_path / "w.pth"), "w.pth")
    assert found.architecture == architecture and found.unused == ("classifier.bias", "classifier.weight")
    import_network(tmp_path / "w.pth", Declared(height=64, width=32), tmp_path / "out")
    images = torch.rand(2, 3, 64, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        wanted = network((images - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    features = load_model(tmp_path / "out").describe(images).features[:, 0]
    torch.testing.assert_close(features, wanted, atol=1e-4, rtol=1e-4)


def test_checkpoints_of_fastreid_bring_their_pixels(tmp_path):
    network, tensors = fastreid()
    torch.save({"model": tensors}, tmp_path / "w.pth")
    found = import_network(tmp_path / "w.pth", Declared(), tmp_path / "out")
    assert found.card["architecture"]["pooling"] == "gem" and found.card["unused"] == ["heads.weight"]
    assert found.card["input_size"] == [256, 128] and found.guessed[0].startswith("height and width")
    assert not any("mean" in guess for guess in found.guessed)
    images = torch.rand(1, 3, 256, 128)
    with torch.no_grad():
        mean, std = tensors["pixel_mean"], tensors["pixel_std"]
        wanted = network((images * 255 - mean) / std)
    torch.testing.assert_close(
        load_model(tmp_path / "out").describe(images).features[:, 0], wanted, atol=1e-3, rtol=1e-3
    )
    assert read_card(tmp_path / "out")["parameters"] > 23e6


def test_every_tensor_is_accounted_for(tmp_path):
    _, tensors = torchreid(ZOO[0])
    torch.save({**tensors, "attention.weight": torch.zeros(2)}, tmp_path / "more.pth")
    less = {name: tensor for name, tensor in tensors.items() if name != "conv5.bn.bias"}
    torch.save(less, tmp_path / "less.pth")
    torch.save({**tensors, "conv5.bn.bias": torch.zeros(7)}, tmp_path / "other.pth")
    torch.save({"x": torch.zeros(2)}, tmp_path / "unknown.pth")
    for name, problem in (
        ("more", "'attention.weight' has no place"),
        ("less", "'conv5.bn.bias' is missing"),
        ("other", "'conv5.bn.bias' has another shape"),
        ("unknown", "unknown network, e.g. 'x'"),
    ):
        with pytest.raises(UserError, match=problem):
            import_network(tmp_path / f"{name}.pth", Declared(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="--out FOLDER"):
        import_network(tmp_path / "more.pth", Declared())


def test_files_that_hold_no_weights(tmp_path):
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"state_dict": {}, "optimizer": print}, tmp_path / "code.pth")
    (tmp_path / "text.pth").write_text("no weights")
    for name, problem in (("list", "no table of tensors"), ("code", "as weights alone"), ("text", "as weights alone")):
        with pytest.raises(UserError, match=problem):
            read_checkpoint(tmp_path / f"{name}.pth")
    with pytest.raises(UserError, match="no file"):
        read_checkpoint(tmp_path / "gone.pth")
