import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from occreid.errors import UserError
from occreid.gallery.errors import StorageFull
from occreid.serve.audit import AuditLog
from occreid.serve.trail import check_audit, read_audit


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
from occreid.serve.audit import AuditLog
from occreid.serve.trail import check_audit, read_audit
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
print(refused, [entry["action"] for entry in read_audit(sys.argv[1])], check_audit(sys.argv[1]).breaks)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3 ['first', 'third'] []"


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


def test_lines_of_several_processes_are_one_chain(tmp_path):
    logs = [AuditLog(tmp_path / "audit.jsonl") for _ in range(2)]
    for number in range(6):
        logs[number % 2].write("search", search=f"s{number}")
    found = check_audit(tmp_path / "audit.jsonl")
    assert (found.lines, found.breaks) == (6, [])
    assert logs[0].holds("search", search="s5") and not logs[0].holds("mark", search="s5")
    for log in logs:
        log.close()


def test_a_large_file_is_renamed_and_several_processes_go_on_in_the_next(tmp_path):
    path = tmp_path / "audit.jsonl"
    logs = [AuditLog(path, most=2000) for _ in range(3)]

    def work(log, who):
        for number in range(40):
            log.write("search", search=f"{who}-{number}", filler="x" * 100)

    threads = [threading.Thread(target=work, args=(log, who)) for who, log in enumerate(logs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = check_audit(path)
    entries = read_audit(path)
    assert found.breaks == [] and len(found.files) > 5 and path.stat().st_size < 2500
    assert [entry["action"] for entry in entries].count("rotated") == len(found.files) - 1
    assert len({entry["search"] for entry in entries if entry["action"] == "search"}) == 120
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.iterdir())
    for log in logs:
        log.close()


def test_a_search_is_remembered_over_a_rotation(path):
    log = AuditLog(path, most=100)
    log.write("search", search="s1", filler="x" * 100)
    log.write("search", search="s2")
    assert path.with_name("audit.000001.jsonl").is_file() and log.holds("search", search="s1")
    log.close()


def test_a_kill_between_two_files_breaks_no_chain(path):
    log = AuditLog(path)
    log.write("search", search="s1")
    path.rename(path.with_name("audit.000001.jsonl"))  # and then the process was killed
    log.close()
    later = AuditLog(path)
    later.write("search", search="s2")
    later.close()
    found = check_audit(path)
    assert (found.breaks, found.files, found.lines) == ([], ["audit.000001.jsonl", "audit.jsonl"], 3)


def test_where_renaming_is_forbidden_the_file_grows_on(path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "rename", refuse)
    log = AuditLog(path, most=10)
    log.write("one")
    log.write("two")
    log.close()
    assert [entry["action"] for entry in read_audit(path)] == ["one", "two"] and len(os.listdir(path.parent)) == 1


def test_where_no_new_file_can_be_made_it_says_so_and_holds_nobody_up(path, monkeypatch):
    logs = [AuditLog(path, most=10) for _ in range(2)]
    logs[0].write("one")
    real = os.open

    def full(name, *rest, **more):
        if Path(name) == path:
            raise OSError(28, "No space left on device")
        return real(name, *rest, **more)

    monkeypatch.setattr(os, "open", full)
    for log in logs:
        with pytest.raises(StorageFull, match="No space left"):
            log.write("two")
    monkeypatch.undo()
    for log in logs:
        log.write("three")
        log.close()
    assert [entry["action"] for entry in read_audit(path)][:2] == ["one", "rotated"] and not check_audit(path).breaks


def test_durable_lines_are_on_the_disk_before_the_answer(path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append(Path(os.readlink(f"/proc/self/fd/{file}")).name))
    log = AuditLog(path, durable=True, most=10)
    assert flushed == [path.parent.name]
    log.write("one")
    assert flushed[1:] == ["audit.jsonl"]
    log.write("two")
    assert flushed[2:] == [path.parent.name, path.parent.name, "audit.jsonl"]  # old name, new file, line
    log.close()
