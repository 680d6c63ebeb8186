import pytest
from hypothesis import given
from hypothesis import strategies as st

from occreid.serve import limits
from occreid.serve.limits import Busy, Gate, RateLimiter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def taken(limiter, client="a"):
    try:
        limiter.take(client)
    except Busy:
        return False
    return True


def test_a_burst_then_a_steady_rate():
    clock = Clock()
    limiter = RateLimiter(2.0, 3, clock)
    assert [taken(limiter) for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5  # one more at two per second
    assert [taken(limiter) for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [taken(limiter) for _ in range(4)] == [True, True, True, False]  # never more than the burst


def test_it_says_when_to_come_again():
    clock = Clock()
    limiter = RateLimiter(0.5, 1, clock)
    limiter.take("a")
    with pytest.raises(Busy) as caught:
        limiter.take("a")
    assert caught.value.why == "rate" and caught.value.retry_after == pytest.approx(2.0)
    clock.now += 2.0
    limiter.take("a")


def test_clients_do_not_share():
    limiter = RateLimiter(1.0, 1, Clock())
    assert taken(limiter, "a") and taken(limiter, "b") and not taken(limiter, "a")


def test_being_refused_costs_nothing():
    clock = Clock()
    limiter = RateLimiter(1.0, 1, clock)
    limiter.take("a")
    for _ in range(10):
        clock.now += 0.1
        taken(limiter)
    assert sum(taken(limiter) for _ in range(3)) == 0  # the one of this second was taken within the ten
    clock.now += 1
    assert taken(limiter)


@given(gaps=st.lists(st.floats(0, 3), max_size=60))
def test_never_more_than_burst_plus_rate_times_time(gaps):
    clock = Clock()
    limiter = RateLimiter(1.5, 4, clock)
    allowed = 0
    for gap in gaps:
        clock.now += gap
        allowed += taken(limiter)
    assert allowed <= 4 + 1.5 * sum(gaps) + 1e-6


def test_strangers_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(limits, "_MOST_CLIENTS", 10)
    limiter = RateLimiter(1.0, 1, Clock())
    for number in range(100):
        limiter.take(f"client {number}")
    assert len(limiter._buckets) == 10


def test_a_gate_counts_those_inside():
    gate = Gate(2, 2)
    with gate.enter("a"), gate.enter("a"):
        with pytest.raises(Busy, match="concurrency"), gate.enter("b"):
            pass
        assert gate.inside == 2
    with pytest.raises(ZeroDivisionError), gate.enter("a"):
        _ = 1 / 0
    assert gate.inside == 0


def test_one_client_cannot_fill_the_gate():
    gate = Gate(4, 2)
    with gate.enter("a"), gate.enter("a"):
        with pytest.raises(Busy, match="concurrency"), gate.enter("a"):
            pass
        with gate.enter("b"):
            assert gate.inside == 3
    assert gate.inside == 0
