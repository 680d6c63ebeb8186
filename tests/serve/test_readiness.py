from occreid.errors import UserError
from occreid.serve.readiness import Readiness


def test_what_fails_is_told_without_its_place_and_remembered_for_a_second(monkeypatch, caplog):
    now, runs = [100.0], []

    def fails():
        runs.append(1)
        raise UserError("/secret/keys.json is damaged.")

    monkeypatch.setattr("time.monotonic", lambda: now[0])
    readiness = Readiness({"The keys cannot be read.": fails, "All else.": lambda: None})
    assert readiness.problems() == readiness.problems() == ["The keys cannot be read."] and len(runs) == 1
    assert "/secret" in caplog.text
    now[0] += 1.5
    assert readiness.problems() and len(runs) == 2
