import json

import pytest
import torch

from occreid import load_model
from occreid.errors import UserError
from occreid.models import create_model, read_card, shipped
from occreid.models.shipped import default_model, pack, shipped_file, shipped_models


@pytest.fixture
def model(toy):
    torch.manual_seed(0)
    built = create_model(toy, 7, dim=5)
    built.input_size = (24, 12)
    return built


@pytest.fixture
def folder(model, tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    pack(model, "toy-lite", "a toy", {"licence": "none"}, tmp_path / "package")
    return tmp_path / "package"


def test_a_packed_model_loads_by_name_in_float32_without_its_classes(model, folder):
    images = torch.randint(0, 256, (3, 3, 24, 12), dtype=torch.uint8)
    loaded = load_model("toy-lite")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32} and loaded.classify.out_features == 1
    assert loaded.input_size == (24, 12)
    torch.testing.assert_close(loaded.describe(images).features, model.describe(images).features, atol=2e-3, rtol=2e-3)
    card = read_card("toy-lite")
    with pytest.raises(UserError, match="toy-lite takes images of shape"):
        loaded.normalize(images[..., :6])
    assert card["licence"] == "none" and card["name"] == "toy-lite" and card["sha256"] and card["num_classes"] == 1
    assert shipped_models(folder) == {"toy-lite": "a toy"}


def test_several_models_stand_beside_each_other(model, folder):
    pack(model, "another", "a second", {}, folder)
    assert list(shipped_models(folder)) == ["another", "toy-lite"]
    assert load_model("another").spec == load_model("toy-lite").spec


def test_where_none_is_given_the_packages_own_is_taken(model, folder, tmp_path):
    assert default_model(folder) == "toy-lite"
    pack(model, "occreid-lite", "", {}, folder)
    pack(model, "another", "", {}, folder)
    assert default_model(folder) == "occreid-lite" == default_model()
    with pytest.raises(UserError, match="brings none"):
        default_model(tmp_path / "nothing")


@pytest.mark.parametrize("ending", ["safetensors", "json"])
def test_changed_files_are_refused(folder, ending):
    file = folder / f"toy-lite.{ending}"
    file.write_bytes(file.read_bytes().replace(b"weight", b"wEight", 1) + (b" " if ending == "json" else b""))
    with pytest.raises(UserError, match=f"toy-lite.{ending} is missing or damaged"):
        load_model("toy-lite")
    file.unlink()
    with pytest.raises(UserError, match="is missing or damaged"):
        shipped_file("toy-lite", folder)


def test_what_is_packed_says_how_to_be_built(folder):
    with pytest.raises(UserError, match="carries no spec"):
        pack(type(load_model("toy-lite"))(3), "x", "", {}, folder)


def test_the_packages_own_registry_is_whole():
    for name in shipped_models():
        card = json.loads(shipped_file(name).with_suffix(".json").read_text())
        assert card["sha256"]
