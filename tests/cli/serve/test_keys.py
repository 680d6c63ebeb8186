import json
import re

from occreid.serve.keys import KeyRing


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


def test_a_key_may_end_by_itself(cli):
    cli("keys", "add", "anna", "--role", "search", "--days", 3)
    cli("keys", "add", "bert", "--role", "search", "--days", 0)
    assert re.search(r"anna .* valid until \d{4}", cli("keys", "list").stdout)
    assert re.search(r"bert .* expired until \d{4}", cli("keys", "list").stdout)


def test_a_key_may_reach_a_part_only(cli, tmp_path):
    made = ("keys", "add", "anna", "--role", "search", "--camera", "hall", "--camera", "02", "--tag", "staff", "--json")
    token = json.loads(cli(*made).stdout)["key"]
    assert KeyRing(tmp_path / "keys.json").find(token).scope.camids == ("2", "hall")
    assert "reaches only cameras 2, hall and entries tagged staff" in cli("keys", "list").stdout
    (row,) = json.loads(cli("keys", "list", "--json").stdout)
    assert row["scope"] == {"camids": ["2", "hall"], "tags": ["staff"]}
