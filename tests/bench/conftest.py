from pathlib import Path

import pytest

TOYS = Path(__file__).parents[1] / "models"


@pytest.fixture(autouse=True)
def toys_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS))


@pytest.fixture
def list_file(tmp_path):
    """Write a list of models."""

    def write(text):
        file = tmp_path / "toys.bench.yaml"
        file.write_text(text)
        return file

    return write
