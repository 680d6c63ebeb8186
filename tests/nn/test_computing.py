import time

import pytest
import torch
from torch import nn

from occreid.errors import UserError
from occreid.nn import computing
from occreid.nn.computing import (
    Computing,
    check_precision,
    fastest,
    memory_format_of,
    shortest_strided_side,
    ways,
    without_bfloat16,
)

CPU = torch.device("cpu")
PLAIN, LAST, HALF = (
    Computing("contiguous", "float32"),
    Computing("channels_last", "float32"),
    Computing("contiguous", "bfloat16"),
)


def sleeper(seconds, calls):
    def prepare(way):
        def step():
            calls.append(way)
            time.sleep(seconds[way])

        return step

    return prepare


def test_the_quickest_way_is_chosen_and_all_are_reported():
    chosen, best = fastest([PLAIN, LAST, HALF], sleeper({PLAIN: 0.02, LAST: 0.01, HALF: 0.05}, []), CPU)
    assert chosen == LAST and best.keys() == {PLAIN, LAST, HALF} and 0.009 < best[LAST] < best[PLAIN]


def test_a_way_that_is_hardly_faster_does_not_replace_a_simpler_one(monkeypatch):
    clock = iter([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.97])
    monkeypatch.setattr(computing, "_timed", lambda step, device: -next(clock) + next(clock))
    assert fastest([PLAIN, LAST], sleeper({PLAIN: 0, LAST: 0}, []), CPU, seconds=0)[0] == PLAIN


def test_a_hopeless_way_is_not_timed_again_and_the_time_is_kept():
    calls = []
    fastest([PLAIN, HALF], sleeper({PLAIN: 0.002, HALF: 0.02}, calls), CPU)
    assert calls.count(PLAIN) == 6 and calls.count(HALF) == 2  # the first of each warms up
    calls.clear()
    fastest([PLAIN, LAST], sleeper({PLAIN: 0.001, LAST: 0.001}, calls), CPU, seconds=0)
    assert len(calls) == 4


def test_a_single_way_is_not_timed():
    calls = []
    assert fastest([LAST], sleeper({LAST: 0}, calls), CPU) == (LAST, {}) and not calls


def test_the_ways_are_those_of_the_device_simplest_first(monkeypatch):
    formats, precisions = ("contiguous", "channels_last"), ("float32", "bfloat16", "float16")
    assert ways(CPU, formats, precisions) == [PLAIN, LAST, HALF, Computing("channels_last", "bfloat16")]
    assert ways(CPU, ["contiguous"], ["float32"]) == [PLAIN]
    for native, half in ((True, "bfloat16"), (False, "float16")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda emulated, native=native: native)
        assert ways(torch.device("cuda"), ["contiguous"], precisions) == [PLAIN, Computing("contiguous", half)]
    assert ways(torch.device("mps"), ["contiguous"], precisions) == [PLAIN]


def test_the_format_of_a_network_is_that_of_its_convolutions():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 4), nn.Conv2d(4, 4, 3))
    assert memory_format_of(network) == "contiguous" == memory_format_of(nn.Linear(2, 2))
    assert memory_format_of(network.to(memory_format=torch.channels_last)) == "channels_last"


def test_what_a_device_cannot_compute_is_refused_in_a_sentence(monkeypatch):
    with pytest.raises(UserError, match=r"training\.precision fp16 does not work on a CPU"):
        check_precision("float16", CPU, "training.precision fp16")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda emulated: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    with pytest.raises(UserError, match="bf16 is more than this Tesla T4 can do"):
        check_precision("bfloat16", torch.device("cuda"), "training.precision bf16")
    check_precision("bfloat16", CPU, "training.precision bf16")


def test_the_shortest_side_is_that_of_maps_before_strides():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1, 2)
    )
    assert shortest_strided_side(network, lambda: network(torch.zeros(1, 3, 16, 4))) == 2  # the map before the last
    assert shortest_strided_side(network[1], lambda: network[1](torch.zeros(1, 4, 1, 1))) == 2**31
    assert not network[0]._forward_pre_hooks


def test_bfloat16_is_no_candidate_where_strides_see_narrow_maps():
    candidates = [Computing("contiguous", "float32"), Computing("channels_last", "bfloat16")]
    assert without_bfloat16(candidates, 3) == candidates[:1]
    assert without_bfloat16(candidates, 4) == candidates
