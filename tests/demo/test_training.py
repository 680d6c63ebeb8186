import os
import shlex
from pathlib import Path

import pytest

from occreid import synth
from occreid.demo.plan import Plan
from occreid.demo.training import make_data, make_recipe, overrides, single_steps
from occreid.errors import UserError
from occreid.training import load_recipe


def test_other_data_are_not_taken_for_these(finished, generated):
    with pytest.raises(UserError, match=r"holds other data than size tiny, seed 1.*'seed': 0"):
        make_data(Plan(finished[0], "tiny", seed=1))
    assert generated == []


def test_broken_off_generation_starts_again(tmp_path, generated, monkeypatch):
    plan = Plan(tmp_path / "deep" / "out", "tiny", seed=3, workers=2)

    def break_off(out, **_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(synth, "generate", break_off)
        with pytest.raises(KeyboardInterrupt):
            make_data(plan)
    for _ in range(2):
        assert (make_data(plan) / "occsynth.parquet").is_file()
    assert generated == [("tiny", 3, 2)]


def test_one_process_at_least_and_one_per_core_by_default(tmp_path, generated):
    for name, workers in (("a", 0), ("b", None)):
        make_data(Plan(tmp_path / name, "tiny", workers=workers))
    assert [workers for _, _, workers in generated] == [1, os.cpu_count()]


def test_data_of_unknown_origin_are_refused(tmp_path, generated):
    (tmp_path / "occsynth").mkdir()
    with pytest.raises(UserError, match="of unknown origin"):
        make_data(Plan(tmp_path, "tiny"))


def test_unwritable_place_is_named(tmp_path, generated):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*file"):
        make_data(Plan(tmp_path / "file" / "out", "tiny"))


def test_recipe_follows_the_plan_and_stretches_the_schedule(tmp_path):
    own = make_recipe(Plan(tmp_path, "demo", seed=5))
    short = make_recipe(Plan(tmp_path, "demo", seed=5, epochs=2, workers=0))
    assert (own.training.seed, own.data.root) == (5, str(tmp_path / "occsynth"))
    assert (short.training.epochs, short.data.workers) == (2, 0)
    factor = 2 / own.training.epochs
    assert short.schedule.flat == pytest.approx(own.schedule.flat * factor, abs=1e-3)
    assert short.schedule.warmup < short.training.epochs


def test_folder_names_with_quotes_and_numbers_survive(tmp_path):
    for name in ("it's", "1e3", "a: b"):
        assert make_recipe(Plan(Path(name), "tiny")).data.root == str(Path(name) / "occsynth")
    assert not any(setting.startswith("data.workers") for setting in overrides(Plan(tmp_path, "tiny")))


def test_the_commands_on_the_page_ask_for_the_same(tmp_path):
    plan = Plan(tmp_path, "demo", seed=7, epochs=4, workers=3)
    generate, train = single_steps(plan)
    assert generate == "occreid data synth --size demo --out data/occsynth-demo --seed 7"
    words = shlex.split(train)
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    shown, own = load_recipe(words[2], settings), make_recipe(plan)
    assert shown.data.root == "data/occsynth-demo" and str(tmp_path) not in train
    assert shown.schedule == own.schedule and shown.training == own.training and shown.optimizer == own.optimizer
