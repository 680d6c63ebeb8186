import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import app
from occreid.models import create_model, save_model


@pytest.fixture
def words(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "street.png")
    Image.fromarray(pixels[40:100, 10:30]).save(tmp_path / "person.png")
    rows = [{"file": "street.png", "x": x, "y": 40, "width": 20, "height": 60} for x in (10, 60, 150)]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    model = create_model("baseline", 2, backbone="resnet18", pretrained="none")
    model.input_size = (32, 16)
    save_model(model, tmp_path / "run")
    given = {"--detector": "boxes.json", "--model": "run"}
    return [
        *("find", str(tmp_path / "person.png"), str(tmp_path / "street.png"), "--device", "cpu"),
        *(word for key, name in given.items() for word in (key, str(tmp_path / name))),
    ]


def test_the_person_comes_first_with_place_and_sheet(words, tmp_path):
    found = CliRunner().invoke(app, [*words, "--sheet", str(tmp_path / "found.png"), "-k", "2"])
    assert found.exit_code == 0, found.output
    first = found.output.splitlines()[0].split()
    assert first[0] == "1" and float(first[1]) < 1e-3 and first[-1] == "10,40,20,60"
    assert (tmp_path / "found.png").is_file() and "its" not in first
    answers = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert answers[0]["x"] == 10 and len(answers) == 3


def test_a_sheet_that_cannot_be_written_takes_no_answer_away(words, tmp_path):
    (tmp_path / "file").write_text("")
    found = CliRunner().invoke(app, [*words, "--sheet", str(tmp_path / "file/found.png")])
    assert "cannot" in str(found.exception) and len(found.output.splitlines()) == 3


def test_a_missing_picture_is_named_before_the_search(words):
    words[1] = "gone.jpg"
    assert "no image gone.jpg" in str(CliRunner().invoke(app, words).exception)
