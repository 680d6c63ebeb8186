import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def toys_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")]))


@pytest.fixture(scope="session")
def market(tmp_path_factory):
    """Random-coloured pictures in Market-1501's layout: 4 training persons × 4 images, 2 test persons."""
    root = tmp_path_factory.mktemp("market")
    rng = np.random.default_rng(0)
    for folder, pids, cams in (
        ("bounding_box_train", range(1, 5), (1, 1, 2, 2)),
        ("query", (5, 6), (1,)),
        ("bounding_box_test", (5, 6), (2, 2)),
    ):
        (root / folder).mkdir()
        for pid in pids:
            colour = np.random.default_rng(pid).integers(0, 256, 3)
            for number, cam in enumerate(cams):
                noise = rng.integers(-30, 31, (32, 16, 3))
                pixels = np.clip(colour + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / folder / f"{pid:04}_c{cam}s1_{number:06}_00.png")
    return root


@pytest.fixture(scope="session")
def mask_root(market, tmp_path_factory):
    """A mask for every picture of `market`, as `occreid parse` lays them out."""
    root = tmp_path_factory.mktemp("market-masks")
    rng = np.random.default_rng(1)
    for picture in sorted(market.rglob("*.png")):
        target = root / picture.relative_to(market)
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 5, (32, 16)).astype(np.uint8)).save(target)
    return root


@pytest.fixture
def tiny(market):
    """Overrides → a recipe that trains a toy on `market` in a second."""
    from occreid.training.recipe_files import parse_recipe

    def build(*overrides, method="reid_toys:Toy"):
        content = {
            "method": {"name": method},
            "data": {
                "name": "market1501",
                "root": str(market),
                "options": {"strict": False},
                "height": 32,
                "width": 16,
                "p": 2,
                "k": 2,
                "workers": 0,
                "transform": {"pad": 2},
            },
            "optimizer": {"lr": 0.01},
            "training": {"epochs": 2, "evaluate_every": 1, "accelerator": "cpu"},
            "evaluation": {"ranks": [1, 2]},
        }
        return parse_recipe(content, overrides)

    return build
