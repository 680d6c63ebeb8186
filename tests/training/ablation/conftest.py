import json
import os
import textwrap
from pathlib import Path

import pytest
import yaml

from occreid.training.ablation import load_plan
from occreid.training.recipe_files import dump_recipe

TOYS = Path(__file__).parents[1]
RECIPE = {
    "method": {"name": "reid_toys:Toy", "options": {"width": 4, "dropout": 0.5}},
    "data": {"name": "market1501", "root": "data/market", "options": {"strict": False}, "height": 32, "width": 16,
             "p": 2, "k": 2, "workers": 0, "transform": {"pad": 2}},
    "optimizer": {"lr": 0.01},
    "training": {"epochs": 1, "accelerator": "cpu"},
    "evaluation": {"ranks": [1, 2]},
}  # fmt: skip
LADDER = """
recipe: {recipe}
seeds: [0, 1]
paper: {{benchmark: occluded_duke, metrics: [mAP, R-1]}}
rows:
  - {{name: base, paper: [49.1, 58.5]}}
  - {{name: + wide, set: {{method.options.width: 8}}, paper: [51, null]}}
  - {{name: plain, unset: [method.options.width], set: {{optimizer.lr: 5e-3}}}}
"""


@pytest.fixture(autouse=True)
def toys_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOYS), str(TOYS.parents[1] / "src")]))


@pytest.fixture
def recipe_file(tmp_path):
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(RECIPE))
    return file


@pytest.fixture
def ladder_file(tmp_path, recipe_file):
    """Write a ladder; ``{recipe}`` in the text is the toy's recipe."""

    def write(text=LADDER):
        file = tmp_path / "toy.ablate.yaml"
        file.write_text(textwrap.dedent(text).format(recipe=recipe_file))
        return file

    return write


@pytest.fixture
def plan(ladder_file, tmp_path):
    return load_plan(ladder_file(), tmp_path / "out")


@pytest.fixture
def finish():
    """Write what a finished run leaves, with these scores in [0, 1]."""

    def write(run, mean_ap, rank_1=0.5, benchmark="occsynth", protocol=None, counts=None):
        entry = {
            "benchmark": benchmark,
            "scores": {"mAP": mean_ap, "R-1": rank_1},
            "protocol": {"metric": "cosine", "same_camera": "junk", "ap": "step", "shots": "multi", "draws": 1,
                         "seed": 0, "rerank": None, "ranks": [1], **(protocol or {})},
            "counts": {"query": {"images": 4}, "gallery": {"images": 1800}, **(counts or {})},
        }  # fmt: skip
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / "recipe.yaml").write_text(dump_recipe(run.recipe))
        content = {"versions": {"python": "3.11"}, "benchmarks": [entry]}
        (run.folder / "result.json").write_text(json.dumps(content))

    return write
