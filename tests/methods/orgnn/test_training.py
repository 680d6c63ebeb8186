"""The three legs in one run, as `occreid train` runs them."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.training import resume, train
from occreid.training.checkpoints import Checkpoint
from occreid.training.recipe_files import parse_recipe


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Pictures in Market-1501's layout with masks beside: 4 training persons × 4 images, 2 test persons."""
    root, rng = tmp_path_factory.mktemp("market"), np.random.default_rng(0)
    for folder, pids, cams in (
        ("bounding_box_train", range(1, 5), (1, 1, 2, 2)),
        ("query", (5, 6), (1,)),
        ("bounding_box_test", (5, 6), (2, 3)),
    ):
        (root / "data" / folder).mkdir(parents=True)
        for pid in pids:
            for number, cam in enumerate(cams):
                name = f"{pid:04}_c{cam}s1_{number:06}_00.png"
                pixels = np.clip(60 * (pid % 4) + rng.integers(0, 60, (64, 32, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / "data" / folder / name)
                mask = np.zeros((64, 32), np.uint8)
                mask[4 : 60 - 20 * (number % 2), 8:24] = 1
                write_mask(root / "masks" / folder / name, mask)
    return root


@pytest.fixture
def recipe(market):
    def build(*overrides, masks=True):
        method = {"backbone": "resnet10t", "pretrained": "none", "dim": 8, "last_stride": 2, "k": 2, "train_k": 3}
        content = {
            "method": {"name": "orgnn", "options": method},
            "data": {
                "name": "market1501",
                "root": str(market / "data"),
                "options": {"strict": False} | ({"test_masks": str(market / "masks")} if masks else {}),
                **({"masks": True, "mask_root": str(market / "masks")} if masks else {}),
                "height": 64,
                "width": 32,
                "p": 2,
                "k": 4,
                "workers": 0,
            },
            "training": {"epochs": 1, "evaluate_every": 0, "accelerator": "cpu"},
            "evaluation": {"ranks": [1]},
        }
        return parse_recipe(content, overrides)

    return build


def test_one_command_trains_three_legs_and_goes_on_in_any_of_them(recipe, tmp_path, monkeypatch):
    train(recipe(), tmp_path / "whole", progress=False)
    log = (tmp_path / "whole/log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log[1:]] == ["fen", "oan", "gnn"]
    assert (tmp_path / "whole/prepare/gnn/descriptors.safetensors").is_file()
    real, saves = Checkpoint.save, []

    def stop_after_each_leg(self, path):
        real(self, path)
        saves.append(self.stage)
        raise RuntimeError("killed")

    monkeypatch.setattr(Checkpoint, "save", stop_after_each_leg)
    with pytest.raises(RuntimeError, match="killed"):
        train(recipe(), tmp_path / "cut", progress=False)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="killed"):
            resume(tmp_path / "cut", progress=False)
    monkeypatch.undo()
    resume(tmp_path / "cut", progress=False)
    assert saves == [0, 1, 2]
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_one_leg_starts_from_another_runs_weights(recipe, tmp_path):
    train(recipe("method.options.train=[fen]"), tmp_path / "fen", progress=False)
    start = load_file(tmp_path / "fen/model.safetensors")
    train(
        recipe("method.options.train=[gnn]", f"training.init_from={tmp_path / 'fen'}"), tmp_path / "gnn", progress=False
    )
    end = load_file(tmp_path / "gnn/model.safetensors")
    changed = {name.split(".")[0] for name in end if not torch.equal(start[name], end[name])}
    assert changed <= {"gnn", "gnn_classifiers"} and "gnn_classifiers" in changed


def test_a_run_without_masks_says_at_once_what_is_missing(recipe, tmp_path):
    with pytest.raises(UserError, match="the training images have none"):
        train(recipe(masks=False), tmp_path / "run", progress=False)
    assert not (tmp_path / "run/checkpoints/last.ckpt").exists()
