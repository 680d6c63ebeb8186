from occreid.gallery.errors import StorageFull
from occreid.serve.audit import AuditLog
from occreid.serve.refusals import EVERY, Refusals
from occreid.serve.trail import read_audit


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_flood_is_two_lines_a_minute(tmp_path):
    clock, log = Clock(), AuditLog(tmp_path / "audit.jsonl")
    refusals = Refusals(log, clock)
    for number in range(1000):
        clock.now = number * 0.1
        refusals.write(refusals.count(401, "search", {"request": str(number), "from": "10.0.0.1"}))
    refusals.flush()
    lines = read_audit(log.path)
    assert len(lines) == 4 and lines[0]["from"] == "10.0.0.1" and lines[0]["action"] == "refused"
    singles = [line for line in lines if "more" not in line]
    assert len(singles) + sum(line.get("more", 0) for line in lines) == 1000
    log.close()


def test_kinds_are_told_apart_up_to_a_bound(tmp_path):
    clock, log = Clock(), AuditLog(tmp_path / "audit.jsonl")
    refusals = Refusals(log, clock)
    for _ in range(3):
        for number in range(500):  # as many addresses as somebody likes
            refusals.write(refusals.count(401, None, {"from": f"::{number}"}))
    clock.now = EVERY
    refusals.write(refusals.count(403, "enrol", {"key": "1a", "from": "::1"}))
    lines = read_audit(log.path)
    assert len(lines) == 20 + 20 + 1 + 1 and lines[-1]["key"] == "1a" and lines[-2]["others"] == 3 * 480
    assert {line["more"] for line in lines[20:40]} == {2}
    refusals.flush()
    assert len(read_audit(log.path)) == len(lines)  # what was counted is counted once
    log.close()


def test_a_full_log_loses_the_lines_and_no_more(caplog):
    class Full:
        def write(self, *_, **__):
            raise StorageFull("full")

    refusals = Refusals(Full())
    refusals.write(refusals.count(401, None, {"from": "x"}))
    assert "not written down" in caplog.text
