import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from occreid.errors import UserError
from occreid.training.ablation import jobs
from occreid.training.ablation.jobs import check_folders, device_slots, is_finished, run_plan

WORK = """
import os, pathlib, signal, sys, time
folder, mode, others = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
folder.mkdir(parents=True, exist_ok=True)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
(folder / "started").write_text(str(time.monotonic()))
deadline = time.monotonic() + 120
while not all(pathlib.Path(other, "started").exists() for other in others):
    if time.monotonic() > deadline:
        sys.exit("the others have not started")
    time.sleep(0.01)
time.sleep(120 if mode == "slow" else 0.1)
if mode == "bad":
    print("occreid: the data is gone.")
    print("         Bring it back.")
    sys.exit(2)
(folder / "result.json").write_text("{}")
(folder / "ended").write_text(str(time.monotonic()))
(folder / "sees").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
"""


@pytest.fixture
def pretend(monkeypatch):
    """Runs are small scripts; those of the rows given go wrong, or are slow. All wait for the start of ``meet``."""

    def use(*rows, mode="bad", meet=()):
        others = [str(run.folder) for run in meet]
        monkeypatch.setattr(
            jobs,
            "call",
            lambda run: [
                *(sys.executable, "-S", "-c", WORK, str(run.folder), mode if run.row in rows else "good", *others)
            ],
        )

    return use


def span(run):
    return [float((run.folder / name).read_text()) for name in ("started", "ended")]


def test_every_run_is_made_once_and_one_after_another(plan, pretend):
    pretend()
    said, after = [], []
    assert run_plan(plan, say=said.append, after=after.append) == []
    assert all(is_finished(run) for run in plan.runs)
    assert after == list(plan.runs)
    spans = [span(run) for run in plan.runs]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    assert said[0] == "6 runs, 0 of them finished already"
    again = []
    assert run_plan(plan, say=again.append) == []
    assert again == ["6 runs, 6 of them finished already"]


def test_several_jobs_run_at_once(plan, pretend):
    both = plan.runs[:2]
    pretend(meet=both)  # neither ends before the other has started
    assert run_plan(replace(plan, runs=both), jobs=2, say=lambda line: None) == []
    assert all(is_finished(run) for run in both)


def test_a_failed_run_is_reported_and_the_others_go_on(plan, pretend):
    pretend("+ wide")
    said = []
    failures = run_plan(plan, say=said.append)
    assert [failure.run.row for failure in failures] == ["+ wide", "+ wide"]
    assert failures[0].reason.startswith("the data is gone. (exit code 2; see ")
    assert failures[0].log.name == "seed-0.log"
    assert [is_finished(run) for run in plan.runs] == [True, True, False, False, True, True]


def test_only_some_rows(plan, pretend):
    pretend()
    run_plan(plan, only=["plain"], say=lambda line: None)
    assert [is_finished(run) for run in plan.runs] == [False] * 4 + [True] * 2
    with pytest.raises(UserError, match="no row 'fancy'"):
        run_plan(plan, only=["fancy"])


def test_a_folder_of_another_run_is_refused_before_anything_starts(plan, pretend, finish):
    pretend()
    changed = plan.runs[3].recipe.model_copy(update={"optimizer": plan.runs[4].recipe.optimizer})
    finish(replace(plan.runs[3], recipe=changed), 0.5)
    with pytest.raises(UserError, match=r"out/wide/seed-1 was made with other values of: optimizer\.lr\."):
        run_plan(plan)
    assert not is_finished(plan.runs[0])


def test_the_same_data_may_have_moved(plan, finish):
    data = plan.runs[0].recipe.data.model_copy(update={"root": "moved", "workers": 3})
    finish(replace(plan.runs[0], recipe=plan.runs[0].recipe.model_copy(update={"data": data})), 0.5)
    check_folders(plan.runs)


def test_an_interrupt_reaches_the_runs(plan, pretend, monkeypatch):
    first, children, sleep, popen = plan.runs[0], [], time.sleep, subprocess.Popen
    pretend(first.row, mode="slow")

    def start(*arguments, **options):
        children.append(popen(*arguments, **options))
        return children[-1]

    def interrupt(seconds):
        while not (first.folder / "started").exists() and children[0].poll() is None:
            sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs.subprocess, "Popen", start)
    monkeypatch.setattr(jobs.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, say=lambda line: None)
    assert [child.returncode for child in children] == [-signal.SIGINT]  # it is gone, and was waited for
    assert not is_finished(first)


def test_a_run_that_was_begun_is_gone_on_with(plan, finish):
    run = plan.runs[0]
    assert jobs.call(run)[1:] == ["-m", "occreid", *run.arguments(), "--quiet"]
    finish(run, 0.5)
    assert jobs.call(run)[1:] == ["-m", "occreid", "train", "--resume", str(run.folder), "--quiet"]


def on_gpus(run, devices=1):
    training = run.recipe.training.model_copy(update={"accelerator": "auto", "devices": devices})
    return replace(run, recipe=run.recipe.model_copy(update={"training": training}))


@pytest.mark.parametrize(
    ("visible", "devices", "count", "slots"),
    [
        ("", 1, 1, ["0", "1", "2"]),
        ("", 1, 2, ["0", "1", "2", "0", "1", "2"]),
        ("4,6", 1, 1, ["4", "6"]),
        ("", 2, 1, ["0,1"]),
        ("5", 2, 1, ["5"]),
    ],
)
def test_each_run_has_a_gpu_of_its_own(plan, monkeypatch, visible, devices, count, slots):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = device_slots([on_gpus(run, devices) for run in plan.runs], count)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in found] == slots


def test_runs_on_a_cpu_share_its_cores(plan, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert device_slots(plan.runs, 1) == [{}]
    assert device_slots(plan.runs, 3) == [{"OMP_NUM_THREADS": "4"}] * 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert device_slots(plan.runs, 3) == [{}] * 3


def test_an_out_that_is_a_file_is_refused(plan, pretend, tmp_path):
    pretend()
    (tmp_path / "out").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        run_plan(plan, say=lambda line: None)


def test_a_run_waits_for_the_weights_it_needs(plan, pretend):
    first, *others = plan.runs
    chained = replace(plan, runs=(*(replace(run, parent=first.folder) for run in others), first))
    pretend()
    assert not run_plan(chained, jobs=3, say=lambda _: None)
    assert all(span(run)[0] >= span(first)[1] for run in others)


def test_what_a_failed_run_was_needed_for_fails_with_it(plan, pretend):
    first, second, *_ = [run for run in plan.runs if run.seed == 0]
    chained = replace(plan, runs=(first, replace(second, parent=first.folder)))
    pretend(first.row)
    failed = run_plan(chained, say=lambda _: None)
    assert [f.run.folder for f in failed] == [first.folder, second.folder]
    assert f"{first.folder} is not finished" in failed[1].reason and not second.folder.exists()


def test_only_a_row_takes_what_it_needs_with_it(plan, pretend):
    base, wide = (next(run for run in plan.runs if run.row == name and run.seed == 0) for name in ("base", "+ wide"))
    chained = replace(plan, runs=(replace(wide, parent=base.folder), base))
    pretend()
    run_plan(chained, only=["+ wide"], say=lambda _: None)
    assert is_finished(base) and is_finished(wide)
