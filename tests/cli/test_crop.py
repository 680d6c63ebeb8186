import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import app
from occreid.data.images import read_image


@pytest.fixture
def scene(tmp_path):
    pixels = np.full((120, 200, 3), 128, np.uint8)
    pixels[40:100, 10:30] = (220, 30, 30)
    Image.fromarray(pixels).save(tmp_path / "street.png")
    rows = [{"file": "street.png", "x": 10, "y": 40, "width": 20, "height": 60}]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    return [str(tmp_path / "street.png"), "--detector", str(tmp_path / "boxes.json"), "--device", "cpu"]


def test_crops_are_written_and_counted(scene, tmp_path):
    words = ["crop", *scene, "--out", str(tmp_path / "out"), "--camera", "street"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert "1 crops" in found.output
    assert read_image(tmp_path / "out" / "000001_street.jpg").shape == (60, 20, 3)
    words[4:] = [*words[4:-4], "--out", str(tmp_path / "other"), "--json", "--track"]
    assert json.loads(CliRunner().invoke(app, words).stdout)["crops"] == 1


def test_mistakes_are_named(scene, tmp_path):
    for more, problem in (
        (["--model", "x"], "Add --track"),
        (["--start", "yesterday"], "--start 'yesterday' is not a moment"),
        (["--smallest", "200"], "no person was found"),
    ):
        found = CliRunner().invoke(app, ["crop", *scene, "--out", str(tmp_path / "out"), *more])
        assert problem in str(found.exception), found.output
        assert not (tmp_path / "out").exists()
