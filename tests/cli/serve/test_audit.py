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
