import json
import multiprocessing
import os
import stat
import time

import pytest

from occreid.errors import UserError
from occreid.files import locked
from occreid.serve.keys import Key, KeyRing, add_key, read_keys, revoke_key
from occreid.serve.scope import Scope


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def test_a_key_opens_and_the_file_does_not_hold_it(path):
    key, token = add_key(path, "anna", ["search", "enrol"])
    assert KeyRing(path).find(token) == key and key.roles == ("enrol", "search") and key.name == "anna"
    text = path.read_text()
    assert token not in text and token.split("_", 2)[2] not in text and key.sha256 in text


def test_only_the_owner_can_read_the_file(path):
    add_key(path, "anna", ["search"])
    add_key(path, "bert", ["enrol"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(path.parent)) == [".keys.json.lock", "keys.json"]  # no half file is left


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "x", lambda t: "", lambda t: "occ__", lambda t: "ü_\udce4_x"]
)
def test_anything_else_does_not(path, change):
    _, token = add_key(path, "anna", ["search"])
    assert KeyRing(path).find(change(token)) is None


def test_the_secret_of_one_key_does_not_open_another(path):
    first, token = add_key(path, "anna", ["search"])
    second, _ = add_key(path, "bert", ["admin"])
    assert KeyRing(path).find(token.replace(first.id, second.id)) is None


def test_two_keys_are_never_alike(path):
    tokens = {add_key(path, "anna", ["search"])[1] for _ in range(5)}
    assert len(tokens) == 5 and all(len(token) > 50 for token in tokens)


def test_a_ring_notices_what_changes_while_it_is_used(path):
    key, token = add_key(path, "anna", ["search"])
    ring = KeyRing(path)
    assert ring.find(token) is not None
    revoke_key(path, key.id)
    assert ring.find(token) is None
    _, later = add_key(path, "bert", ["search"])
    assert ring.find(later) is not None


def test_a_revoked_key_stays_in_the_file_with_its_day(path):
    key, _ = add_key(path, "anna", ["search"])
    gone = revoke_key(path, key.id)
    assert gone.revoked is not None and abs(gone.revoked - time.time()) < 60
    assert revoke_key(path, key.id).revoked == gone.revoked  # twice changes nothing
    assert [k.revoked for k in read_keys(path)] == [gone.revoked]


@pytest.mark.parametrize(
    ("roles", "asked", "may"),
    [
        (("search",), ("search",), True),
        (("search",), ("enrol",), False),
        (("enrol", "search"), ("search", "monitor"), True),
        (("admin",), ("search",), True),
        (("search", "enrol", "monitor"), ("admin",), False),
        (("admin",), (), True),
        (("search",), (), False),
    ],
)
def test_what_a_key_may(roles, asked, may):
    assert Key("1", "anna", roles, "", 0.0).may(*asked) is may
    assert not Key("1", "anna", roles, "", 0.0, revoked=1.0).may(*asked)


@pytest.mark.parametrize(
    ("name", "roles", "message"),
    [
        ("anna", ["serach"], "Did you mean 'search'"),
        ("anna", [], "a name and a role"),
        (" ", ["search"], "a name and a role"),
    ],
)
def test_mistakes_are_named(path, name, roles, message):
    with pytest.raises(UserError, match=message):
        add_key(path, name, roles)
    assert not path.exists()


def test_a_missing_file_says_how_to_make_one(path):
    for ask in (lambda: read_keys(path), lambda: revoke_key(path, "x"), lambda: KeyRing(path).find("x")):
        with pytest.raises(UserError, match="occreid serve keys add"):
            ask()
    assert not path.exists()


KEY = {"id": "a", "name": "n", "roles": ["admin"], "sha256": "x", "created": 0}


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"keys": [{"id": 1}]}', '{"keys": [3]}', "[" * 100_000]
    + [
        json.dumps({"keys": [{**KEY, **odd}]})
        for odd in ({"expires": "never"}, {"sha256": 5}, {"roles": "search"}, {"created": None, "id": 1})
    ],
)
def test_a_damaged_file_lets_nobody_in(path, text):
    path.write_text(text)
    with pytest.raises(UserError, match="damaged"):
        KeyRing(path).find("occ_a_b")
    with pytest.raises(UserError, match="damaged"):
        add_key(path, "anna", ["search"])
    assert path.read_text() == text


def test_an_unknown_key_cannot_be_revoked(path):
    key, _ = add_key(path, "anna", ["search"])
    with pytest.raises(UserError, match=f"Known: {key.id}"):
        revoke_key(path, "zzz")
    assert json.loads(path.read_text())["keys"][0]["revoked"] is None


def test_two_commands_do_not_change_the_file_at_once(path):
    add_key(path, "anna", ["search"])
    context = multiprocessing.get_context("fork")
    ready = context.Event()

    def hold():
        with locked(path):
            ready.set()
            time.sleep(60)

    other = context.Process(target=hold)
    other.start()
    assert ready.wait(20)
    with pytest.raises(UserError, match="another process is changing"):
        add_key(path, "bert", ["search"])
    other.kill()  # the lock of a dead process holds nobody up
    other.join()
    add_key(path, "bert", ["search"])
    assert len(read_keys(path)) == 2


def test_a_key_opens_nothing_after_its_time(tmp_path):
    now = time.time()
    (_, old), (key, young) = (add_key(tmp_path / "k.json", "a", ["search"], expires=now + by) for by in (-1, 60))
    ring = KeyRing(tmp_path / "k.json")
    assert ring.find(old) is None and ring.find(young) == key and key.may("search")


def test_a_scope_is_kept_and_monitors_have_none(path):
    scope = Scope(("hall", "02"), ("staff",))
    _, token = add_key(path, "anna", ["search"], scope=scope)
    assert KeyRing(path).find(token).scope == scope and read_keys(path)[0].scope.camids == ("2", "hall")
    with pytest.raises(UserError, match="metrics tell of the whole gallery"):
        add_key(path, "prometheus", ["monitor"], scope=scope)
    file = json.loads(path.read_text())
    del file["keys"][0]["scope"]  # as earlier versions wrote it
    path.write_text(json.dumps(file))
    assert read_keys(path)[0].scope.whole
    for damaged in ({"tags": ["'"]}, {"cameras": ["hall"]}, {"camids": "hall"}, {"tags": None}):  # not: reaches all
        file["keys"][0]["scope"] = damaged
        path.write_text(json.dumps(file))
        with pytest.raises(UserError):
            KeyRing(path).find(token)


@pytest.mark.parametrize("expires", [float("inf"), float("nan"), 1e13])
def test_a_key_ends_on_a_day_of_the_calendar(path, expires):
    with pytest.raises(UserError, match="after 2100"):
        add_key(path, "anna", ["search"], expires=expires)
    assert not path.exists()
