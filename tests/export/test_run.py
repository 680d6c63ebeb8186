from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from occreid.errors import UserError
from occreid.export import export_run
from occreid.models import create_trainable, load_masker, save_model


@pytest.fixture
def run(small, tmp_path):
    save_model(small("baseline"), tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"pictures/{number}.png")
    return tmp_path / "pictures"


def never():
    raise AssertionError("no benchmark is needed")


def test_a_folder_of_pictures_needs_no_benchmark(run, folder, tmp_path):
    done = export_run(run, never, kind="torchscript", images=folder, out=tmp_path / "m.torchscript")
    assert done.file.stat().st_size == done.size and done.parity.images == 3 and not done.masks and done.int8 is None
    about = done.to_json()
    assert about["inputs"] == ["images"] and about["file"] == str(tmp_path / "m.torchscript") and "int8" not in about


def test_the_file_goes_into_the_run_folder(run, folder):
    assert export_run(run, never, kind="torchscript", images=folder).file == run / "model.torchscript"
    assert export_run(run / "model.safetensors", never, kind="torchscript", images=folder).file.parent == run


def test_an_equipped_model_is_compared_on_a_folder_by_its_own_masks(small, folder, tmp_path):
    model = small("orgnn", mode="oan+orgnn")
    parser = create_trainable("parser", 1, backbone="resnet10t", pretrained="none", channels=8)
    parser.input_size = (48, 24)
    save_model(parser, tmp_path / "parser")
    save_model(model, tmp_path / "bare")
    with pytest.raises(UserError, match="this model needs them") as caught:
        export_run(tmp_path / "bare", never, kind="torchscript", images=folder)
    assert "occreid equip" in caught.value.hint
    model.masker = load_masker(save_model(parser, tmp_path / "parser"))
    save_model(model, tmp_path / "both")
    done = export_run(tmp_path / "both", never, kind="torchscript", images=folder)
    assert done.masks and done.parity.images == 3


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"kind": "torchscript", "int8": "static"}, "belongs to --format onnx"),
        ({"kind": "safetensors"}, "holds its weights as safetensors already"),
        ({"kind": "torchscript", "images": Path("gone")}, "no folder gone"),
    ],
)
def test_mistakes_are_said_before_anything_is_written(run, options, problem):
    before = sorted(run.iterdir())
    with pytest.raises(UserError, match=problem):
        export_run(run, never, **options)
    assert sorted(run.iterdir()) == before
