import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.models import Method, create_model, read_card, save_model
from occreid.training.adapting import adapt_model, adapt_statistics


class Normed(Method):
    """Two normalisations, the second behind dropout, which must stay off."""

    metric = "euclidean"
    input_size = (4, 2)

    def __init__(self, norm=True):
        super().__init__()
        self.norm = nn.BatchNorm2d(3, momentum=0.2) if norm else nn.Identity()
        self.rest = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3) if norm else nn.Identity())

    def describe(self, images, masks=None):
        return Descriptors(self.rest(self.norm(images.float() / 255).mean((2, 3))))


@pytest.fixture
def files(tmp_path):
    generator = np.random.default_rng(0)
    for number in range(64):
        pixels = generator.integers(0, 128, (4, 2, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return sorted(tmp_path.glob("*.png"))


def test_statistics_are_those_of_the_pictures_and_nothing_else_changes(files):
    torch.manual_seed(0)
    model = Normed().train()
    weights = {name: p.clone() for name, p in model.named_parameters()}
    assert adapt_statistics(model, files, batch_size=64, progress=False) == 2
    pixels = np.stack([np.asarray(Image.open(file)) for file in files]).astype(np.float64) / 255
    mean, var = pixels.mean((0, 1, 2)), pixels.reshape(-1, 3).var(0, ddof=1)
    np.testing.assert_allclose(model.norm.running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(model.norm.running_var.numpy(), var, rtol=1e-4)
    assert model.norm.momentum == 0.2 and not any(part.training for part in model.modules())
    assert all(torch.equal(p, weights[name]) for name, p in model.named_parameters())


def test_batches_count_alike_and_the_seed_decides(files):
    models = [Normed() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        adapt_statistics(model, files, batch_size=16, seed=seed, progress=False)
    assert torch.equal(models[0].rest[1].running_var, models[1].rest[1].running_var)
    assert not torch.equal(models[0].rest[1].running_var, models[2].rest[1].running_var)
    torch.testing.assert_close(models[0].norm.running_mean, models[2].norm.running_mean)


def test_what_cannot_be_adapted_is_named(files):
    with pytest.raises(UserError, match="no batch normalisation"):
        adapt_statistics(Normed(norm=False), files)
    with pytest.raises(UserError, match="5 pictures are too few"):
        adapt_statistics(Normed(), files[:5])
    with pytest.raises(UserError, match="a batch of 2"):
        adapt_statistics(Normed(), files, batch_size=2)


def test_an_adapted_model_has_a_card_of_its_own(files, tmp_path):
    torch.manual_seed(0)
    before = create_model("baseline", 2, backbone="resnet10t", pretrained="none")
    before.input_size = (32, 16)
    measured = {
        key: {"a": 1} for key in ("metrics", "figures", "calibration", "calibration_on_photographs", "fails_on")
    }
    save_model(before, tmp_path / "run", {"name": "street", **measured, "recipe": {"data": {"name": "x"}}})
    how = {"batch_size": 32, "seed": 3, "progress": False}
    note = adapt_model(tmp_path / "run", files[0].parent, tmp_path / "new", **how)
    card = read_card(tmp_path / "new")
    assert (
        card["adapted"] == note
        and note["from"] == "street"
        and note["from_sha256"] == read_card(tmp_path / "run")["sha256"] != card["sha256"]
    )
    assert (note["pictures"], note["batch_size"], note["seed"]) == (64, 32, 3) and note["layers"] > 5
    assert not {"name", *measured} & set(card) and card["recipe"] == {"data": {"name": "x"}}
    with pytest.raises(UserError, match="not empty"):
        adapt_model(tmp_path / "run", files[0].parent, tmp_path / "new", **how)
