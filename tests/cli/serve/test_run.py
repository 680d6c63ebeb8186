import importlib.util
import socket

import pytest

from occreid.errors import UserError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--gallery is not given"),
        (["--model", "run"], "--gallery is not given"),
        (["--model", "run", "--gallery", "g"], "no keys file"),
        (["--model", "run", "--gallery", "g", "--host", "0.0.0.0"], "--behind-proxy"),
        (["--model", "run", "--gallery", "g", "--rate", "0"], "rate is 0"),
        (["--model", "run", "--gallery", "g", "--max-body", "inf"], "--max-body inf is no limit"),
        (["--model", "run", "--gallery", "g", "--rate", "nan"], "--rate nan is no limit"),
        (["--model", "run", "--gallery", "g", "--retention-days", "0"], "retention_days is 0"),
        (["keys", "add", "anna", "--role", "serach"], "Did you mean 'search'"),
        (["keys", "revoke", "x"], "no keys file"),
    ],
)
def test_mistakes_are_named_before_anything_starts(cli, words, message):
    with pytest.raises(UserError, match=message):
        cli(*words)


def test_a_missing_model_is_named_and_the_port_left(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    cli("keys", "add", "anna", "--role", "search")
    with pytest.raises(UserError, match="no model 'run'"):
        cli("--model", "run", "--gallery", "g", "--port", port)
    socket.create_server(("127.0.0.1", port), reuse_port=False).close()


def test_a_system_without_fcntl_is_named_and_keys_are_made_all_the_same(cli, monkeypatch):
    honest = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "fcntl" else honest(name))
    cli("keys", "add", "anna", "--role", "search")
    with pytest.raises(UserError, match="does not run on this system"):
        cli("--model", "run", "--gallery", "g")
