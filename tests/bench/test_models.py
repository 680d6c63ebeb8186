import pytest
import torch

from occreid.bench.models import CLASSES, Model, prepare
from occreid.errors import UserError
from occreid.models import create_model, save_model
from occreid.nn.computing import Computing

TOY = "toy_module:Toy"


def test_words_become_a_model():
    assert Model.parse(TOY) == Model(TOY, TOY, {})
    words = f"{TOY} dim=8 scale=0.5 word='a b'"
    assert Model.parse(words) == Model(words, TOY, {"dim": 8, "scale": 0.5, "word": "a b"})


def test_words_that_are_no_options_are_refused():
    with pytest.raises(UserError, match="'dim' in 'baseline dim' is no key=value"):
        Model.parse("baseline dim")


def test_a_method_is_built_with_its_options_and_size():
    built = Model("x", TOY, {"dim": 8}, (32, 24)).build()
    assert built.project.out_features == 8
    assert built.classify.out_features == CLASSES
    assert (built.input_size, built.training) == ((32, 24), False)
    assert Model("x", TOY, {}).build().input_size == (16, 8)


def test_a_transformer_is_built_for_the_size():
    options = {"backbone": "vit_tiny_patch16_224"}
    built = Model("x", "baseline_vit", options, (64, 32)).build()
    assert built.describe(torch.zeros(1, 3, 64, 32, dtype=torch.uint8)).features.shape[0] == 1


def test_a_trained_model_is_loaded(tmp_path):
    save_model(create_model(TOY, 4, dim=8), tmp_path / "run")
    model = Model.parse(str(tmp_path / "run"))
    assert model.name == "run"
    assert model.build().project.out_features == 8
    with pytest.raises(UserError, match="takes no options"):
        Model("x", str(tmp_path / "run"), {"dim": 3}).build()


def test_the_packages_models_are_taken_by_name():
    model = Model.parse("occreid-lite")
    assert model == Model("occreid-lite", "occreid-lite", {}) and model.build().card["name"] == "occreid-lite"
    address = "https://example.org/m/model.safetensors#sha256=" + "a" * 64
    assert Model.parse(address) == Model("model.safetensors", address, {})


def test_unknown_methods_and_options_are_named():
    with pytest.raises(UserError, match="Did you mean 'baseline'"):
        Model.parse("basline").build()
    with pytest.raises(UserError, match="Did you mean 'dim'"):
        Model.parse(f"{TOY} dmi=3").build()


@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_is_timed_describes_the_images(precision, memory_format):
    built = Model("x", TOY, {}).build()
    images = torch.randint(0, 256, (4, 3, 16, 8), dtype=torch.uint8)
    with torch.no_grad():
        wanted = built.describe(images).features
    found = prepare(built, images, way=Computing(memory_format, precision))()[0]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, atol=2e-2 if precision == "bfloat16" else 1e-6, rtol=1e-2)
    last = memory_format == "channels_last"
    assert torch.equal(found, wanted) == (precision == "float32" and not last) or last


def test_compiling_is_asked_of_torch(monkeypatch):
    seen = []
    monkeypatch.setattr(torch, "compile", lambda network: seen.append(network) or network)
    built = Model("x", TOY, {}).build()
    prepare(built, torch.zeros(1, 3, 16, 8, dtype=torch.uint8), compiled=True)()
    assert len(seen) == 1
