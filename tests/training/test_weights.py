import pytest
import torch
from safetensors.torch import save_file

from occreid.errors import UserError
from occreid.models import create_model
from occreid.training.weights import start_from


def toy(classes, seed, **options):
    torch.manual_seed(seed)
    return create_model("reid_toys:Toy", classes, **options)


def saved(model, file):
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, file)
    return file


def test_weights_of_the_same_model_are_all_loaded(tmp_path):
    source, target = toy(4, 0), toy(4, 1)
    assert start_from(target, saved(source, tmp_path / "model.safetensors")) == []
    assert all(torch.equal(tensor, source.state_dict()[name]) for name, tensor in target.state_dict().items())


def test_a_run_folder_stands_for_its_weights(tmp_path):
    saved(toy(4, 0), tmp_path / "model.safetensors")
    assert start_from(toy(4, 1), tmp_path) == []


def test_the_classifier_of_other_identities_is_left_out_and_listed(tmp_path):
    source, target = toy(7, 0), toy(4, 1)
    own = target.classifier.weight.clone()
    left_out = start_from(target, saved(source, tmp_path / "w.safetensors"))
    assert left_out == [
        "classifier.bias: (7,) in the file, (4,) in the model",
        "classifier.weight: (7, 8) in the file, (4, 8) in the model",
    ]
    assert torch.equal(target.classifier.weight, own)
    assert torch.equal(target.backbone[0].weight, source.backbone[0].weight)


def test_tensors_on_one_side_only_are_listed(tmp_path):
    tensors = {"backbone.0.weight": torch.zeros(8, 3, 3, 3), "head.weight": torch.zeros(1)}
    save_file(tensors, tmp_path / "w.safetensors")
    left_out = start_from(toy(4, 1), tmp_path / "w.safetensors")
    assert "head.weight: not in the model" in left_out
    assert "classifier.weight: not in the file" in left_out
    assert not any(line.startswith("backbone.0.weight") for line in left_out)


def test_weights_of_which_nothing_fits_are_refused(tmp_path):
    with pytest.raises(UserError, match="none of the 9 tensors"):
        start_from(toy(4, 1, width=4).backbone[1], saved(toy(9, 0), tmp_path / "w.safetensors"))


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(UserError, match=r"holds no model\.safetensors"):
        start_from(toy(4, 1), tmp_path)
