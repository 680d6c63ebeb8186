import pytest
import torch

from occreid.errors import UserError
from occreid.training import fastest
from occreid.training.fastest import chosen_by_first, is_open, settled
from occreid.training.folders import claim_run
from occreid.training.sources import build_model, load_sources

CPU = torch.device("cpu")


def prepared(recipe):
    split = load_sources(recipe).split
    return build_model(recipe, split), split.train


def test_only_what_is_auto_is_measured(tiny, monkeypatch):
    tried = []
    real = fastest.fastest
    monkeypatch.setattr(fastest, "fastest", lambda ways, *others: tried.append(ways) or real(ways, *others))
    for overrides, count in (
        (("training.precision=auto", "training.memory_format=auto"), 4),
        (("training.memory_format=auto",), 2),
        (("training.precision=auto",), 2),
    ):
        recipe = tiny(*overrides)
        assert is_open(recipe)
        chosen, lines = settled(recipe, *prepared(recipe), CPU)
        assert len(tried.pop()) == count and not is_open(chosen)
        assert lines[0].startswith(f"auto: {chosen.training.precision} {chosen.training.memory_format} is the fastest")
        assert lines[0].count("float32 contiguous") >= 1 and "images/s" in lines[0]
    assert not is_open(tiny())


def test_measuring_leaves_the_model_and_the_random_numbers_as_they_were(tiny):
    recipe = tiny("training.precision=auto", "training.memory_format=auto")
    model, records = prepared(recipe)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    settled(recipe, model, records, CPU)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_each_way_computes_as_it_says(tiny, monkeypatch):
    recipe = tiny("training.precision=auto", "training.memory_format=auto")
    model, records = prepared(recipe)
    seen = []
    normalize = type(model).normalize

    def watched(self, images):
        last = images.is_contiguous(memory_format=torch.channels_last)
        seen.append((last, self.backbone[0].weight.is_contiguous(memory_format=torch.channels_last),
                     torch.is_autocast_enabled("cpu")))  # fmt: skip
        return normalize(self, images)

    monkeypatch.setattr(type(model), "normalize", watched)
    settled(recipe, model, records, CPU)
    assert set(seen) == {(last, last, half) for last in (False, True) for half in (False, True)}


def test_other_processes_take_what_the_first_chose(tiny, tmp_path, monkeypatch):
    recipe = tiny("training.precision=auto", "training.memory_format=auto")
    claim_run(tmp_path, tiny("training.precision=bf16", "training.memory_format=channels_last"))
    read = chosen_by_first(recipe, tmp_path)
    assert (read.training.precision, read.training.memory_format) == ("bf16", "channels_last")
    monkeypatch.setattr(fastest, "_PATIENCE", 0)
    with pytest.raises(UserError, match="the first process has not written"):
        chosen_by_first(recipe, tmp_path / "nowhere")


def test_auto_never_takes_bfloat16_for_maps_that_a_strided_convolution_misreads(tiny, monkeypatch):
    """On processors with AMX such a step is NaN now and then, whatever its speed."""
    tried = []
    monkeypatch.setattr(fastest, "fastest", lambda ways, *others: (tried.append(ways) or ways[-1], {}))
    options = ("training.precision=auto", "method.options.backbone=resnet10t", "method.options.pretrained=none")
    for height, width, precisions in ((64, 32, {"float32"}), (128, 64, {"float32", "bfloat16"})):
        recipe = tiny(*options, "method.options.last_stride=2", f"data.height={height}", f"data.width={width}",
                      method="baseline")  # fmt: skip
        settled(recipe, *prepared(recipe), CPU)
        assert {way.precision for way in tried.pop()} == precisions
