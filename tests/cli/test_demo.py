"""The demo over a miniature of occsynth drawn here: what is tested is the orchestration, not the generator."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from occreid import synth
from occreid.cli import demo
from occreid.cli.demo import Clock, Plan, make_data, make_recipe, overrides, run_demo
from occreid.errors import UserError
from occreid.training import load_recipe

PERSONS = {"train": range(5, 13), "query": range(1, 5), "gallery": range(1, 5)}
FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}


def draw_occsynth(root: Path, seed: int) -> None:
    """Eight training and four test persons told apart by the colour of their clothes."""
    generator, rows = np.random.default_rng(seed), []
    for split, pids in PERSONS.items():
        (root / FOLDERS[split]).mkdir(parents=True)
        for pid in pids:
            for camid in {"train": (0, 1), "query": (0,), "gallery": (1, 2)}[split]:
                image = generator.integers(60, 90, (64, 32, 3)).astype(np.uint8)
                image[12:60, 8:24] = [50 * (pid % 5), 250 - 20 * pid, 20 * pid]
                file = f"{FOLDERS[split]}/{pid:04d}_c{camid + 1}s1_{pid:06d}_00.png"
                assert cv2.imwrite(str(root / file), image)
                hidden = split == "query"
                row = {"file": file, "split": split, "pid": pid, "camid": camid, "occluded": hidden, "time": 1.0}
                row |= {"occluder_kind": "bin" if hidden else None, "occluder_id": None, "mask": None}
                parts = ("head", "torso_arms", "upper_legs", "lower_legs_feet")
                rows.append(row | {f"visible_{part}": 0.5 if hidden else 1.0 for part in parts})
    pq.write_table(pa.Table.from_pylist(rows), root / "occsynth.parquet")


def draw_instead(asked):
    """A stand-in for the generator that notes what it was asked for."""

    def generate(out, *, size, seed, workers, progress=True):
        asked.append((size, seed, workers))
        draw_occsynth(Path(out), seed)
        return Path(out)

    return generate


@pytest.fixture
def generated(monkeypatch):
    """Replaces the generator; the list of what it was asked for."""
    asked = []
    monkeypatch.setattr(synth, "generate", draw_instead(asked))
    return asked


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A demo that ran once: its folder, what it said, and its results."""
    out, said = tmp_path_factory.mktemp("demo") / "it's here", []
    patch = pytest.MonkeyPatch()
    patch.setattr(synth, "generate", draw_instead([]))
    results = run_demo(Plan(out, "tiny", epochs=1, workers=0), said.append)
    patch.undo()
    return out, said, results


def test_everything_is_in_its_place(finished):
    out, _, results = finished
    assert {p.name for p in out.iterdir()} == {"occsynth", "occsynth.json", "run", "report.html", "results.json"}
    assert json.loads((out / "results.json").read_text()) == results
    assert (out / "run" / "model.safetensors").is_file()
    html = (out / "report.html").read_text()
    for name in results["methods"]:
        assert name in html
    assert "behind a bin" in html and "nobody in them exists" in html
    assert out.parent.name not in html, "no folder of this machine"


def test_all_methods_are_measured_alike_and_the_stages_timed(finished):
    _, said, results = finished
    assert list(results["methods"]) == ["trained baseline", "untrained baseline", "colour histograms"]
    protocols = [{k: v for k, v in m["protocol"].items() if k != "metric"} for m in results["methods"].values()]
    assert protocols[0] == protocols[1] == protocols[2]
    assert all(m["queries"] == {"valid": 4, "skipped": 0} for m in results["methods"].values())
    assert results["methods"]["colour histograms"]["scores"]["R-1"] == 1.0, "clothes told apart by colour alone"
    assert results["data"]["counts"]["train"] == {"images": 16, "ids": 8, "cameras": 2}
    assert list(results["seconds"]) == ["data", "training", "network", "histograms", "report"]
    assert all(seconds > 0 for seconds in results["seconds"].values()) and results["kept"] == []
    assert [line[:5] for line in said] == [f"[{n}/5]" for n in range(1, 6)]


def test_trained_and_untrained_differ(finished):
    _, _, results = finished
    run = json.loads((finished[0] / "run" / "result.json").read_text())
    assert results["methods"]["trained baseline"]["scores"] == run["benchmarks"][0]["scores"]
    assert results["weights_sha256"] == run["weights_sha256"]
    assert results["recipe"]["training"]["epochs"] == 1


def test_a_second_run_does_no_stage_again(finished, generated):
    out, _, first = finished
    weights = (out / "run" / "model.safetensors").stat().st_mtime_ns
    again = run_demo(Plan(out, "tiny", epochs=1, workers=0), lambda line: None)
    assert generated == []
    assert (out / "run" / "model.safetensors").stat().st_mtime_ns == weights
    assert again["methods"] == first["methods"]
    assert again["kept"] == ["data", "training"], "no time is claimed for what was not done"
    assert list(again["seconds"]) == ["network", "histograms", "report"]


def test_another_length_is_no_continuation(finished):
    with pytest.raises(UserError, match=r"started with other values of: .*training\.epochs"):
        run_demo(Plan(finished[0], "tiny", epochs=3, workers=0), lambda line: None)


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
    draw_occsynth(tmp_path / "occsynth", 0)
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


def run_cli(*arguments):
    app = typer.Typer()
    app.callback()(lambda: None)
    demo.register(app)
    return CliRunner().invoke(app, ["demo", *map(str, arguments)])


def test_command_prints_a_table_and_where_the_report_is(finished):
    out, _, results = finished
    done = run_cli("--out", out, "--size", "tiny", "--epochs", 1, "--workers", 0)
    assert done.exit_code == 0, done.output
    assert f"report: {out / 'report.html'}" in done.stdout
    assert "[2/5]" in done.stdout and "together" in done.stdout
    for name, entry in results["methods"].items():
        line = next(line for line in done.stdout.splitlines() if name in line and "│" in line)
        assert f"{100 * entry['scores']['mAP']:.1f} %" in line


def test_json_is_all_that_is_on_stdout(finished):
    out, _, results = finished
    done = run_cli("--out", out, "--size", "tiny", "--epochs", 1, "--workers", 0, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["methods"] == results["methods"]
    assert "[1/5]" in done.stderr


def test_help_has_an_example_and_nonsense_is_refused():
    assert "occreid demo --out demo" in run_cli("--help").stdout
    assert run_cli("--size", "huge").exit_code == 2
    assert run_cli("--epochs", "0").exit_code == 2


def test_a_killed_training_goes_on(tmp_path, finished, generated):
    """What a kill before the first checkpoint leaves: data and the run's recipe."""
    shutil.copytree(finished[0] / "occsynth", tmp_path / "occsynth")
    shutil.copy(finished[0] / "occsynth.json", tmp_path)
    (tmp_path / "run").mkdir()
    shutil.copy(finished[0] / "run" / "recipe.yaml", tmp_path / "run")
    results = run_demo(Plan(tmp_path, "tiny", epochs=1, workers=0), lambda line: None)
    assert results["weights_sha256"] == finished[2]["weights_sha256"], "same seed, same weights"


def test_the_commands_on_the_page_ask_for_the_same(tmp_path):
    plan = Plan(tmp_path, "demo", seed=7, epochs=4, workers=3)
    assert plan.command == "occreid demo --size demo --seed 7 --epochs 4"
    assert Plan(tmp_path).command == "occreid demo --size demo --seed 0"
    generate, train = demo._single_steps(plan)
    assert generate == "occreid data synth --size demo --out data/occsynth-demo --seed 7"
    words = shlex.split(train)
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    shown, own = load_recipe(words[2], settings), make_recipe(plan)
    assert shown.data.root == "data/occsynth-demo" and str(tmp_path) not in train
    assert shown.schedule == own.schedule and shown.training == own.training and shown.optimizer == own.optimizer


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
