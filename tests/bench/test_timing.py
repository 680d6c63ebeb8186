import pytest
import torch

from occreid.bench.timing import interleave, synchronize


class Machine:
    """A clock that calls move on; every round it is slower by another factor, as a shared machine is."""

    def __init__(self, slowness=(1.0,)):
        self.now, self.slowness, self.calls = 0.0, slowness, []

    def clock(self):
        return self.now

    def call(self, name, seconds):
        def run():
            self.calls.append(name)
            self.now += seconds * self.slowness[(len(self.calls) // 2) % len(self.slowness)]

        return run


def test_the_rate_is_the_median_over_the_rounds():
    machine = Machine()
    speeds = interleave({"a": machine.call("a", 0.5)}, 8, rounds=3, warmup=1, shortest=0, clock=machine.clock)
    assert speeds["a"].rate == pytest.approx(16)
    assert speeds["a"].ratio == 1
    assert speeds["a"].rounds == pytest.approx((0.5, 0.5, 0.5))


def test_ratios_survive_a_machine_that_slows_down():
    machine = Machine(slowness=(1, 1, 1, 1, 5, 5, 1, 30, 2))
    calls = {"slow": machine.call("slow", 0.3), "fast": machine.call("fast", 0.1)}
    speeds = interleave(calls, 1, rounds=9, warmup=2, shortest=0, clock=machine.clock)
    assert speeds["fast"].ratio == pytest.approx(3, rel=1e-6)
    assert interleave(calls, 1, rounds=9, warmup=0, shortest=0, clock=machine.clock, against="fast")[
        "slow"
    ].ratio == pytest.approx(1 / 3, rel=1e-6)


def test_candidates_take_turns_and_nobody_always_goes_first():
    machine = Machine()
    interleave({n: machine.call(n, 0.1) for n in "ab"}, 1, rounds=2, warmup=1, shortest=0, clock=machine.clock)
    assert "".join(machine.calls) == "aabb" + "ab" + "ba"


def test_short_calls_are_repeated_until_a_turn_is_long_enough():
    machine = Machine()
    interleave({"a": machine.call("a", 0.01)}, 1, rounds=2, warmup=0, shortest=0.1, clock=machine.clock)
    assert len(machine.calls) == 1 + 2 * 10


def test_quartiles_of_the_rounds():
    machine = Machine(slowness=(1, 2, 3, 4, 5))
    calls = machine.call("a", 1.0)
    speeds = interleave({"a": calls}, 60, rounds=8, warmup=0, shortest=0, clock=machine.clock)
    assert speeds["a"].low < speeds["a"].rate < speeds["a"].high


def test_devices_without_a_queue_need_no_waiting():
    synchronize("cpu")
    synchronize(torch.device("cpu"))
