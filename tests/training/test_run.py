"""Kill -9 and go on: the resumed run must end with the weights of one that was never disturbed."""

import csv
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from occreid.errors import UserError
from occreid.training import resume, train
from occreid.training.checkpoints import Checkpoint
from occreid.training.recipe_files import dump_recipe

PROGRAM = """
import os, signal, sys, torch
torch.set_num_threads(1)
from occreid.training import load_recipe, resume, train
from occreid.training.checkpoints import Checkpoint
save = Checkpoint.save
def save_and_die(self, path):
    save(self, path)
    if path.name == "last.ckpt" and self.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "die":
    Checkpoint.save = save_and_die
if sys.argv[1] == "resume":
    resume(sys.argv[2], progress=False)
else:
    train(load_recipe(sys.argv[2]), sys.argv[3], progress=False)
"""
LONG = ("training.epochs=5", "training.ema=0.9", "schedule.warmup=2", "training.accumulate=3", "data.workers=1")


def in_a_process(*arguments):
    """Run `PROGRAM`: train, resume, or die by SIGKILL once the checkpoint of epoch 2 is written."""
    call = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(call, stdout=subprocess.DEVNULL, timeout=600).returncode


def rows(file):
    with file.open() as opened:
        return list(csv.DictReader(opened))


def assert_same_run(one, other):
    a, b = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name
    last_a, last_b = (Checkpoint.load(run / "checkpoints/last.ckpt") for run in (one, other))
    for name in last_a.model:
        assert torch.equal(last_a.model[name], last_b.model[name]), name
    for state_a, state_b in zip(last_a.optimizer["state"].values(), last_b.optimizer["state"].values(), strict=True):
        assert all(torch.equal(state_a[key], state_b[key]) for key in state_a)
    for table in ("log.csv", "evaluation.csv"):
        timeless = [
            [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows(run / table)]
            for run in (one, other)
        ]
        assert timeless[0] == timeless[1]


def test_killed_and_resumed_training_ends_bit_for_bit_like_undisturbed_training(tiny, tmp_path):
    recipe = tiny(*LONG)
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    assert in_a_process("die", tmp_path / "recipe.yaml", killed) == -signal.SIGKILL
    assert Checkpoint.load(killed / "checkpoints/last.ckpt").epoch == 2
    assert not (killed / "result.json").exists()
    assert in_a_process("resume", killed) == 0
    assert in_a_process("train", tmp_path / "recipe.yaml", undisturbed) == 0  # of its own too: equal threads
    assert_same_run(killed, undisturbed)
    assert [int(row["epoch"]) for row in rows(killed / "log.csv")] == [1, 2, 3, 4, 5]


def interrupted(monkeypatch, recipe, folder, *, at):
    """Train, and stop as a kill would right before the checkpoint number ``at`` is written."""
    saved = []
    save = Checkpoint.save

    def stop(self, path):
        if path.name == "last.ckpt":
            saved.append(path)
            if len(saved) == at:
                raise RuntimeError("killed")
        save(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", stop)
        with pytest.raises(RuntimeError, match="killed"):
            train(recipe, folder, progress=False)


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize(
    "overrides",
    [
        ("training.freeze_epochs=1",),
        ("training.ema=0.9", "training.freeze_epochs=1", "optimizer.name=sgd"),
        ("training.ema=0.9", "training.memory_format=channels_last", "training.precision=bf16"),
    ],
)
def test_a_run_stopped_between_log_and_checkpoint_repeats_the_epoch(monkeypatch, tiny, tmp_path, at, overrides):
    recipe = tiny("training.epochs=3", *overrides)
    interrupted(monkeypatch, recipe, tmp_path / "a", at=at)
    assert len(rows(tmp_path / "a/log.csv")) == at  # logged, not yet saved
    resume(tmp_path / "a", progress=False)
    train(recipe, tmp_path / "b", progress=False)
    assert_same_run(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("at", [2, 3, 4])
def test_training_in_stages_resumes_in_any_of_them(monkeypatch, tiny, tmp_path, at):
    recipe = tiny("training.epochs=2", "training.ema=0.9", method="reid_toys:TwoLegs")
    interrupted(monkeypatch, recipe, tmp_path / "a", at=at)
    resume(tmp_path / "a", progress=False)
    train(recipe, tmp_path / "b", progress=False)
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert [(r["stage"], r["epoch"]) for r in rows(tmp_path / "a/log.csv")] == [
        ("first", "1"), ("first", "2"), ("second", "1"), ("second", "2"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")  # on one processor
def test_the_worker_count_does_not_change_the_weights(tiny, tmp_path):
    train(tiny("training.evaluate_every=0"), tmp_path / "a", progress=False)
    train(tiny("training.evaluate_every=0", "data.workers=2"), tmp_path / "b", progress=False)
    a, b = load_file(tmp_path / "a/model.safetensors"), load_file(tmp_path / "b/model.safetensors")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_resuming_a_finished_run_changes_nothing(tiny, tmp_path, capsys):
    train(tiny("training.epochs=1"), tmp_path / "a", progress=False)
    before = (tmp_path / "a/model.safetensors").stat().st_mtime_ns
    resume(tmp_path / "a", progress=False)
    assert (tmp_path / "a/model.safetensors").stat().st_mtime_ns == before
    assert "finished already" in capsys.readouterr().out


def test_a_damaged_checkpoint_is_named(monkeypatch, tiny, tmp_path):
    interrupted(monkeypatch, tiny("training.epochs=3"), tmp_path / "a", at=2)
    (tmp_path / "a/checkpoints/last.ckpt").write_bytes(b"PK not really")
    with pytest.raises(UserError, match=r"the checkpoint .*last.ckpt is damaged"):
        resume(tmp_path / "a", progress=False)


def test_a_finished_run_holds_everything_it_promises(tiny, tmp_path, capsys):
    import json

    from occreid.models import load_model
    from occreid.training import load_recipe

    recipe = tiny("training.accumulate=2")
    assert train(recipe, tmp_path / "run", progress=False) == tmp_path / "run"
    shown = capsys.readouterr().out
    assert "16 images of 4 identities from 2 cameras" in shown
    assert "effective batch 8: 2 identities × 2 images × 1 process × 2 accumulated" in shown
    assert "learning rate 0.01 (adam, cosine); 4 batches an epoch" in shown
    assert load_recipe(tmp_path / "run/recipe.yaml") == recipe
    card = json.loads((tmp_path / "run/model.json").read_text())
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert card["classes"] == [1, 2, 3, 4]
    assert card["metrics"]["market1501"] == result["benchmarks"][0]["scores"]
    assert card["sha256"] == result["weights_sha256"]
    assert result["recipe"] == recipe.model_dump(mode="json")
    assert load_model(tmp_path / "run").input_size == (32, 16)
    assert (tmp_path / "run/checkpoints/best.ckpt").is_file()


def test_the_model_is_chosen_by_held_out_people_and_tested_on_the_benchmark_and_others(tiny, market, tmp_path):
    import json

    test = f"[{{name: market1501, root: '{market}', options: {{strict: false}}}}]"
    recipe = tiny("data.validation_ids=2", f"evaluation.test={test}", "evaluation.same_camera=junk")
    train(recipe, tmp_path / "run", progress=False)
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert [entry["benchmark"] for entry in result["benchmarks"]] == ["market1501", "market1501 (2)"]
    assert result["benchmarks"][0]["counts"]["train"]["ids"] == 2
    last = rows(tmp_path / "run/evaluation.csv")
    assert len(last) == 2
    held_out = result["validation"]
    assert held_out["benchmark"] == "market1501-validation" and held_out["counts"]["train"]["images"] == 0
    assert held_out["scores"]["mAP"] == pytest.approx(float(last[-1]["mAP"]))


def test_ctrl_c_says_how_to_go_on(monkeypatch, tiny, tmp_path, capsys):
    from reid_toys import Toy

    losses, calls = Toy.losses, []

    def interrupt(self, batch):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return losses(self, batch)

    monkeypatch.setattr(Toy, "losses", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), tmp_path / "run", progress=False)
    shown = capsys.readouterr().out
    assert f"the last finished epoch is saved. Go on with: occreid train --resume {tmp_path / 'run'}" in shown
    resume(tmp_path / "run", progress=False)
    train(tiny(), tmp_path / "other", progress=False)
    assert_same_run(tmp_path / "run", tmp_path / "other")


def test_other_weights_are_started_from_and_what_was_left_out_is_listed(tiny, market, tmp_path, capsys):
    train(tiny("data.validation_ids=1"), tmp_path / "three", progress=False)
    capsys.readouterr()
    train(tiny(f"training.init_from='{tmp_path / 'three'}'", "optimizer.lr=1e-9"), tmp_path / "four", progress=False)
    shown = capsys.readouterr().out
    assert "7 tensors loaded" in shown
    assert "not loaded: classifier.weight: (3, 8) in the file, (4, 8) in the model" in shown
    one, other = (load_file(tmp_path / f"{run}/model.safetensors") for run in ("three", "four"))
    assert torch.allclose(one["backbone.0.weight"], other["backbone.0.weight"], atol=1e-6)


@pytest.mark.parametrize(
    "override",
    [
        "training.init_from=nowhere",
        "method.name=basline",
        "data.root=/nowhere",
        "training.stage_epochs={x: 1}",
        "data.p=9",
    ],
)
def test_mistakes_are_found_before_the_run_folder_is_made(tiny, tmp_path, override):
    with pytest.raises(UserError):
        train(tiny(override), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_run_killed_before_its_first_checkpoint_starts_anew(monkeypatch, tiny, tmp_path):
    from occreid.training import run as run_module

    with monkeypatch.context() as patch:
        patch.setattr(run_module.Run, "_train", lambda self: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            train(tiny(), tmp_path / "a", progress=False)
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["recipe.yaml"]
    resume(tmp_path / "a", progress=False)
    train(tiny(), tmp_path / "b", progress=False)
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_what_auto_chooses_stands_in_the_run_and_is_kept_by_a_resumed_one(monkeypatch, tiny, tmp_path, capsys):
    from occreid.training import fastest, load_recipe

    recipe = tiny("training.precision=auto", "training.memory_format=auto")
    chosen = fastest.Computing("channels_last", "bfloat16")
    with monkeypatch.context() as patch:
        patch.setattr(fastest, "fastest", lambda candidates, *others: (chosen, dict.fromkeys(candidates, 0.5)))
        interrupted(monkeypatch, recipe, tmp_path / "a", at=2)
    assert "auto: bf16 channels_last is the fastest here" in capsys.readouterr().out
    settled = load_recipe(tmp_path / "a/recipe.yaml")
    assert (settled.training.precision, settled.training.memory_format) == ("bf16", "channels_last")
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    resume(tmp_path / "a", recipe=tmp_path / "recipe.yaml", progress=False)  # auto is no change
    assert "auto:" not in capsys.readouterr().out
    train(settled, tmp_path / "b", progress=False)
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_two_processes_train_one_model(tiny, tmp_path):
    recipe = tiny(
        "training.devices=2",
        "training.precision=auto",
        "training.memory_format=auto",
        "training.freeze_epochs=1",
        "data.p=2",
        "training.evaluate_every=2",
    )
    (tmp_path / "recipe.yaml").write_text(dump_recipe(recipe))
    (tmp_path / "program.py").write_text(PROGRAM)  # Lightning starts the second process from the script's name
    ended = subprocess.run(
        [sys.executable, tmp_path / "program.py", "train", tmp_path / "recipe.yaml", tmp_path / "run"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("effective batch 8: 2 identities × 2 images × 2 processes") == 1
    assert [row["step"] for row in rows(tmp_path / "run/log.csv")] == ["2", "4"]
    assert (tmp_path / "run/result.json").is_file()


def test_a_run_may_test_other_weights_and_train_nothing(tiny, tmp_path):
    trained = train(tiny("training.epochs=1"), tmp_path / "trained", progress=False)
    only = (f"training.init_from={trained}", "training.test_only=true")
    tested = train(tiny(*only, "evaluation.ap=trapezoid"), tmp_path / "tested", progress=False)
    a, b = load_file(trained / "model.safetensors"), load_file(tested / "model.safetensors")
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert not (tested / "log.csv").exists() and not (tested / "checkpoints").exists()
    assert '"ap": "trapezoid"' in (tested / "result.json").read_text()
    with pytest.raises(UserError, match=r"cannot be tested with these options: backbone.0.bias: \(8,\) in the file"):
        train(tiny(*only, "method.options.width=4"), tmp_path / "other", progress=False)
    with pytest.raises(UserError, match="names no weights to test"):
        tiny("training.test_only=true")


def test_a_run_goes_on_where_its_pictures_moved_but_not_on_other_persons(monkeypatch, tiny, market, tmp_path):
    interrupted(monkeypatch, tiny("training.epochs=2"), tmp_path / "a", at=2)
    shutil.copytree(market, tmp_path / "moved")
    gone = next(file for file in sorted((tmp_path / "moved").rglob("*.*g")) if "train" in str(file.parent))
    taken = gone.read_bytes()
    gone.unlink()
    with pytest.raises(UserError, match="was started on other pictures"):
        resume(tmp_path / "a", overrides=[f"data.root={tmp_path / 'moved'}"], progress=False)
    gone.write_bytes(taken)
    resume(tmp_path / "a", overrides=[f"data.root={tmp_path / 'moved'}"], progress=False)


def test_the_start_of_a_transformer_is_one_command_and_a_student_begins_with_it(market, tmp_path):
    """The shipped recipe, with a teacher that needs no weights package and pictures that take no time."""
    from occreid.models import create_model
    from occreid.training import load_recipe

    small = {
        "method.options.teacher": "resnet10t",
        "method.options.teacher_weights": "none",
        "method.options.teacher_dim": 512,
        "data.name": "market1501",
        "data.options": "{strict: false}",
        "data.root": market,
        "data.height": 32,
        "data.width": 16,
        "data.p": 2,
        "data.k": 2,
        "data.workers": 0,
        "training.epochs": 2,
        "training.evaluate_every": 0,
        "training.accelerator": "cpu",
    }
    recipe = load_recipe("baseline_vit/start_lite0", [f"{key}={value}" for key, value in small.items()])
    run = train(recipe, tmp_path / "start", progress=False)
    losses = rows(run / "log.csv")[-1]
    assert float(losses["loss_distill_patches"]) > 0 and "loss_id" not in losses
    student = create_model(
        "sureid", 3, backbone="deit_tiny_patch16_224", pretrained=str(run), height=32, width=16
    ).backbone
    taught = {k.removeprefix("backbone."): v for k, v in load_file(run / "model.safetensors").items()}
    assert all(torch.equal(tensor, taught[name]) for name, tensor in student.state_dict().items())


def test_denormal_numbers_do_not_slow_a_training_down(monkeypatch, tiny, tmp_path):
    from occreid.nn.denormals import flushes_denormals
    from occreid.training.run import Run

    seen = []
    monkeypatch.setattr(Run, "go", lambda self: seen.append(flushes_denormals()) or self.folder)
    folder = train(tiny(), tmp_path / "run", progress=False)
    resume(folder, progress=False)
    assert seen == [True, True]
    assert not flushes_denormals()  # whoever calls computes as before


def test_synchronised_statistics_that_would_lose_activations_are_refused_before_training(tiny, tmp_path):
    options = "method.options={backbone: mobilenetv3_small_050, pretrained: none}"
    recipe = tiny(
        options, "training.sync_batchnorm=true", "training.accelerator=cpu", "training.devices=2", method="baseline"
    )
    with pytest.raises(UserError, match="BatchNormAct2d"):
        train(recipe, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
