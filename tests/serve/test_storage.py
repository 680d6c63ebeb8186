import pytest

from occreid.errors import UserError
from occreid.serve import storage
from occreid.serve.audit import StorageFull
from occreid.serve.storage import steadily, storing


@pytest.fixture
def pauses(monkeypatch):
    slept = []
    monkeypatch.setattr(storage.time, "sleep", slept.append)
    return slept


def failing(times, error):
    """A read that fails so often, then gives 7."""
    left = [error] * times

    def read():
        if left:
            raise left.pop()
        return 7

    return read


@pytest.mark.parametrize("error", [OSError("not found"), RuntimeError("not found")])
@pytest.mark.parametrize("times", [0, 1, 5])
def test_a_disturbed_read_is_repeated(pauses, times, error):
    assert steadily(failing(times, error)) == 7
    assert len(pauses) == times and pauses == sorted(pauses)


def test_not_for_ever(pauses):
    with pytest.raises(OSError, match="gone"):
        steadily(failing(6, OSError("gone")))
    assert sum(pauses) < 2


@pytest.mark.parametrize("error", [UserError("k is 0."), ValueError("x")])
def test_what_another_attempt_cannot_mend_is_not_repeated(pauses, error):
    with pytest.raises(type(error)):
        steadily(failing(1, error))
    assert not pauses


@pytest.mark.parametrize("cause", [OSError(28, "No space left"), RuntimeError("lance: write failed"), TimeoutError()])
def test_a_refusal_of_the_disk_is_told_from_a_mistake(cause):
    with pytest.raises(StorageFull, match="cannot write"), storing():
        raise UserError("cannot write.") from cause


@pytest.mark.parametrize("cause", [None, ValueError("x")])
def test_a_mistake_stays_one(cause):
    with pytest.raises(UserError, match="wrong shape"), storing():
        raise UserError("wrong shape.") from cause
