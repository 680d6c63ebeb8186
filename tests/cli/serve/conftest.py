import json

import pytest
import torch
import typer
from typer.testing import CliRunner

from occreid.cli import serve
from occreid.cli.groups import add
from occreid.descriptors import Descriptors
from occreid.errors import UserError


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Run `occreid serve` as typed, in an empty folder; a `UserError` is raised, as `main` would catch it."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        app = typer.Typer()
        add(app, serve)
        app.command("other")(lambda: None)
        result = CliRunner().invoke(app, ["serve", *(str(word) for word in words)])
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return call


@pytest.fixture
def extracted(tmp_path):
    """A folder as `occreid extract` leaves it, of forty persons seen by three cameras."""
    generator = torch.Generator().manual_seed(0)
    features = (torch.randn(40, 1, 8, generator=generator) + 0.5 * torch.randn(40, 6, 8, generator=generator)).flatten(
        0, 1
    )
    pids = torch.arange(40).repeat_interleave(6)
    for part in ("query", "train"):
        Descriptors(features, pids=pids, camids=torch.arange(240) % 3).save(tmp_path / "d" / part)
    about = {"metric": "cosine", "weights_sha256": "w", "benchmark": "toy"}
    (tmp_path / "d" / "extraction.json").write_text(json.dumps(about))
    return tmp_path / "d"
