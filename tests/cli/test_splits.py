from pathlib import Path

import pytest

from occreid.cli.splits import load_benchmarks, load_split
from occreid.errors import UserError


def test_the_card_names_the_benchmark(make_run, market):
    (split,) = load_benchmarks(make_run(), None, None)
    assert split.name == "market1501" and len(split.gallery) == 18


def test_on_replaces_it_and_options_reach_the_loader(make_run, market):
    run, on = make_run(), [f"market1501={market}"]
    assert len(load_benchmarks(run, on, ["strict=false"])) == 1
    with pytest.raises(UserError, match=r"12,?936"):
        load_benchmarks(run, on, None)


def test_a_model_without_data_asks_for_a_benchmark(make_run):
    with pytest.raises(UserError, match="--on NAME=ROOT"):
        load_benchmarks(make_run(recipe=False), None, None)


def test_lists_have_commas(market, tmp_path):
    on = [f"folder={market}"]
    for text in ("5,6", "6,5"):
        (split,) = load_benchmarks(tmp_path, on, [f"distractors={text}"])
        assert len(split.distractor_pids) == 2


def test_a_split_without_a_name_is_recognised(market, capsys):
    split = load_split(market, None, {"strict": False})
    assert split.name == "market1501" and "recognised as market1501" in capsys.readouterr().err


def test_data_that_are_not_there_ask_for_a_benchmark():
    with pytest.raises(UserError, match="was trained on, occsynth, is not at data/occsynth-2") as told:
        load_benchmarks(Path("occreid-lite"), None, None)
    assert told.value.hint == "Give one: --on NAME=ROOT"
