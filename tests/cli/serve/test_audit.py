import json

import pytest


def test_the_audit_log_is_verified(cli, tmp_path):
    from occreid.serve.audit import AuditLog

    log = AuditLog(tmp_path / "audit.jsonl")
    log.write("search", k=1)
    log.close()
    assert "1 lines, unbroken" in cli("audit", "verify").stdout
    (tmp_path / "audit.jsonl").write_bytes((tmp_path / "audit.jsonl").read_bytes().replace(b'"k":1', b'"k":2'))
    with pytest.raises(AssertionError, match="NOT unbroken"):  # exit code 1
        cli("audit", "verify")


def test_files_that_were_moved_away_are_said(cli, tmp_path):
    from occreid.serve.audit import AuditLog
    from occreid.serve.trail import rotated

    log = AuditLog(tmp_path / "audit.jsonl", most=10)
    for _ in range(3):
        log.write("search")
    log.close()
    assert "5 lines, unbroken" in cli("audit", "verify").stdout  # two of them begin a file
    rotated(log.path)[0].unlink()
    assert "up to audit.000001.jsonl, is not here" in cli("audit", "verify").stdout


def test_who_did_what_is_shown_through_all_files(cli, tmp_path):
    from occreid.serve.audit import AuditLog

    log = AuditLog(tmp_path / "audit.jsonl", most=10)
    for number in range(3):
        log.write("search", key="k1", name="Zoë" if number else "anna", k=number, box=None)
    log.write("delete", key="k1", name="anna", ids=["a"])
    log.close()
    text = cli("audit", "show", "--action", "search").stdout.splitlines()
    assert len(text) == 3 and " UTC  search  anna  " in text[0] and "k 2" in text[2] and "box" not in text[0]
    assert "chain" not in text[0] and "Zoë" in text[2]
    (line,) = json.loads(cli("audit", "show", "--name", "anna", "--last", "1", "--json").stdout)
    assert (line["action"], line["ids"]) == ("delete", ["a"])
