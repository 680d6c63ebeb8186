import numpy as np
import pytest
import torch

from occreid.errors import UserError
from occreid.models import load_model, read_card
from occreid.models.foreign import Interface, is_foreign, run_batches
from occreid.models.importing import Declared, import_network

MEAN, STD = (0.1, 0.2, 0.3), (0.5, 0.25, 1.0)


def expected(images, scale=1.0, mean=MEAN, std=STD):
    pixels = images.double() / 255 * scale
    return ((pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)).mean((2, 3)).float()


@pytest.fixture
def images():
    return torch.randint(0, 256, (5, 3, 4, 2), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("file", "declared", "wanted"),
    [
        ({}, {"mean": MEAN, "std": STD}, lambda x: expected(x)),
        ({"shape": ("b", 4, 2, 3), "axes": (1, 2)}, {"mean": MEAN, "std": STD}, lambda x: expected(x)),
        ({}, {"mean": MEAN, "std": STD, "bgr": True}, lambda x: expected(x).flip(1)),
        ({}, {"range": 255}, lambda x: expected(x, 255, (0,) * 3, (1,) * 3)),
        ({"kind": "UINT8"}, {}, lambda x: expected(x, 255, (0,) * 3, (1,) * 3)),
        ({"shape": (2, 3, 4, 2)}, {"mean": MEAN, "std": STD}, lambda x: expected(x)),
        ({"inner": 1}, {"mean": MEAN, "std": STD}, lambda x: expected(x)),
    ],
)
def test_pictures_reach_the_network_as_it_wants_them(file, declared, wanted, images, write_onnx, tmp_path):
    source = write_onnx(tmp_path / "n.onnx", **file)
    import_network(source, Declared(**declared))
    model = load_model(source)
    found = model.describe(images)
    torch.testing.assert_close(found.features[:, 0], wanted(images), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model.describe(images.float() / 255).features, found.features, atol=1e-4, rtol=1e-4)


def test_it_has_the_calls_of_a_method(images, write_onnx, tmp_path):
    source = write_onnx(tmp_path / "n.onnx")
    import_network(source, Declared(metric="euclidean"))
    model = load_model(source)
    assert (model.metric, model.input_size, model.training) == ("euclidean", (4, 2), False)
    assert model.embed(np.zeros((40, 30, 3), np.uint8)).features.shape == (1, 1, 3)
    described = model.describe(images)
    assert model.refine(described, described) is described
    for wrong in (torch.zeros(1, 3, 8, 2), torch.full((1, 3, 4, 2), 9.0)):
        with pytest.raises(UserError):
            model.describe(wrong)
    with pytest.raises(UserError, match="cannot train"):
        model.losses(None)


def test_a_card_of_a_run_is_not_taken_for_a_foreign_one(write_onnx, tmp_path):
    source = write_onnx(tmp_path / "model.onnx")
    (tmp_path / "model.json").write_text('{"method": "baseline"}')
    assert not is_foreign(source)
    (tmp_path / "model.json").unlink()
    assert not is_foreign(source)
    with pytest.raises(UserError, match="occreid import"):
        load_model(source)
    import_network(source, Declared())
    assert is_foreign(source) and read_card(source)["method"] == "model"


def test_what_an_interface_says_survives_its_card():
    known = Interface("pt2", MEAN, STD, bgr=True, batch=4, output=1)
    assert Interface.of(known.entries()) == known


def test_a_fixed_batch_is_filled_and_cut():
    sizes = []

    def network(inputs):
        sizes.append(len(inputs))
        return inputs.mean((2, 3))

    inputs = torch.rand(5, 3, 2, 2)
    torch.testing.assert_close(run_batches(network, inputs, 2), inputs.mean((2, 3)))
    assert sizes == [2, 2, 2]
