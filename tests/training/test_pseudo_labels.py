import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.models import Method
from occreid.nn.denormals import flushes_denormals
from occreid.training.pseudo_labels import Rounds, adapt_by_clusters, clusters


class Mean(Method):
    """The mean colour, through a layer that can learn."""

    metric = "cosine"
    input_size = (8, 4)

    def __init__(self, parts=1):
        super().__init__()
        self.layer, self.norm, self.parts = nn.Linear(3, 4), nn.BatchNorm1d(4), parts
        nn.init.eye_(self.layer.weight)

    def describe(self, images, masks=None):
        feature = self.norm(self.layer(images.float().mean((2, 3)) / 255 - 0.5))
        return Descriptors(feature[:, None].expand(-1, self.parts, -1).contiguous())


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    """Three persons of one colour each, twelve pictures of each."""
    folder, generator = tmp_path_factory.mktemp("crops"), np.random.default_rng(0)
    colours = [(220, 30, 30), (30, 220, 30), (30, 30, 220)]
    for person, colour in enumerate(colours):
        for number in range(12):
            pixels = np.clip(np.array(colour) + generator.normal(0, 6, (8, 4, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{person}_{number:02}.png")
    return sorted(folder.glob("*.png"))


def test_clusters_are_the_persons_and_what_lies_alone_belongs_to_none():
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(4)[:3].repeat_interleave(12, 0)
    lonely = torch.tensor([[0.3, 0.3, 0.3, -1.0]])
    features = torch.cat([centres + 0.02 * torch.randn(36, 4, generator=generator), lonely])
    found = clusters(Descriptors(features), "cosine")
    assert found[36] == -1
    assert [len(set(found[i : i + 12])) for i in (0, 12, 24)] == [1, 1, 1] and set(found[:36]) == {0, 1, 2}


def test_rounds_train_on_the_clusters_and_leave_the_statistics_alone(crops):
    torch.manual_seed(0)
    model, told, flushed = Mean(), [], []
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    how = Rounds(rounds=3, learning_rate=0.01, p=3, k=4, erase=0.0, color_jitter=0.0)

    def note(number, round_):
        told.append((number, round_))
        flushed.append(flushes_denormals())

    found = adapt_by_clusters(model, crops, how, progress=False, on_round=note)
    assert flushed == [True] * 3 and not flushes_denormals()
    assert [round_.clusters for round_ in found] == [3, 3, 3] and found[0].pictures == 36
    assert told == [(1, found[0]), (2, found[1]), (3, found[2])]
    assert found[2].loss < found[0].loss
    after = model.state_dict()
    assert not torch.equal(after["layer.weight"], before["layer.weight"])
    assert torch.equal(after["norm.running_mean"], before["norm.running_mean"])
    assert not any(part.training for part in model.modules())


def test_a_picture_of_no_cluster_is_left_out(crops, tmp_path, monkeypatch):
    torch.manual_seed(0)
    lonely = tmp_path / "lonely.png"
    Image.fromarray(np.full((8, 4, 3), 250, np.uint8)).save(lonely)
    monkeypatch.setattr(
        "occreid.training.pseudo_labels.clusters",
        lambda found, *_, **__: np.array([0] * 12 + [1] * 12 + [2] * 12 + [-1] * (len(found) - 36)),
    )
    how = Rounds(rounds=1, p=3, k=4, erase=0.0, color_jitter=0.0)
    with_it, without = Mean(), Mean()
    with_it.load_state_dict(without.state_dict())
    (found,) = adapt_by_clusters(with_it, [*crops, lonely], how, progress=False)
    (plain,) = adapt_by_clusters(without, crops, how, progress=False)
    assert (found.clusters, found.pictures) == (3, 36)
    assert found.loss == plain.loss, "neither centres nor batches know of it"


def test_what_cannot_be_trained_on_is_said(crops):
    with pytest.raises(UserError, match="2 parts cannot be trained on clusters"):
        adapt_by_clusters(Mean(parts=2), crops, progress=False)
    with pytest.raises(UserError, match="a network in a file cannot be trained"):
        adapt_by_clusters(Mean().requires_grad_(False), crops, progress=False)
    with pytest.raises(UserError, match=r"the 12 pictures fall into [01] clusters in round 1"):
        adapt_by_clusters(Mean(), crops[:12], progress=False)
