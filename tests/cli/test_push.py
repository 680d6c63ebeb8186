import pytest
import typer
from typer.testing import CliRunner

from occreid.cli import push
from occreid.cli.groups import add
from occreid.models import hub


@pytest.fixture
def run_push():
    app = typer.Typer()
    add(app, push)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_dry_writes_what_would_go_there(make_run, run_push, tmp_path):
    done = run_push(make_run(), "anna/colour", "--dry", tmp_path / "look")
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "look").iterdir()} == {"README.md", "model.json", "model.safetensors"}
    assert "look/README.md" in done.stdout


def test_push_says_how_the_model_is_loaded(run_push, monkeypatch):
    asked = []
    monkeypatch.setattr(hub, "push", lambda run, to, **how: asked.append((str(run), to, how)) or f"hf:{to}")
    done = run_push("runs/a", "anna/a", "--private", "-m", "First")
    assert done.stdout.strip() == 'occreid.load_model("hf:anna/a")'
    assert asked == [("runs/a", "anna/a", {"private": True, "message": "First"})]
