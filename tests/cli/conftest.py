"""A benchmark and a model small enough that `evaluate` and `extract` run for real."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import evaluate, extract, gallery, search, shorten
from occreid.cli.groups import add
from occreid.errors import UserError
from occreid.models import create_model, save_model


@pytest.fixture(scope="session")
def market(tmp_path_factory):
    """Six persons in Market-1501's layout, one query and three gallery images each, three cameras."""
    root = tmp_path_factory.mktemp("data") / "market"
    generator = np.random.default_rng(0)
    for part, pids in (
        ("bounding_box_train", range(1, 5)),
        ("query", range(5, 11)),
        ("bounding_box_test", range(5, 11)),
    ):
        (root / part).mkdir(parents=True)
        for pid in pids:
            colour = np.random.default_rng(pid).integers(0, 255, 3)
            for camera in (1,) if part == "query" else (1, 2, 3):
                picture = np.clip(colour + generator.normal(0, 40, (32, 16, 3)) + 25 * camera, 0, 255).astype(np.uint8)
                assert cv2.imwrite(str(root / part / f"{pid:04d}_c{camera}s1_{pid:06d}_00.png"), picture)
    return root


@pytest.fixture
def make_run(tmp_path, market, monkeypatch):
    """Write a run folder of a class of `colour_method`; its card says it was trained on `market`."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delitem(sys.modules, "colour_method", raising=False)

    def make(name="run", cls="Colour", recipe=True, **options):
        data = {"name": "market1501", "root": str(market), "options": {"strict": False}}
        card = {"recipe": {"data": data}} if recipe else {}
        save_model(create_model(f"colour_method:{cls}", 4, **options), tmp_path / name, card)
        return tmp_path / name

    return make


@pytest.fixture
def occreid_cli():
    """Run `evaluate`, `extract` or `shorten` as typed; a `UserError` is raised, as `occreid.cli.main` catches it."""

    def run(*words):
        app = typer.Typer()
        for group in (evaluate, extract, shorten):
            add(app, group)
        result = CliRunner().invoke(app, [str(word) for word in words])
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


@pytest.fixture
def gallery_cli():
    """Run `gallery`, `search` or `extract` as typed; a `UserError` is raised, as `occreid.cli.main` would catch it."""

    def run(*words, code=0):
        app = typer.Typer()
        for group in (gallery, search, evaluate, extract):
            add(app, group)
        result = CliRunner().invoke(app, [str(word) for word in words])
        if isinstance(result.exception, UserError):
            result.exception.add_note(result.stdout)  # what was said before
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    return run


@pytest.fixture
def door(gallery_cli, make_run, tmp_path):
    """An empty gallery of a model, and the model."""
    run = make_run()
    text = gallery_cli("gallery", "create", tmp_path / "door", "--model", run)
    assert "1 parts of 3, cosine" in text
    return tmp_path / "door", run


@pytest.fixture
def crops(market):
    return market / "bounding_box_test"
