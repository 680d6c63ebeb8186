"""The command line as a whole: what every command owes its user."""

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import occreid
from occreid import cli
from occreid.cli import expanded
from occreid.errors import UserError


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "occreid", *arguments], capture_output=True, text=True, check=False)


def commands(group=None, path=()):
    for name, command in (group or get_command(cli.app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['occreid', '--help']\n"
        "from occreid.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'cv2', 'lightning', 'pydantic', 'matplotlib', 'pyarrow', 'timm'}\n"
        "heavy &= set(sys.modules)\n"
        "print('HEAVY', sorted(heavy))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in result.stdout
    for name in ("demo", "train", "evaluate", "extract", "data"):
        assert name in result.stdout


def test_version_and_no_arguments():
    assert run("--version").stdout.strip() == f"occreid {occreid.__version__}"
    assert "Usage" in run().stdout


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda v: "-".join(v) if isinstance(v, tuple) else ""
)
def test_every_command_has_help_with_an_example(path, command):
    result = CliRunner().invoke(cli.app, [*path, "--help"])
    assert result.exit_code == 0
    assert f"occreid {' '.join(path)}" in " ".join(result.output.split()), "no example"


def test_a_users_mistake_is_two_lines_and_exit_code_2(monkeypatch, capsys):
    def fail(words):
        raise UserError("no folder 'x'.", "Give one that exists.")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert capsys.readouterr().err.splitlines() == ["occreid: no folder 'x'.", "         Give one that exists."]


def test_an_interruption_is_one_line_and_exit_code_130(monkeypatch, capsys):
    def interrupt(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 130 and "Traceback" not in capsys.readouterr().err


def test_an_unknown_command_is_refused():
    result = run("trian")
    assert result.returncode == 2 and "Traceback" not in result.stderr and "trian" in result.stderr


def test_a_real_mistake_through_the_real_entry_point(tmp_path):
    result = run("data", "verify", str(tmp_path / "nowhere"))
    assert result.returncode == 2
    assert "nowhere" in result.stderr and "Traceback" not in result.stderr and len(result.stderr.splitlines()) <= 2


def test_trust_in_code_may_stand_anywhere(monkeypatch):
    given = []
    monkeypatch.setattr(cli, "app", given.append)
    monkeypatch.setattr("sys.argv", ["occreid", "serve", "--model", "run", "--trust-code"])
    cli.main()
    assert given == [["--trust-code", "serve", "--model", "run"]]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("~/d", "{home}/d"),
        ("folder=~/d", "{home}/d"),
        ("--out=~/x", "{home}/x"),
        ("data.root=~/d", "{home}/d"),
        ("training.ema=~", None),
        ("a~/b", None),
        ("~other", None),
        ("it=a~/b", None),
    ],
)
def test_a_tilde_is_the_home_folder_wherever_a_path_can_stand(monkeypatch, word, meant):
    monkeypatch.setenv("HOME", "/home/anna")
    head = word.rpartition("=")[0] + "=" if "=" in word else ""
    assert expanded(word) == (word if meant is None else head + meant.format(home="/home/anna"))
