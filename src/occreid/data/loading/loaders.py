"""Data loaders: records → batches, in worker processes or in this one, always the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from occreid.data.loading.dataset import Alter, ReidDataset, Sample, collate
from occreid.data.loading.samplers import Draw, PKSampler
from occreid.data.loading.transforms import EvalTransform, Transform
from occreid.errors import UserError
from occreid.records import Batch, Record, class_indices


class ReidLoader(DataLoader[Sample]):
    """A `DataLoader` of `Batch` that passes a worker's `UserError` on as it is, not wrapped in a traceback."""

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        for batch in super().__iter__():
            if isinstance(batch, UserError):
                raise batch
            yield batch

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch the next iteration draws; no effect on an evaluation loader, which has no random part."""
        if isinstance(self.batch_sampler, PKSampler):
            self.batch_sampler.set_epoch(epoch)


def train_loader(
    records: Sequence[Record],
    *,
    p: int,
    k: int,
    seed: int,
    transform: Transform,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    steps: int | None = None,
    masks: bool = True,
    reduce: bool = True,
    channels_last: bool = False,
    context: str | None = None,
) -> ReidLoader:
    """P × K training batches (B = P·K images, see `PKSampler`), the same for any number of workers.

    Call ``set_epoch`` before every epoch. Labels are the class indices of `occreid.records.class_indices`.

    Args:
        records: the training images.
        p: identities in a batch of this process.
        k: images of each.
        seed: decides batches and augmentation, 0 or more.
        transform: e.g. a `TrainTransform`.
        workers: processes that load; 0 loads in this one.
        rank: this process among ``world_size``.
        world_size: training processes.
        steps: batches in an epoch; None: what the images give.
        masks: False leaves part masks unread.
        reduce: decode large JPEGs at a fraction of their size, see `ReidDataset`.
        channels_last: the images' memory format.
        context: how workers start ("fork", "spawn", "forkserver"); None is Python's choice.

    Raises:
        UserError: see `PKSampler` and `ReidDataset`; while iterating, naming an unusable file.
    """
    dataset = ReidDataset(records, transform, class_indices(records), masks=masks, reduce=reduce)
    sampler = PKSampler([record.pid for record in records], p, k, seed, rank, world_size, steps)
    return ReidLoader(
        _Guarded(dataset),
        batch_sampler=sampler,
        **_loading(workers, context, persistent=workers > 0, seed=seed, channels_last=channels_last),
    )


def eval_loader(
    records: Sequence[Record],
    *,
    height: int,
    width: int,
    batch_size: int,
    workers: int = 0,
    masks: bool = True,
    reduce: bool = True,
    channels_last: bool = False,
    context: str | None = None,
    alter: Alter | None = None,
) -> ReidLoader:
    """All records in order, resized only; labels are the pids, the last batch may be smaller.

    Args:
        records: the images.
        height: H in pixels.
        width: W in pixels.
        batch_size: images in a batch.
        workers: processes that load; 0 loads in this one.
        masks: False leaves part masks unread.
        reduce: decode large JPEGs at a fraction of their size, see `ReidDataset`.
        channels_last: the images' memory format.
        context: how workers start; None is Python's choice.
        alter: changes each picture as it is read, e.g. a `occreid.data.occlusion.stress.Stressor`.

    Raises:
        UserError: no records, a batch size below 1; while iterating, naming an unusable file.
    """
    if batch_size < 1:
        raise UserError(f"a batch of {batch_size} images is impossible.", "Give a batch size of 1 or more.")
    dataset = ReidDataset(records, EvalTransform(height, width), masks=masks, reduce=reduce, alter=alter)
    loading = _loading(workers, context, persistent=False, seed=0, channels_last=channels_last)
    return ReidLoader(_Guarded(dataset), batch_size=batch_size, shuffle=False, **loading)


class _Guarded(Dataset[Sample]):
    """Loads a batch at a time, and hands a `UserError` over as a value: torch would flatten it to text."""

    def __init__(self, dataset: ReidDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw | int) -> Sample:
        return self.dataset[draw]

    def __getitems__(self, draws: Sequence[Draw | int]) -> list[Sample] | UserError:
        try:
            return [self.dataset[draw] for draw in draws]
        except UserError as error:
            return error


def _collate(samples: list[Sample] | UserError, channels_last: bool) -> Batch | UserError:
    return samples if isinstance(samples, UserError) else collate(samples, channels_last=channels_last)


def _loading(workers: int, context: str | None, *, persistent: bool, seed: int, channels_last: bool) -> dict[str, Any]:
    if workers < 0:
        raise UserError(f"{workers} loading processes are impossible.", "Give 0 workers or more.")
    return {
        "num_workers": workers,
        "collate_fn": partial(_collate, channels_last=channels_last),
        "pin_memory": torch.cuda.is_available(),
        "worker_init_fn": _start_worker,
        "persistent_workers": persistent,
        "prefetch_factor": 4 if workers else None,
        "multiprocessing_context": context if workers else None,
        # its own generator: iterating must not move torch's global one
        "generator": torch.Generator().manual_seed(seed),
    }


def _start_worker(worker: int) -> None:
    # one thread per worker: OpenCV's pool does not survive a fork, and workers are the parallelism
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
