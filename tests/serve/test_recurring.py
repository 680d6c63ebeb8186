import threading
import time

import pytest

from occreid.errors import UserError
from occreid.gallery.errors import StorageFull
from occreid.serve.recurring import Recurring


class Job:
    """Fails as often as it should, then deletes three; knows how often it ran."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.runs = 0
        self.ran = threading.Semaphore(0)

    def __call__(self):
        self.runs += 1
        self.ran.release()
        if self.failures:
            raise self.failures.pop(0)
        return 3


def test_it_runs_at_once_and_again():
    job = Job()
    retention = Recurring("retention", job, 0.01)
    retention.start()
    assert all(job.ran.acquire(timeout=10) for _ in range(3))
    retention.stop()
    runs = job.runs
    assert not job.ran.acquire(timeout=0.05) or job.runs == runs  # and no more after it was stopped


def test_an_hour_between_two_runs_does_not_delay_the_end():
    job = Job()
    retention = Recurring("retention", job, 3600)
    retention.start()
    assert job.ran.acquire(timeout=10)
    retention.stop()
    assert job.runs == 1


def test_a_failure_is_said_until_it_goes_well():
    job = Job(UserError("cannot write."), StorageFull("full"), OSError("broken"))
    checked = []
    retention = Recurring("retention", job, 0.05)

    def watch():
        try:
            retention.check()
            checked.append("well")
        except UserError as error:
            checked.append(error.hint)

    retention.start()
    while job.runs < 5:
        assert job.ran.acquire(timeout=10)
    retention.stop()
    watch()
    assert checked == ["well"] and job.runs >= 5

    job = Job(StorageFull("full"))
    failing = Recurring("retention", job, 3600)
    failing.start()
    assert job.ran.acquire(timeout=60)  # else it may be stopped before its first run
    failing.stop()
    with pytest.raises(UserError, match="full"):
        failing.check()


def test_stopping_what_never_ran():
    retention = Recurring("retention", Job(), 1)
    retention.stop()
    retention.check()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_of_an_unforeseen_fault_is_missed():
    job = Job(ZeroDivisionError())
    dying = Recurring("retention", job, 0.01)
    dying.start()
    dying._thread.join(10)
    with pytest.raises(UserError, match="retention has ended"):
        dying.check()
    dying.stop()


def test_what_failed_is_tried_again_sooner():
    job = Job(OSError(), OSError())
    check = Recurring("check", job, 3600, again=0.01)
    check.start()
    assert all(job.ran.acquire(timeout=10) for _ in range(3))
    assert not job.ran.acquire(timeout=0.2) and job.runs == 3  # the third went well
    check.check()
    check.stop()


def test_an_error_without_words_is_one():
    job = Job(OSError())
    check = Recurring("check", job, 3600)
    check.start()
    assert job.ran.acquire(timeout=10)
    with pytest.raises(UserError, match="check failed"):
        for _ in range(1000):  # until it is written down
            check.check()
            time.sleep(0.01)
    check.stop()
