"""The second stream of a training step: pictures with part masks and no identities (HPNet, Section 3.2, Eq. 10).

The paper runs forward and backward for the identified batch, then for the other, and adds the gradients. Here both
losses are added before one backward pass, which gives the same gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from occreid.data.loading.loaders import ReidLoader, train_loader
from occreid.errors import UserError
from occreid.records import Record
from occreid.training.augmentation import train_transform
from occreid.training.recipe import DataSection


def second_loader(
    records: Sequence[Record],
    data: DataSection,
    *,
    seed: int,
    steps: int,
    rank: int = 0,
    world_size: int = 1,
    channels_last: bool = False,
) -> ReidLoader:
    """Shuffled batches of ``data.parsing.batch`` pictures: each picture once before any comes again.

    Args:
        records: pictures with masks.
        data: the recipe's; its ``parsing`` is there.
        seed: decides order and augmentation.
        steps: batches in an epoch, as many as the first stream has.
        rank: this process among ``world_size``.
        world_size: training processes.
        channels_last: the images' memory format.

    Raises:
        UserError: fewer pictures than a step takes.
    """
    section = data.parsing
    assert section is not None
    if len(records) < section.batch * world_size:
        raise UserError(
            f"data.parsing: batches of {section.batch} pictures on {world_size} process{'es' * (world_size > 1)} need "
            f"{section.batch * world_size}, {section.name} has {len(records)}.",
            f"Set data.parsing.batch to {len(records) // world_size} or less.",
        )
    return train_loader(
        [replace(record, pid=index) for index, record in enumerate(records)],  # each picture counts for itself
        p=section.batch,
        k=1,
        seed=seed,
        transform=train_transform(section.transform, data.height, data.width),
        workers=data.workers,
        rank=rank,
        world_size=world_size,
        steps=steps,
        channels_last=channels_last,
    )


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Within the block batch normalisation works with the batch's statistics and leaves the running ones alone.

    So the second stream's pictures, of another kind, do not leak into what the model normalises by at test time.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
