import json

from PIL import Image
from typer.testing import CliRunner

from occreid.cli import app


def test_crops_become_a_benchmark(tmp_path):
    for person in ("anna", "bert", "carl", "dora"):
        (tmp_path / "crops" / person).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (4, 8)).save(tmp_path / "crops" / person / f"{number}.png")
    words = ["data", "split", str(tmp_path / "crops"), "--out", str(tmp_path / "split.csv")]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert "6 train, 2 query, 4 gallery" in found.output and "--on folder=" in found.output
    assert json.loads(CliRunner().invoke(app, [*words, "--json", "--train", "0"]).stdout)["query"] == 4


def test_mistakes_are_named(tmp_path):
    found = CliRunner().invoke(app, ["data", "split", str(tmp_path / "gone"), "--out", str(tmp_path / "s.csv")])
    assert "does not exist" in str(found.exception)
