"""The second stream must be resumable, balanced, and invisible to the statistics of the first."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from occreid.data.images import MEAN_PIXEL
from occreid.errors import UserError
from occreid.methods import Stage
from occreid.records import Record
from occreid.training import resume, train
from occreid.training.checkpoints import Checkpoint
from occreid.training.module import Leg, TrainingModule
from occreid.training.recipe import DataSection
from occreid.training.second_stream import second_loader, statistics_kept
from occreid.training.sources import build_model, load_sources


@pytest.fixture
def streams(tiny, market, mask_root):
    """Overrides → a recipe with a second stream of three pictures a step."""
    section = {"name": "market1501", "root": str(market), "mask_root": str(mask_root), "batch": 3}
    section |= {"options": {"strict": False}, "transform": {"pad": 2}}

    def build(*overrides, **more):
        return tiny(f"data.parsing={json.dumps(section | more)}", *overrides, method="reid_toys:Streams")

    return build


def drawn(loader, epochs):
    found = []
    for epoch in range(epochs):
        loader.set_epoch(epoch)
        found.append([batch.indices.tolist() for batch in loader])
    return found


def test_every_picture_comes_once_before_any_comes_again(streams):
    recipe = streams()
    records = load_sources(recipe).parsing
    epochs = drawn(second_loader(records, recipe.data, seed=1, steps=4), 4)
    assert [len(epoch) for epoch in epochs] == [4] * 4
    flat = [index for epoch in epochs for batch in epoch for index in batch]
    assert all(len(set(batch)) == 3 for epoch in epochs for batch in epoch)
    for start in (0, 16, 32):
        assert sorted(flat[start : start + 16]) == list(range(16))
    assert drawn(second_loader(records, recipe.data, seed=2, steps=4), 4) != epochs


def test_processes_share_the_pictures_of_a_step(streams):
    recipe = streams()
    records = load_sources(recipe).parsing
    one, two = (
        drawn(second_loader(records, recipe.data, seed=1, steps=5, rank=rank, world_size=2), 1) for rank in (0, 1)
    )
    assert all(not set(a) & set(b) for a, b in zip(one[0], two[0], strict=True))


def test_a_batch_carries_masks_of_the_recipes_size(streams):
    recipe = streams()
    loader = second_loader(load_sources(recipe).parsing, recipe.data, seed=1, steps=1)
    batch = next(iter(loader))
    assert batch.masks.shape == (3, 32, 16) and batch.images.shape == (3, 3, 32, 16)


def test_labels_stay_with_their_pixels_through_flip_shift_and_erasing(tmp_path):
    """A person whose colour says the part: after all augmentation colour and label still agree."""
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 5, (32, 16)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), np.repeat(50 * mask[..., None], 3, 2))
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    transform = {"flip": 0.5, "pad": 3, "erase": 0.7}
    section = {"name": "toy", "root": "r", "batch": 1, "transform": transform}
    data = DataSection.model_validate(
        {"name": "t", "root": "r", "height": 32, "width": 16, "workers": 0, "parsing": section}
    )
    loader = second_loader([Record(tmp_path / "a.png", 0, 0, mask=tmp_path / "m.png")], data, seed=0, steps=40)
    seen = [(batch.images[0, 0], batch.masks[0]) for batch in loader]
    for image, labels in seen:
        assert torch.equal(image[labels > 0], 50 * labels[labels > 0])
        assert all(colour in (0, MEAN_PIXEL[0]) for colour in image[labels == 0].unique().tolist())
    assert len({labels.numpy().tobytes() for _, labels in seen}) == 40
    assert 0 < sum(bool((image == MEAN_PIXEL[0]).any()) for image, _ in seen) < 40


def test_too_few_pictures_are_named(streams):
    recipe = streams(batch=9)
    with pytest.raises(UserError, match=r"batches of 9 pictures on 2 processes need 18, market1501 has 16.*8 or less"):
        second_loader(load_sources(recipe).parsing, recipe.data, seed=1, steps=1, world_size=2)


def test_statistics_are_kept_and_the_batch_is_still_normalised_by_its_own():
    layers = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5))
    before = {name: value.clone() for name, value in layers.state_dict().items()}
    x = 7 + 3 * torch.randn(6, 3, 4, 4)
    with statistics_kept(layers):
        y = layers(x)
    torch.testing.assert_close(y.mean(0), torch.zeros(5), atol=1e-4, rtol=0)  # the batch's own mean
    after = layers.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    layers(x)
    assert layers[1].num_batches_tracked == 1 and not torch.equal(layers[1].running_mean, before["1.running_mean"])


def test_frozen_layers_keep_using_their_running_statistics():
    layer = nn.BatchNorm1d(3).eval()
    x = 5 + torch.randn(4, 3)
    with statistics_kept(layer):
        torch.testing.assert_close(layer(x), x / (1 + 1e-5) ** 0.5)


def test_statistics_are_tracked_again_after_an_error():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(RuntimeError), statistics_kept(layer):
        raise RuntimeError
    assert layer.track_running_stats


def test_training_adds_the_gradients_of_both_streams_and_only_the_first_moves_statistics(streams, tmp_path):
    recipe = streams("method.options.dropout=0.0")
    sources = load_sources(recipe)
    one, two = (build_model(recipe, sources.split) for _ in range(2))
    leg = Leg(Stage("main", one.losses, (one,)), 0, 1)
    module = TrainingModule(one, leg, recipe, sources.split.train, tmp_path, parsing=sources.parsing)
    second = next(iter(second_loader(sources.parsing, recipe.data, seed=5, steps=1)))
    first = replace(second, labels=second.labels % 2)
    module._second, module._second_batches = object(), iter([second])
    module._generator.manual_seed(3)
    one.augment = two.augment = lambda batch, generator: batch
    module.training_step(first, 0).backward()
    two.losses(first)["id"].backward()
    expected = [p.grad.clone() if p.grad is not None else torch.zeros_like(p) for p in two.parameters()]
    statistics = two.backbone[1].running_mean.clone()
    two.zero_grad()
    two.parsing_losses(second)["covered"].backward()
    for mine, base, p in zip(one.parameters(), expected, two.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, base + (0 if p.grad is None else p.grad))
    assert torch.equal(one.backbone[1].running_mean, statistics)
    assert not torch.equal(two.backbone[1].running_mean, statistics)
    assert module.mean_losses().keys() == {"id", "covered"}


def test_a_stopped_run_with_two_streams_resumes_to_the_same_bits(monkeypatch, streams, tmp_path):
    recipe = streams("training.epochs=3", "data.workers=1", "training.ema=0.9")
    save, saved = Checkpoint.save, []

    def stop(self, path):
        saved.append(path)
        if len([p for p in saved if p.name == "last.ckpt"]) == 2:
            raise RuntimeError("killed")
        save(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        with pytest.raises(RuntimeError, match="killed"):
            train(recipe, tmp_path / "a", progress=False)
    resume(tmp_path / "a", progress=False)
    train(streams("training.epochs=3", "training.ema=0.9"), tmp_path / "b", progress=False)
    one, other = (load_file(tmp_path / run / "model.safetensors") for run in ("a", "b"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert "loss_covered" in (tmp_path / "b/log.csv").read_text().splitlines()[0]


def test_two_processes_train_with_two_streams(streams, tmp_path):
    import subprocess
    import sys

    from occreid.training.recipe_files import dump_recipe

    program = "import sys, torch\ntorch.set_num_threads(1)\nfrom occreid.training import load_recipe, train\n"
    (tmp_path / "program.py").write_text(program + "train(load_recipe(sys.argv[1]), sys.argv[2], progress=False)\n")
    recipe = streams("training.devices=2", "training.evaluate_every=0", "training.epochs=1")
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    ended = subprocess.run(
        [sys.executable, tmp_path / "program.py", tmp_path / "recipe.yaml", tmp_path / "run"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run/result.json").is_file()
