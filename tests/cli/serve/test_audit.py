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
