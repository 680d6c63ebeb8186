from pathlib import Path

import pytest
import torch
from torch import nn

from occreid.errors import UserError
from occreid.models.foreign import Interface, run_batches
from occreid.models.trying import ORDERS, trial_pictures, tried

SIZE, FILE = (16, 8), Path("net.onnx")
PLAIN = Interface("onnx", (0.0,) * 3, (1.0,) * 3)
MIX = {
    "adds the batch's mean": lambda x: x + x.mean(0, keepdim=True),
    "adds a little of the batch's mean": lambda x: x + 0.01 * x.mean(0, keepdim=True),
    "looks at its neighbour": lambda x: x + 0.1 * x.roll(1, 0),
    "compares with the batch's largest": lambda x: x / x.abs().amax(),
    "counts its place": lambda x: x + 0.1 * torch.arange(len(x)).view(-1, 1),
    "changes beyond 8": lambda x: x if len(x) <= 8 else x.flip(0),
}


def colours(x):
    return torch.cat([x.mean((2, 3)), x.std((2, 3))], 1)


@pytest.mark.parametrize("mix", MIX.values(), ids=MIX)
def test_answers_that_depend_on_neighbours_are_noticed(mix):
    trial = tried(FILE, lambda x: mix(colours(x)), PLAIN, SIZE)
    assert trial.interface.batch == 1 and (trial.parts, trial.dimensions) == (1, 6)
    (note,) = trial.notes
    assert "depends on the others of the batch" in note and "one picture at a time" in note


@pytest.mark.parametrize("mix", list(MIX.values())[:5], ids=list(MIX)[:5])
def test_a_fixed_batch_that_mixes_is_refused(mix):
    with pytest.raises(UserError, match=r"net.onnx takes 4 pictures at once, and its answer for one depends"):
        tried(FILE, lambda x: mix(colours(x)), Interface("onnx", (0.0,) * 3, (1.0,) * 3, batch=4), SIZE)


def test_normalisation_left_in_training_is_noticed():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert tried(FILE, network.eval(), PLAIN, SIZE) == tried(FILE, network, PLAIN, SIZE)
    assert tried(FILE, network, PLAIN, SIZE).interface.batch is None
    assert tried(FILE, network.train(), PLAIN, SIZE).notes


def test_dropout_left_on_is_refused():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3 * 16 * 8, 4)).train()
    with pytest.raises(UserError, match="another answer for the same picture each time"):
        tried(FILE, network, PLAIN, SIZE)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("batch", [None, 1, 5, 32])
def test_honest_networks_pass(dtype, batch):
    torch.manual_seed(0)
    layers = [layer for _ in range(6) for layer in (nn.Linear(384, 384), nn.LayerNorm(384), nn.GELU())]
    network = nn.Sequential(nn.Flatten(), *layers).to(getattr(torch, dtype)).eval()
    interface = Interface("onnx", (0.5,) * 3, (0.2,) * 3, dtype=dtype, batch=batch)
    trial = tried(FILE, network, interface, SIZE)
    assert trial.interface == interface and not trial.notes and trial.dimensions == 384


def test_rounding_that_grows_with_the_batch_is_forgiven():
    def network(x):
        return colours(x) + 100 + 1e-4 * len(x)

    assert not tried(FILE, network, PLAIN, SIZE).notes
    assert tried(FILE, lambda x: network(x) + 1e-2 * len(x), PLAIN, SIZE).notes


def test_what_fails_on_several_is_run_one_by_one_and_others_are_named():
    def only_one(x):
        if len(x) > 1:
            raise RuntimeError("one at a time")
        return colours(x)

    trial = tried(FILE, only_one, PLAIN, SIZE)
    assert trial.interface.batch == 1 and not trial.notes
    for network, problem in (
        (lambda x: colours(x).view(2, -1), r"net\.onnx gives 2 answers for 1 picture\."),
        (lambda x: colours(x) * 0 + 7, "tells no picture from another"),
        (lambda x: colours(x) / 0 * 0, "tells no picture from another"),
        (lambda x: x, "no vector"),
        (lambda x: x.mean(), r"gives 0 answers for 1 picture\."),
    ):
        with pytest.raises(UserError, match=problem):
            tried(FILE, network, PLAIN, SIZE)


def test_the_pictures_differ_and_none_is_flat():
    pictures = trial_pictures((64, 32)).float()
    between = torch.cdist(pictures.flatten(1), pictures.flatten(1)) / pictures[0].numel() ** 0.5
    assert between[~torch.eye(7, dtype=torch.bool)].min() > 25 and pictures.std((1, 2, 3)).min() > 5
    assert all(sorted(order) == list(range(7)) for order in ORDERS) and len(set(map(tuple, ORDERS))) == 3


def test_tried_networks_answer_for_one_as_among_others():
    network = lambda x: MIX["adds the batch's mean"](colours(x))  # noqa: E731
    interface = tried(FILE, network, PLAIN, SIZE).interface
    pictures = trial_pictures(SIZE).float() / 255
    together = run_batches(network, pictures, interface.batch)
    torch.testing.assert_close(together[:1], run_batches(network, pictures[:1], interface.batch))
