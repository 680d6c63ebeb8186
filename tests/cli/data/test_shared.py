import pytest

from occreid.errors import UserError


def test_users_mistakes(run, tiny_market, tmp_path):
    for arguments, message in (
        (("verify", tmp_path / "gone"), "gone does not exist"),
        (("verify", tiny_market, "--name", "market1510"), "Did you mean 'market1501'"),
        (("verify", tiny_market, "--option", "strict"), "--option strict is not KEY=VALUE"),
        (("verify", tiny_market, "--option", "strict=banana"), "option 'strict' cannot be 'banana'"),
        (("stats", tiny_market, "--option", "strict=banana"), "option 'strict' cannot be 'banana'"),
        (("stats", tiny_market, "--name", "market1501", "--option", "strikt=no"), "Did you mean 'strict'"),
        (("stats", tiny_market, "--name", "msmt17", "--option", "train=val"), "cannot be 'val'"),
        (("crops", tiny_market, "--part", "vall"), "Did you mean 'val'"),
        (("synth", "--size", "huge", "--out", tmp_path / "out"), "huge"),
    ):
        with pytest.raises(UserError, match=message):
            run(*arguments)


@pytest.mark.parametrize("command", ["list", "verify", "stats", "synth", "crops", "build"])
def test_every_help_has_an_example(run, command):
    assert f"occreid data {command}" in run(command, "--help").stdout
