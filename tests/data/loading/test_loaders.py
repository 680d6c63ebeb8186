import os
import pickle
import random
import sys

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from occreid.data.loading.loaders import eval_loader, train_loader
from occreid.data.loading.transforms import TrainTransform
from occreid.data.masks.files import write_mask
from occreid.errors import UserError
from occreid.records import Batch, Record

ON_ONE_PROCESSOR = pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")

TRANSFORM = TrainTransform(24, 12, pad=3, color_jitter=0.2)
# forking is refused a warning-free run from Python 3.12 on when threads are about; spawning is always fine
FAST = "fork" if hasattr(os, "fork") and sys.version_info < (3, 12) else "spawn"


@pytest.fixture
def records(tmp_path):
    """Six persons with 2–4 noisy images each, with masks."""
    noise = np.random.default_rng(0)
    made = []
    for pid in range(6):
        for i in range(2 + pid % 3):
            path = tmp_path / f"{pid}_{i}.png"
            Image.fromarray(noise.integers(0, 256, (32, 16, 3), dtype=np.uint8)).save(path)
            write_mask(tmp_path / f"{pid}_{i}_mask.png", noise.integers(0, 5, (32, 16)))
            made.append(Record(path, 10 * pid, i, mask=tmp_path / f"{pid}_{i}_mask.png", visibility=(1, 1, 1, 0.5)))
    return made


def trained(records, epochs=(0,), **options):
    loader = train_loader(records, **({"p": 2, "k": 2, "seed": 3, "transform": TRANSFORM} | options))
    batches = []
    for epoch in epochs:
        loader.set_epoch(epoch)
        batches.extend(loader)
    return batches


def same(one, other):
    names = ("images", "labels", "camids", "indices", "masks", "visibility")
    return len(one) == len(other) and all(
        torch.equal(getattr(a, name), getattr(b, name)) for a, b in zip(one, other, strict=True) for name in names
    )


class TestTrainLoader:
    def test_yields_p_times_k_batches_of_class_indices(self, records):
        batches = trained(records)
        assert len(batches) == len(records) // 4 and all(isinstance(batch, Batch) for batch in batches)
        for batch in batches:
            assert batch.images.shape == (4, 3, 24, 12) and batch.images.dtype == torch.uint8
            assert batch.masks.shape == (4, 24, 12) and batch.visibility.shape == (4, 4)
            assert batch.labels.tolist() == [records[i].pid // 10 for i in batch.indices.tolist()]
            assert len(set(batch.labels.tolist())) == 2

    @ON_ONE_PROCESSOR
    def test_batches_do_not_depend_on_the_number_of_workers(self, records):
        alone = trained(records, epochs=(0, 1))
        assert same(alone, trained(records, epochs=(0, 1), workers=1, context=FAST))
        assert same(alone, trained(records, epochs=(0, 1), workers=2, context=FAST))

    def test_spawned_workers_load_the_same(self, records):
        assert same(trained(records), trained(records, workers=1, context="spawn"))

    def test_an_epoch_after_resuming_is_the_uninterrupted_one(self, records):
        uninterrupted = trained(records, epochs=range(4))
        resumed = trained(records, epochs=(2, 3))
        assert same(uninterrupted[len(uninterrupted) // 2 :], resumed)

    def test_epochs_and_seeds_differ(self, records):
        assert not same(trained(records), trained(records, epochs=(1,)))
        assert not same(trained(records), trained(records, seed=4))

    def test_processes_get_different_identities_in_a_step(self, records):
        ranks = [trained(records, rank=rank, world_size=2) for rank in (0, 1)]
        assert len(ranks[0]) == len(ranks[1]) == len(records) // 8
        for one, other in zip(*ranks, strict=True):
            assert not set(one.labels.tolist()) & set(other.labels.tolist())

    def test_iterating_moves_no_global_random_state(self, records):
        before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
        trained(records)
        assert torch.equal(before[0], torch.get_rng_state())
        assert np.array_equal(before[1], np.random.get_state()[1]) and before[2] == random.getstate()

    def test_masks_can_be_left_unread(self, records):
        for record in records:
            record.mask.unlink()
        assert trained(records, masks=False)[0].masks is None

    def test_is_an_ordinary_data_loader_of_known_length(self, records):
        loader = train_loader(records, p=2, k=2, seed=0, transform=TRANSFORM)
        assert isinstance(loader, DataLoader) and len(loader) == len(records) // 4


class TestEvalLoader:
    def test_yields_every_record_once_in_order_with_its_pid(self, records):
        batches = list(eval_loader(records, height=24, width=12, batch_size=4))
        assert [len(batch) for batch in batches] == [4] * (len(records) // 4) + [len(records) % 4] * (
            len(records) % 4 > 0
        )
        assert torch.cat([b.indices for b in batches]).tolist() == list(range(len(records)))
        assert torch.cat([b.labels for b in batches]).tolist() == [r.pid for r in records]
        assert torch.cat([b.camids for b in batches]).tolist() == [r.camid for r in records]

    @ON_ONE_PROCESSOR
    def test_does_not_depend_on_workers_or_the_epoch(self, records):
        loader = eval_loader(records, height=24, width=12, batch_size=5)
        once = list(loader)
        loader.set_epoch(3)
        assert same(once, list(loader))
        assert same(once, list(eval_loader(records, height=24, width=12, batch_size=5, workers=2, context=FAST)))

    @pytest.mark.parametrize(("option", "named"), [({"batch_size": 0}, "batch of 0"), ({"workers": -1}, "-1 loading")])
    def test_impossible_numbers(self, records, option, named):
        with pytest.raises(UserError, match=named):
            eval_loader(records, **({"height": 24, "width": 12, "batch_size": 4} | option))


class TestErrorsWhileLoading:
    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_broken_file_is_named_in_one_sentence_wherever_it_is_read(self, records, workers):
        records[5].path.write_bytes(records[5].path.read_bytes()[:100])
        loader = eval_loader(
            records, height=24, width=12, batch_size=4, workers=workers, context=FAST if workers else None
        )
        batches = iter(loader)
        assert len(next(batches)) == 4
        with pytest.raises(UserError) as caught:
            next(batches)
        assert records[5].path.name in caught.value.problem and caught.value.hint
        assert "Traceback" not in str(caught.value) and "\n" not in str(caught.value)

    def test_training_can_go_on_with_persistent_workers_once_the_file_is_mended(self, records):
        whole = records[5].path.read_bytes()
        loader = train_loader(records, p=6, k=4, seed=0, transform=TRANSFORM, workers=1, context=FAST)
        records[5].path.write_bytes(b"")
        with pytest.raises(UserError, match="is empty"):
            list(loader)
        records[5].path.write_bytes(whole)
        assert len(list(loader)) == len(loader) == 1

    def test_the_error_pickles(self):
        error = pickle.loads(pickle.dumps(UserError("a.jpg is empty.", "Copy it again.")))
        assert (error.problem, error.hint) == ("a.jpg is empty.", "Copy it again.")


class CountThreads(TrainTransform):
    """Draws the number of threads of the process it runs in, and whether that is a child of this one."""

    parent = os.getpid()

    def __call__(self, image, mask, generator):
        counts = [cv2.getNumThreads(), torch.get_num_threads(), os.getppid() == self.parent]
        return torch.tensor(counts, dtype=torch.uint8).view(3, 1, 1), None


@pytest.mark.skipif(FAST != "fork", reason="a spawned worker cannot import a test's class")
def test_a_worker_runs_on_one_thread_and_this_process_keeps_its_own(records, monkeypatch):
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        (batch,) = trained(records[:4], p=1, k=4, transform=CountThreads(1, 1), workers=1, context=FAST, masks=False)
        assert batch.images[0, :2].flatten().tolist() == [1, 1]
        assert int(batch.images[0, 2]) == 1
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
