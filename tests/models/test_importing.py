import json
import warnings

import pytest
import torch
from torch import nn

from occreid.errors import UserError
from occreid.models import load_model, read_card
from occreid.models.importing import IMAGENET_MEAN, Declared, import_network


class Means(nn.Module):
    def __init__(self, pooled=False):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3, 1, 1))
        self.pooled = pooled

    def forward(self, x):
        means = (x * self.scale).mean((2, 3), keepdim=True)
        return (means if self.pooled else means.flatten(1), x)


def test_what_the_file_says_is_read_and_what_is_guessed_is_said(write_onnx, tmp_path):
    source = write_onnx(tmp_path / "net.onnx")
    found = import_network(source, Declared(), tmp_path / "out")
    assert found.path == tmp_path / "out" / "model.onnx" and not (tmp_path / "net.json").exists()
    card = read_card(tmp_path / "out")
    assert card == found.card == json.loads((tmp_path / "out" / "model.json").read_text())
    assert (card["method"], card["input_size"], card["parts"], card["dimensions"]) == ("net", [4, 2], 1, 3)
    assert card["interface"]["mean"] == list(IMAGENET_MEAN) and card["interface"]["batch"] is None
    assert found.guessed == ("mean and std (ImageNet's)", "metric (cosine)")
    assert load_model(tmp_path / "out").describe(torch.rand(2, 3, 4, 2)).features.shape == (2, 1, 3)


def test_metadata_of_the_file_count(write_onnx, tmp_path):
    facts = {"mean": "0.5, 0.5, 0.5", "std": "[0.5,0.5,0.5]", "metric": "euclidean"}
    found = import_network(write_onnx(tmp_path / "net.onnx", metadata=facts), Declared())
    assert found.card["interface"]["std"] == [0.5] * 3 and found.card["metric"] == "euclidean" and not found.guessed
    declared = import_network(tmp_path / "net.onnx", Declared(mean=(0.0,) * 3, std=(1.0,) * 3, metric="cosine"))
    assert declared.card["interface"]["std"] == [1.0] * 3 and declared.card["metric"] == "cosine"


def test_a_file_that_promises_any_batch_and_takes_one_is_run_one_by_one(write_onnx, tmp_path):
    assert import_network(write_onnx(tmp_path / "n.onnx", inner=1), Declared()).card["interface"]["batch"] == 1


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")  # torch 2.9 of its own .pt2 reader
@pytest.mark.parametrize("pooled", [False, True])
def test_networks_of_torch(pooled, tmp_path):
    example, network = torch.rand(2, 3, 4, 2), Means(pooled).eval()
    program = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    torch.export.save(program, tmp_path / "n.pt2")
    torch.jit.save(torch.jit.trace(network, example), str(tmp_path / "n.pt"))
    plain = Declared(mean=(0.0,) * 3, std=(1.0,) * 3)
    with pytest.raises(UserError, match="does not say the height"):
        import_network(tmp_path / "n.pt", plain)
    sized = Declared(height=4, width=2, mean=plain.mean, std=plain.std)
    for file, declared in (("n.pt2", plain), ("n.pt", sized)):
        found = import_network(tmp_path / file, declared)
        assert found.card["parameters"] == 3
        features = load_model(tmp_path / file).describe(example).features
        torch.testing.assert_close(features[:, 0], example.mean((2, 3)))


class Normalised(nn.Module):
    """Colours, normalised over the batch as long as it trains."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(x).square().mean((2, 3))


def exported(network, shape, path):
    """A network in a file of this kind, in the mode it is in."""
    example = torch.rand(shape)
    if path.suffix == ".pt2":
        sizes = ({0: torch.export.Dim("batch", min=1)},) if shape[0] == 5 else None
        torch.export.save(torch.export.export(network, (example,), dynamic_shapes=sizes), path)
    elif path.stem == "scripted":
        torch.jit.save(torch.jit.script(network), str(path))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # of batch normalisation's own checks
            torch.jit.save(torch.jit.trace(network, example, check_trace=False), str(path))
    return path


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")
@pytest.mark.parametrize("name", ["net.pt2", "net.pt"])
def test_a_picture_is_told_by_itself_whatever_lies_beside_it(name, tmp_path, write_onnx):
    sized = Declared(height=16, width=8)
    held = exported(Normalised().train(), (5, 3, 16, 8), tmp_path / name)
    mixed = write_onnx(tmp_path / "mix.onnx", mix=True, shape=("b", 3, 16, 8))
    for source in (held, mixed):
        found = import_network(source, sized)
        assert found.card["interface"]["batch"] == 1 and "depends on the others" in found.notes[0]
        assert found.card["notes"] == list(found.notes)
        pictures = torch.randint(0, 256, (3, 3, 16, 8), dtype=torch.uint8)
        model = load_model(source)
        torch.testing.assert_close(model.describe(pictures).features[1:2], model.describe(pictures[1:2]).features)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")
def test_a_fixed_batch_that_mixes_is_refused_and_leaves_nothing(tmp_path, write_onnx):
    held = exported(Normalised().train(), (4, 3, 16, 8), tmp_path / "net.pt2")
    mixed = write_onnx(tmp_path / "mix.onnx", mix=True, shape=(4, 3, 16, 8))
    for source in (held, mixed):
        with pytest.raises(UserError, match=r"takes 4 pictures at once, and its answer for one depends on the others"):
            import_network(source, Declared())
    assert not list(tmp_path.glob("*.json"))
    assert import_network(write_onnx(tmp_path / "one.onnx", mix=True, shape=(1, 3, 16, 8)), Declared()).notes == ()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*is deprecated:FutureWarning")
def test_a_module_that_was_scripted_while_it_trained_is_set_to_eval(tmp_path):
    source = exported(Normalised().train(), (5, 3, 16, 8), tmp_path / "scripted.pt")
    found = import_network(source, Declared(height=16, width=8))
    assert found.card["interface"]["batch"] is None and not found.notes


@pytest.mark.parametrize(
    ("file", "declared", "problem"),
    [
        ({}, Declared(height=9), "takes a height of 4, not 9"),
        ({"shape": ("b", 3, "h", "w")}, Declared(), "does not say the height"),
        ({"shape": ("b", 3, "h", "w")}, Declared(height=0, width=2), "height of 0"),
        ({"shape": ("b", 1, 4, 2)}, Declared(), "no colour pictures"),
        ({}, Declared(mean=(0.0,) * 3), "a mean without a deviation"),
        ({}, Declared(mean=(0.0,) * 3, std=(0.0,) * 3), "a deviation of 0 scales nothing"),
        ({}, Declared(mean=(0.0,) * 2, std=(1.0,) * 2), "not three channels"),
        ({}, Declared(metric="cosin"), "no metric 'cosin'"),
        ({}, Declared(output="vectr"), "no output 'vectr'. Did you mean 'vector'"),
        ({}, Declared(output="squares"), "no vector"),
        ({"metadata": {"mean": "grey", "std": "1"}}, Declared(), "says 'mean: grey'"),
        ({"metadata": {"occreid": "{}"}}, Declared(), "needs no import"),
        ({"inner": 7}, Declared(), "fails on a picture"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(file, declared, problem, write_onnx, tmp_path):
    source = write_onnx(tmp_path / "n.onnx", **file)
    with pytest.raises(UserError, match=problem):
        import_network(source, declared)
    assert [path.name for path in tmp_path.iterdir()] == ["n.onnx"]


def test_a_network_that_was_exchanged_since_is_refused(write_onnx, tmp_path):
    found = import_network(write_onnx(tmp_path / "net.onnx"), Declared(), tmp_path / "out")
    assert load_model(found.path).card["foreign"]
    write_onnx(found.path, axes=(3, 2))
    with pytest.raises(UserError, match=r"model\.onnx is not the file its card was written for"):
        load_model(tmp_path / "out")


def test_files_that_are_no_networks(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "weights.pt")
    (tmp_path / "text.pt2").write_text("no network")
    (tmp_path / "n.txt").write_text("")
    for name, problem in (
        ("weights.pt", "no TorchScript"),
        ("text.pt2", "cannot read"),
        ("n.txt", "is no network"),
        ("gone.onnx", "there is no file"),
    ):
        with pytest.raises(UserError, match=problem):
            import_network(tmp_path / name, Declared(height=4, width=2))
