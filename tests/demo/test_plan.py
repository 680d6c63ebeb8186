import time
from pathlib import Path

import pytest

from occreid.demo.plan import Clock, Plan
from occreid.errors import UserError


def test_the_command_asks_for_the_same():
    assert (
        Plan(Path("x"), "demo", seed=7, epochs=4, workers=3).command == "occreid demo --size demo --seed 7 --epochs 4"
    )
    assert Plan(Path("x")).command == "occreid demo --size demo --seed 0"


def test_the_clock_counts_stages_and_claims_only_what_ran():
    said = []
    clock = Clock(said.append, stages=2)
    with clock.stage("a", "making a", done=True):
        pass
    with clock.stage("b", "making b"):
        time.sleep(0.02)
    assert said == ["[1/2] making a (done before, kept)", "[2/2] making b"]
    assert clock.kept == ["a"] and list(clock.seconds) == ["b"]
    assert 0.02 <= clock.seconds["b"] < 5


def test_a_stage_that_fails_is_not_timed():
    clock = Clock(lambda line: None, stages=1)
    with pytest.raises(UserError), clock.stage("a", "making a"):
        raise UserError("no.", "")
    assert clock.seconds == {} and clock.kept == []
