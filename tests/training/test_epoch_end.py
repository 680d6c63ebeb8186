import csv
from dataclasses import replace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from occreid.evaluation.parts import PartScores
from occreid.retrieval import Protocol, Ranking
from occreid.training import train
from occreid.training.checkpoints import Checkpoint
from occreid.training.epoch_end import EpochEnd, format_scores, oracle_words


def rows(file):
    with file.open() as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def scored(monkeypatch):
    """Let the evaluations say these mAPs in turn."""

    def script(*values):
        left = list(values)
        evaluate = EpochEnd._evaluate

        def scripted(self, module):
            before, value = self.evaluate, left.pop(0)

            def measured(device):
                ranking = before(device)
                ranking.average_precision[:] = value
                return ranking

            self.evaluate = measured
            try:
                return evaluate(self, module)
            finally:
                self.evaluate = before

        monkeypatch.setattr(EpochEnd, "_evaluate", scripted)
        return left

    return script


def test_each_epoch_is_logged_once_with_its_losses(tiny, tmp_path):
    train(tiny("training.epochs=3"), tmp_path / "run", progress=False)
    log = rows(tmp_path / "run/log.csv")
    assert [(row["stage"], row["epoch"], row["step"]) for row in log] == [
        ("main", "1", "4"),
        ("main", "2", "8"),
        ("main", "3", "12"),
    ]
    assert all(float(row["loss"]) == float(row["loss_id"]) > 0 for row in log)
    assert float(log[0]["lr"]) > float(log[-1]["lr"]) > 0
    board = EventAccumulator(str(tmp_path / "run/tensorboard")).Reload()
    assert [event.step for event in board.Scalars("loss")] == [1, 2, 3]
    assert board.Scalars("loss")[0].value == pytest.approx(float(log[0]["loss"]))
    assert board.Scalars("evaluation/mAP")[-1].value == 1.0


@pytest.mark.parametrize(("every", "epochs"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (0, [])])
def test_evaluation_comes_every_n_epochs_and_at_the_end(tiny, tmp_path, every, epochs):
    train(tiny("training.epochs=5", f"training.evaluate_every={every}"), tmp_path / "run", progress=False)
    file = tmp_path / "run/evaluation.csv"
    assert [int(row["epoch"]) for row in (rows(file) if file.exists() else [])] == epochs
    assert (tmp_path / "run/result.json").is_file()


def test_the_best_checkpoint_is_the_one_of_the_highest_map(tiny, tmp_path, scored):
    left = scored(0.2, 0.6, 0.6, 0.4)
    train(tiny("training.epochs=4"), tmp_path / "run", progress=False)
    assert left == []
    best, last = (Checkpoint.load(tmp_path / f"run/checkpoints/{name}.ckpt") for name in ("best", "last"))
    assert (best.epoch, last.epoch) == (2, 4)
    assert best.best == last.best == 0.6


def test_checkpoints_come_every_n_epochs_and_at_the_end(tiny, tmp_path, monkeypatch):
    saved = []
    save = Checkpoint.save
    monkeypatch.setattr(
        Checkpoint, "save", lambda self, path: (saved.append((path.stem, self.epoch)), save(self, path))
    )
    train(tiny("training.epochs=5", "training.checkpoint_every=2", "training.evaluate_every=0"), tmp_path / "run")
    assert saved == [("last", 2), ("last", 4), ("last", 5)]


def test_the_averaged_weights_are_what_is_evaluated_and_saved(tiny, tmp_path):
    import torch
    from safetensors.torch import load_file

    train(tiny("training.ema=0.99", "training.epochs=2"), tmp_path / "run", progress=False)
    last = Checkpoint.load(tmp_path / "run/checkpoints/last.ckpt")
    saved = load_file(tmp_path / "run/model.safetensors")
    assert all(torch.equal(saved[name], last.ema[name]) for name in saved)
    assert not torch.equal(saved["classifier.weight"], last.model["classifier.weight"])


def test_scores_are_printed_in_per_cent():
    assert format_scores({"mAP": 0.1234, "R-1": 0.5}) == "mAP 12.3 %  R-1 50.0 %"


def test_an_oracle_is_said_behind_the_scores():
    one = np.ones(1)
    ranking = Ranking(Protocol("cosine", ranks=(1,)), np.ones((1, 1), np.int64), one, one, np.ones(1, np.int64))
    assert oracle_words(ranking) == "" and oracle_words(PartScores((1,), (1,), 1)) == ""
    marked = replace(ranking, protocol=ranking.protocol.marked("all masks"))
    assert oracle_words(marked) == "  (ORACLE: all masks)"
