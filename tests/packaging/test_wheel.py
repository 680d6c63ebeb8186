"""The wheel in a fresh environment without extras: what a person gets who types `pip install`.

It fetches and unpacks gigabytes, so it runs with `make test-wheel` and in the forge's CI, not with every test run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.packaging

_CROPS = """
from pathlib import Path
import numpy as np
from PIL import Image
for pid in range(8):
    colour = np.random.default_rng(pid).integers(0, 255, 3)
    for camera in range(3):
        noise = np.random.default_rng(10 * pid + camera).normal(0, 20, (128, 64, 3))
        file = Path("crops") / f"c{camera}" / f"{pid:02d}_0.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(colour + noise, 0, 255).astype(np.uint8)).save(file)
"""
_MODEL = """
import torch, occreid
from occreid.models import save_model
from occreid.models.shipped import default_model, shipped_models
if shipped_models():
    name = default_model()
else:
    torch.manual_seed(0)
    save_model(occreid.create_model("baseline", 4, backbone="resnet18", pretrained="none"), name := "model")
d = occreid.load_model(name).embed("crops/c0/00_0.png")
assert d.features.shape[0] == 1 and d.features.isfinite().all()
print(name)
"""
_EXTRAS = """
import importlib.util as u
there = [n for n in ("anny", "lancedb", "pymilvus", "ray", "fastapi", "onnxruntime", "pytest") if u.find_spec(n)]
assert not there, there
import occreid
assert "site-packages" in occreid.__file__, occreid.__file__
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new environment that holds the wheel of this checkout and what it needs; its folder of commands."""
    where = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", where, ROOT], check=True)
    (wheel,) = where.glob("*.whl")
    python = where / "env" / "bin" / "python"
    locked = ["--constraint", str(ROOT / "requirements.lock"), str(wheel)]
    if uv := shutil.which("uv"):  # hard links into its cache: seconds instead of minutes
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, where / "env"], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *locked], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", where / "env"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *locked], check=True)
    yield python.parent
    shutil.rmtree(where / "env")


def test_the_wheel_embeds_and_evaluates_without_extras(environment, tmp_path):
    def run(*words, code=0):
        clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(words, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    python, occreid = environment / "python", environment / "occreid"
    run(python, "-c", _EXTRAS)
    run(python, "-c", _CROPS)
    model = run(python, "-c", _MODEL).splitlines()[-1]

    run(occreid, "data", "split", "crops", "--pattern", r"c(?P<camid>\d+)/(?P<pid>\d+)_.*", "--out", "split.csv")
    run(occreid, "evaluate", model, "--on", "folder=split.csv", "--out", "result.json")
    scores = "from occreid.retrieval import load_ranking; print(load_ranking('result.json').scores()['mAP'])"
    assert float(run(python, "-c", scores)) > 0.9  # a colour each: any network tells them apart

    listed = run(python, "-c", "from occreid.training import list_recipes; print(*list_recipes())")
    assert "ssgr/market1501" in listed  # recipes travel inside the package
    assert "pip install 'occreid[synth]'" in run(occreid, "demo", "--size", "tiny", "--out", "demo", code=2)
    assert "pip install 'occreid[gallery]'" in run(
        *(occreid, "gallery", "create", "galleries/g", "--model", model), code=2
    )
    assert "pip install 'occreid[export]'" in run(occreid, "export", model, "--images", "crops", code=2)
    assert "pip install 'occreid[serve]'" in run(
        *(occreid, "serve", "--model", model, "--gallery", "galleries/g", "--keys", "keys.json"), code=2
    )
