import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from occreid.errors import UserError
from occreid.gallery.errors import StorageFull
from occreid.serve.audit import AuditLog, check_audit, read_audit


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def test_each_action_is_one_json_line(path):
    log = AuditLog(path)
    log.write("search", key="1", answers=["a", "b"])
    log.write("delete", name="Jürgen\n{")
    log.close()
    lines = path.read_text().splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["search", "delete"]
    assert read_audit(path)[0]["answers"] == ["a", "b"] and read_audit(path)[1]["name"] == "Jürgen\n{"
    assert read_audit(path)[0]["time"] <= read_audit(path)[1]["time"]


def test_only_the_owner_can_read_it(path):
    AuditLog(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_only_appended_to(path):
    path.write_text('{"action":"old"}\n')
    log = AuditLog(path)
    log.write("new")
    log.close()
    assert [entry["action"] for entry in read_audit(path)] == ["old", "new"]


def test_many_threads_and_logs_write_whole_lines(path):
    logs = [AuditLog(path) for _ in range(4)]

    def work(log, who):
        for number in range(100):
            log.write("search", who=who, number=number, filler="x" * 3000)  # often across a page: seen half written

    threads = [threading.Thread(target=work, args=(logs[i % 4], i)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 800 and len(read_audit(path)) == 800
    for log in logs:
        log.close()


def test_a_torn_line_spoils_no_other(path):
    path.write_text('{"action":"old"}\n{"action":"to')
    log = AuditLog(path)
    log.write("new")
    log.close()
    assert [entry["action"] for entry in read_audit(path)] == ["old", "new"]


def test_no_character_in_a_line_ends_it(path):
    log = AuditLog(path)
    ids = [f"x{end}y" for end in "\u2028\u2029\u0085\x0b\x0c\x1c\r\n"]
    log.write("delete", ids=ids)
    log.write("ok")
    log.close()
    first, second = read_audit(path)
    assert first["ids"] == ids and second["action"] == "ok"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_said_and_the_next_line_is_whole_again(path):
    code = """
import resource, sys
from occreid.gallery.errors import StorageFull
from occreid.serve.audit import AuditLog, read_audit
log = AuditLog(sys.argv[1])
log.write("first", filler="x" * 100)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
refused = 0
for number in range(3):
    try:
        log.write("second", filler="x" * 400)
    except StorageFull as error:
        refused += "cannot be written" in str(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
log.write("third")
print(refused, [entry["action"] for entry in read_audit(sys.argv[1])])
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3 ['first', 'third']"


def test_a_closed_log_refuses(path):
    log = AuditLog(path)
    log.close()
    log.close()
    with pytest.raises(StorageFull):
        log.write("search")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot append"):
        AuditLog(tmp_path / "missing" / "audit.jsonl")
    with pytest.raises(UserError, match="cannot read"):
        read_audit(tmp_path / "missing.jsonl")
    assert os.listdir(tmp_path) == []


def test_a_changed_or_missing_line_breaks_the_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text('{"action":"of an earlier version"}\n')
    for number in range(4):
        log = AuditLog(path)
        log.write("search", number=number, text="long" * 3000)
        log.close()
    whole = path.read_bytes()
    count, breaks, last = check_audit(path)
    assert (count, breaks) == (5, []) and last.encode() in whole.splitlines()[-1]
    lines = whole.splitlines(keepends=True)
    for damaged, wrong in (
        (whole.replace(b'"number":1', b'"number":7'), ["line 3", "line 4"]),
        (b"".join(lines[:2] + lines[3:]), ["line 3"]),
        (b"".join([*lines[:3], b'{"action":"put in"}\n', *lines[3:]]), ["line 4", "line 5"]),
        (whole[:-9], ["line 5"]),
    ):
        path.write_bytes(damaged)
        assert [text.split(" has")[0].split(" does")[0] for text in check_audit(path)[1]] == wrong


def test_lines_of_several_processes_are_one_chain(tmp_path):
    logs = [AuditLog(tmp_path / "audit.jsonl") for _ in range(2)]
    for number in range(6):
        logs[number % 2].write("search", search=f"s{number}")
    assert check_audit(tmp_path / "audit.jsonl")[:2] == (6, [])
    assert logs[0].holds("search", '"search":"s5"') and not logs[0].holds("mark", '"search":"s5"')
    for log in logs:
        log.close()
