import pytest

from occreid.serve.audit import AuditLog
from occreid.serve.trail import check_audit, next_name, read_audit, rotated


def test_a_changed_or_missing_line_breaks_the_chain(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text('{"action":"of an earlier version"}\n')
    for number in range(4):
        log = AuditLog(path)
        log.write("search", number=number, text="long" * 3000)
        log.close()
    whole = path.read_bytes()
    found = check_audit(path)
    assert (found.lines, found.breaks) == (5, []) and found.last.encode() in whole.splitlines()[-1]
    lines = whole.splitlines(keepends=True)
    for damaged, wrong in (
        (whole.replace(b'"number":1', b'"number":7'), ["line 3", "line 4"]),
        (b"".join(lines[:2] + lines[3:]), ["line 3"]),
        (b"".join([*lines[:3], b'{"action":"put in"}\n', *lines[3:]]), ["line 4", "line 5"]),
        (whole[:-9], ["line 5"]),
    ):
        path.write_bytes(damaged)
        assert [text.split(" has")[0].split(" does")[0] for text in check_audit(path).breaks] == wrong


@pytest.fixture
def series(tmp_path):
    """A log of four files."""
    log = AuditLog(tmp_path / "audit.jsonl", most=500)
    while len(rotated(log.path)) < 3:
        log.write("search", filler="x" * 100)
    log.close()
    return log.path


def test_files_are_numbered_oldest_first(tmp_path):
    path = tmp_path / "audit.jsonl"
    for name in ("audit.000002.jsonl", "audit.1000000.jsonl", "audit.999999.jsonl", "audit.x.jsonl", "b.000001.jsonl"):
        (tmp_path / name).touch()
    assert [file.name.split(".")[1] for file in rotated(path)] == ["000002", "999999", "1000000"]
    assert next_name(path).name == "audit.1000001.jsonl"


def test_a_break_in_an_earlier_file_names_it(series):
    old = rotated(series)[1]
    old.write_bytes(old.read_bytes().replace(b"xxx", b"yyy", 1))
    assert check_audit(series).breaks[0].startswith("audit.000002.jsonl line 2 does not follow")


def test_a_file_taken_out_of_the_middle_is_a_break(series):
    rotated(series)[1].unlink()
    assert check_audit(series).breaks == [
        "audit.000003.jsonl line 1 does not follow the line before it, or was changed"
    ]


def test_the_oldest_may_be_moved_away_and_the_rest_is_still_checked(series):
    last = check_audit(series).last
    rotated(series)[0].unlink()
    found = check_audit(series)
    assert (found.breaks, found.after, found.last) == ([], "audit.000001.jsonl", last)
    for file in rotated(series):
        file.unlink()
    assert check_audit(series).after == "audit.000003.jsonl" and not check_audit(series).breaks
    series.write_bytes(series.read_bytes().replace(b"xxx", b"yyy", 1))
    assert check_audit(series).breaks
    assert read_audit(series)[0]["after"] == "audit.000003.jsonl"


def test_lines_that_no_parser_takes_are_no_entries(tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_bytes(b'{"action":"search"}\n' + b"[" * 100_000 + b"\nnoise\n5\n[]\n")
    assert [entry["action"] for entry in read_audit(path)] == ["search"] and check_audit(path).lines == 5
