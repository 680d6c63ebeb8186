import threading
from concurrent.futures import wait

import pytest

from occreid.serve.batching import Batcher, result_of
from occreid.serve.limits import Busy


class Work:
    """Doubles numbers; holds the first batch until released, so that others pile up behind it."""

    def __init__(self):
        self.batches = []
        self.started = threading.Event()
        self.release = threading.Event()

    def __call__(self, items):
        self.batches.append(list(items))
        self.started.set()
        assert self.release.wait(10)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def make(work):
    made = []

    def build(**options):
        batcher = Batcher(work, **options)
        made.append(batcher)
        batcher.first = batcher.submit(0)
        assert work.started.wait(10)
        return batcher

    yield build
    work.release.set()
    for batcher in made:
        batcher.close()


def test_what_arrives_during_a_batch_is_the_next_one(make, work):
    sizes = []
    batcher = make(max_batch=4, observe=sizes.append)
    futures = [batcher.submit(i) for i in range(1, 7)]
    work.release.set()
    assert [f.result(10) for f in [batcher.first, *futures]] == [0, 2, 4, 6, 8, 10, 12]
    assert work.batches == [[0], [1, 2, 3, 4], [5, 6]] and sizes == [1, 4, 2]


def test_a_full_queue_refuses_and_takes_again_later(make, work):
    batcher = make(max_queue=2)
    futures = [batcher.submit(1), batcher.submit(2)]
    with pytest.raises(Busy, match="queue"):
        batcher.submit(3)
    assert len(batcher) == 2
    work.release.set()
    wait(futures, 10)
    assert batcher.submit(3).result(10) == 6


def test_one_bad_item_does_not_fail_its_neighbours(make, work):
    batcher = make()
    futures = [batcher.submit(i) for i in (5, 13, 7)]
    work.release.set()
    assert futures[0].result(10) == 10 and futures[2].result(10) == 14
    with pytest.raises(ValueError, match="thirteen"):
        futures[1].result(10)
    assert batcher.submit(1).result(10) == 2  # the thread lives on


def test_what_nobody_waits_for_is_not_worked_on(make, work):
    batcher = make()
    unwanted, wanted = batcher.submit(1), batcher.submit(2)
    assert unwanted.cancel()
    work.release.set()
    assert wanted.result(10) == 4 and work.batches == [[0], [2]]


def test_closing_finishes_what_is_queued_and_refuses_more(make, work):
    batcher = make()
    future = batcher.submit(1)
    work.release.set()
    batcher.close()
    assert future.result(0) == 2
    with pytest.raises(Busy, match="stopping"):
        batcher.submit(2)


def test_too_few_results_are_an_error_and_not_a_mixup():
    batcher = Batcher(lambda items: [1])
    first = batcher.submit(1)
    assert first.result(10) == 1
    batcher.close()
    gate = threading.Event()

    def short(items):
        assert gate.wait(10)
        return [0] * (len(items) - 1)

    batcher = Batcher(short)
    futures = [batcher.submit(i) for i in range(3)]
    gate.set()
    for future in futures:
        with pytest.raises(RuntimeError, match="results"):
            future.result(10)
    batcher.close()


def test_a_result_that_does_not_come_in_time_is_given_up_and_what_waits_for_it_never_begun(make, work):
    batcher = make(max_batch=1)
    waiting = batcher.submit(1)
    with pytest.raises(TimeoutError):
        result_of(waiting, 0.01)
    with pytest.raises(TimeoutError):
        result_of(batcher.first, 0.01)
    work.release.set()
    assert result_of(batcher.submit(2)) == 4 and work.batches == [[0], [2]]
