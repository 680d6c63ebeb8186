import pytest

from occreid import progress
from occreid.progress import progress_bar


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_off_a_terminal_a_line_comes_every_few_seconds(clock, capsys):
    with progress_bar("describing", 1234, True) as advance:
        for _ in range(6):
            clock[0] += 4
            advance(100)
    assert capsys.readouterr().err.splitlines() == [
        "describing: 300 of 1,234 images",
        "describing: 600 of 1,234 images",
    ]


def test_nothing_is_said_where_nobody_asked(clock, capsys):
    with progress_bar("describing", 10, False) as advance:
        clock[0] += 100
        advance(5)
    assert capsys.readouterr().err == ""
