import pytest
import typer
from typer.testing import CliRunner

from occreid import training
from occreid.cli import train as command
from occreid.cli.groups import add
from occreid.errors import UserError


@pytest.fixture
def calls(monkeypatch):
    """What the command asked of `occreid.training`."""
    seen = []
    monkeypatch.setattr(training, "load_recipe", lambda name, settings: ("recipe", name, settings), raising=False)
    monkeypatch.setattr(
        training,
        "train",
        lambda recipe, out, **options: seen.append(("train", recipe, str(out), options)),
        raising=False,
    )
    monkeypatch.setattr(
        training, "resume", lambda run, **options: seen.append(("resume", str(run), options)), raising=False
    )
    return seen


def run(*arguments):
    app = typer.Typer()
    add(app, command)
    return CliRunner().invoke(app, list(arguments))


def test_a_recipe_is_trained_into_its_folder(calls):
    assert run("baseline/market1501", "--out", "runs/a", "--set", "data.p=8", "--set", "data.k=2").exit_code == 0
    assert calls == [
        ("train", ("recipe", "baseline/market1501", ["data.p=8", "data.k=2"]), "runs/a", {"progress": True})
    ]


def test_other_weights_reach_the_recipe_as_text_whatever_their_name(calls):
    run("r", "--out", "o", "--init-from", "it's 5e-4", "--quiet")
    assert calls == [("train", ("recipe", "r", ["training.init_from='it''s 5e-4'"]), "o", {"progress": False})]


def test_a_run_is_resumed(calls):
    assert run("--resume", "runs/a", "--set", "data.workers=0").exit_code == 0
    assert calls == [("resume", "runs/a", {"recipe": None, "overrides": ["data.workers=0"], "progress": True})]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no recipe given"),
        (("baseline/market1501",), "no run folder given"),
        (("--resume", "a", "--out", "b"), "--out and --resume exclude each other"),
        (("--resume", "a", "--init-from", "b"), "--init-from and --resume exclude each other"),
    ],
)
def test_what_does_not_go_together_is_refused(calls, arguments, message):
    result = run(*arguments)
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)
    assert calls == []


def test_help_shows_an_example():
    assert "occreid train baseline/market1501" in run("--help").output
