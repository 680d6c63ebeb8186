import importlib.util
import json
import re
import shutil

import pytest
import torch
import typer
from typer.testing import CliRunner

from occreid.cli import serve
from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.retrieval.calibration import Calibration
from occreid.serve.keys import KeyRing


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Run `occreid serve` as typed, in an empty folder; a `UserError` is raised, as `main` would catch it."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        app = typer.Typer()
        serve.register(app)
        app.command("other")(lambda: None)
        result = CliRunner().invoke(app, ["serve", *(str(word) for word in words)])
        if isinstance(result.exception, UserError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return call


def test_a_key_is_made_listed_and_revoked(cli, tmp_path):
    token = cli("keys", "add", "anna", "--role", "search", "--role", "enrol").stdout.strip()
    ring = KeyRing(tmp_path / "keys.json")
    key = ring.find(token)
    assert key is not None and key.roles == ("enrol", "search")
    listed = cli("keys", "list").stdout
    assert re.search(rf"{key.id}  anna +enrol, search +made \d{{4}}-\d\d-\d\d  valid", listed) and token not in listed
    assert "revoked" in cli("keys", "revoke", key.id).stdout and ring.find(token) is None
    assert "revoked 2" in cli("keys", "list").stdout


def test_keys_as_json(cli):
    made = json.loads(cli("keys", "add", "bert", "--role", "admin", "--keys", "k.json", "--json").stdout)
    assert made["name"] == "bert" and made["roles"] == ["admin"] and made["key"].startswith(f"occ_{made['id']}_")
    (row,) = json.loads(cli("keys", "list", "--keys", "k.json", "--json").stdout)
    assert row["id"] == made["id"] and row["revoked"] is None and "sha256" not in row and "key" not in row


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


def test_calibrating_writes_a_file_and_says_what_it_is_worth(cli, extracted, tmp_path):
    done = cli("calibrate", extracted / "query", "--prior", 0.2)
    assert (
        re.search(r"expected calibration error 0\.\d+, Brier score 0\.\d+", done.stdout)
        and "too sure" not in done.stderr
    )
    found = Calibration.load(tmp_path / "calibration.json", weights_hash="w", metric="cosine")
    assert found.prior == 0.2 and found.fitted_on == "toy query"


def test_a_curve_is_checked_on_other_descriptors(cli, extracted, tmp_path):
    text = cli("calibrate", extracted / "train", "--check", extracted / "query").stdout
    assert re.search(r"on .*query: expected calibration error 0\.\d+, Brier", text)
    other = tmp_path / "other"
    shutil.copytree(extracted, other)
    about = json.loads((other / "extraction.json").read_text())
    (other / "extraction.json").write_text(json.dumps({**about, "weights_sha256": "v"}))
    with pytest.raises(UserError, match="another model"):
        cli("calibrate", extracted / "train", "--check", other / "query")


def test_calibrating_on_training_persons_is_warned_of(cli, extracted):
    assert "too sure" in cli("calibrate", extracted / "train", "--out", "c.json").stderr
    assert json.loads(cli("calibrate", extracted / "train", "--out", "c.json", "--json").stdout)["metric"] == "cosine"


def test_descriptors_of_unknown_origin_are_refused(cli, extracted):
    (extracted / "extraction.json").unlink()
    with pytest.raises(UserError, match="occreid extract"):
        cli("calibrate", extracted / "query")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--model is not given"),
        (["--model", "run"], "--gallery is not given"),
        (["--model", "run", "--gallery", "g"], "no keys file"),
        (["--model", "run", "--gallery", "g", "--host", "0.0.0.0"], "--behind-proxy"),
        (["--model", "run", "--gallery", "g", "--rate", "0"], "rate is 0"),
        (["--model", "run", "--gallery", "g", "--retention-days", "0"], "retention_days is 0"),
        (["keys", "add", "anna", "--role", "serach"], "Did you mean 'search'"),
        (["keys", "revoke", "x"], "no keys file"),
    ],
)
def test_mistakes_are_named_before_anything_starts(cli, words, message):
    with pytest.raises(UserError, match=message):
        cli(*words)


def test_a_missing_model_is_named(cli):
    cli("keys", "add", "anna", "--role", "search")
    with pytest.raises(UserError, match="no model 'run'"):
        cli("--model", "run", "--gallery", "g")


def test_a_system_without_fcntl_is_named_and_keys_are_made_all_the_same(cli, monkeypatch):
    honest = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "fcntl" else honest(name))
    cli("keys", "add", "anna", "--role", "search")
    with pytest.raises(UserError, match="does not run on this system"):
        cli("--model", "run", "--gallery", "g")


def test_the_audit_log_is_verified(cli, tmp_path):
    from occreid.serve.audit import AuditLog

    log = AuditLog(tmp_path / "audit.jsonl")
    log.write("search", k=1)
    log.close()
    assert "1 lines, unbroken" in cli("audit", "verify").stdout
    (tmp_path / "audit.jsonl").write_bytes((tmp_path / "audit.jsonl").read_bytes().replace(b'"k":1', b'"k":2'))
    with pytest.raises(AssertionError, match="NOT unbroken"):  # exit code 1
        cli("audit", "verify")


def test_a_key_may_end_by_itself(cli):
    cli("keys", "add", "anna", "--role", "search", "--days", 3)
    cli("keys", "add", "bert", "--role", "search", "--days", 0)
    assert re.search(r"anna .* valid until \d{4}", cli("keys", "list").stdout)
    assert re.search(r"bert .* expired until \d{4}", cli("keys", "list").stdout)
