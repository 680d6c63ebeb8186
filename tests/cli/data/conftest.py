"""`occreid data` as typed, and a benchmark of four pictures."""

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from occreid.cli import data
from occreid.cli.groups import add


@pytest.fixture
def run():
    """stdout and stderr of a command that must leave with this exit code; a `UserError` is raised."""
    app = typer.Typer()
    add(app, data)

    def call(*words, code=0):
        result = CliRunner().invoke(app, ["data", *map(str, words)], catch_exceptions=False, env={"COLUMNS": "250"})
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture
def tiny_market(tmp_path):
    names = (
        "bounding_box_train/0002_c1s1_000451_03.jpg",
        "query/0001_c1s1_001051_00.jpg",
        "bounding_box_test/0000_c3s2_000151_01.jpg",
        "bounding_box_test/0001_c2s1_001976_01.jpg",
    )
    generator = np.random.default_rng(0)
    for name in names:
        path = tmp_path / "market" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (16, 8, 3), dtype=np.uint8)).save(path)
    return tmp_path / "market"
