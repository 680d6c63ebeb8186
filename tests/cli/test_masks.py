import json

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import masks
from occreid.cli.groups import add
from occreid.data import load_benchmark
from occreid.errors import UserError


@pytest.fixture
def silhouettes(market, tmp_path):
    """One silhouette, the upper half, for every picture of `market`."""
    folder = tmp_path / "silhouettes"
    grey = np.zeros((32, 16), np.uint8)
    grey[:16] = 255
    for image in market.rglob("*.png"):
        target = folder / image.relative_to(market)
        target.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(target), grey)
    return folder


@pytest.fixture
def command():
    def run(*words):
        app = typer.Typer()
        add(app, masks)
        app.command("other")(lambda: None)
        result = CliRunner().invoke(app, ["masks", *(str(word) for word in words)])
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_silhouettes_become_masks_that_evaluation_finds(command, market, silhouettes, tmp_path):
    words = (market, "--name", "market1501", "--option", "strict=false", "--out", tmp_path / "m")
    text = command(*words, "--silhouettes", silhouettes)
    assert "36 images, 36 masked now, in 0 of these nobody was found" in text
    found = json.loads(command(*words, "--silhouettes", silhouettes, "--json"))
    assert found == {"out": str(tmp_path / "m"), "images": 36, "made": 0, "empty": 0}
    split = load_benchmark("market1501", market, strict=False, test_masks=str(tmp_path / "m"))
    assert all(record.mask and record.mask.is_file() for record in (*split.query, *split.gallery))


def test_where_masks_come_from_must_be_said_once(command, market, silhouettes, tmp_path):
    words = (market, "--name", "market1501", "--option", "strict=false", "--out", tmp_path / "m")
    for more in ((), ("--weights", "coco", "--silhouettes", silhouettes)):
        with pytest.raises(UserError, match="not clear where the masks come from"):
            command(*words, *more)
    with pytest.raises(UserError, match="there are no weights"):
        command(*words, "--weights", tmp_path / "none.pth")
