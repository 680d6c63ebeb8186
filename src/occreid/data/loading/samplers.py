"""P × K batches: P identities, K images of each, the same on every machine for the same seed and epoch.

Letters: N images, I identities, P identities and K images of each in a batch, R processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from occreid.errors import UserError

_ORDER, _PICTURES, _AUGMENT = range(3)  # separate streams of random numbers under one seed


class Draw(NamedTuple):
    """One image of a batch: which record, and the seed that decides everything random about it."""

    index: int
    seed: int


class PKSampler(Sampler[list[Draw]]):
    """Batches of P identities × K images, a pure function of (seed, epoch, step, process).

    All steps of all epochs form one endless sequence of slots, R·P to a step. Identities fill the slots in
    rounds: each round is a fresh permutation of all I identities, so no identity is ever more than one visit
    ahead of another; where a step spans two rounds the second is arranged so that the step's identities still
    differ. In each visit an identity gives K images of a shuffled deck that is reshuffled when it is used up:
    an identity of n ≥ K images shows all of them within any ⌈n/K⌉ visits of a deck and none twice in a batch;
    one of n < K shows each ⌊K/n⌋ or ⌈K/n⌉ times. Nothing depends on what was drawn before, so training
    resumed at an epoch sees what uninterrupted training would have seen.

    An epoch has max(1, ⌊N / (R·P·K)⌋) steps unless ``steps`` says otherwise, the same on every process.

    Args:
        pids: N person ids, one per image.
        p: identities in a batch (of this process).
        k: images of each identity.
        seed: 0 or more.
        rank: this process, 0…R−1; each process gets other identities within a step.
        world_size: R, the number of processes.
        steps: batches in an epoch, 1 or more; left out, as above.

    Raises:
        UserError: p, k or the seed out of range, no images, or fewer identities than R·P.
    """

    def __init__(
        self,
        pids: Sequence[int],
        p: int,
        k: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        steps: int | None = None,
    ) -> None:
        if p < 1 or k < 1:
            raise UserError(f"batches of {p} identities × {k} images are impossible.", "Give p and k of 1 or more.")
        if seed < 0:
            raise UserError(f"the seed {seed} is negative.", "Give a seed of 0 or more.")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} of {world_size} processes")
        self.p, self.k, self.seed, self.rank, self.world_size = p, k, seed, rank, world_size
        self.epoch = 0
        known = np.asarray(pids, dtype=np.int64)
        # a stable sort keeps each identity's images in record order: sorted ids, sorted files
        self._images = np.split(
            np.argsort(known, kind="stable"), np.cumsum(np.unique(known, return_counts=True)[1])[:-1]
        )
        ids = len(np.unique(known))
        if ids < p * world_size:
            each = f" on each of {world_size} processes" if world_size > 1 else ""
            raise UserError(
                f"batches of {p} identities{each} need {p * world_size} identities, the training set has {ids}.",
                f"Set p to {ids // world_size} or less, or add identities."
                if ids >= world_size
                else "Add identities, or use fewer processes.",
            )
        self._steps = steps or max(1, len(known) // (p * k * world_size))

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._steps

    def set_epoch(self, epoch: int) -> None:
        """Choose which epoch the next iteration draws."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch = self.epoch
        slots = self.p * self.world_size
        ids, order, ordered_round = len(self._images), np.empty(0, np.int64), -1
        for step in range(self._steps):
            first = (epoch * self._steps + step) * slots + self.rank * self.p
            seeds = self._random(_AUGMENT, epoch, step, self.rank).integers(2**63, size=self.p * self.k)
            draws: list[Draw] = []
            for slot in range(first, first + self.p):
                visit, position = divmod(slot, ids)
                if visit != ordered_round:
                    order, ordered_round = self._round(visit, order if visit == ordered_round + 1 else None), visit
                chosen = self._pictures(int(order[position]), visit)
                own = seeds[len(draws) : len(draws) + self.k].tolist()
                draws.extend(Draw(i, s) for i, s in zip(chosen.tolist(), own, strict=True))
            yield draws

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *key])

    def _round(self, number: int, before: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """The identities in the order round ``number`` visits them; ``before`` is the round before, if known."""
        ids, slots = len(self._images), self.p * self.world_size
        order = self._random(_ORDER, number).permutation(ids)
        tail = number * ids % slots  # slots of the spanned step that the round before has filled
        if tail == 0:
            return order
        if before is None:
            # rounds that begin with a step stand alone, and come every slots/gcd rounds: start from the last one
            before = order
            for earlier in range(number - number % (slots // math.gcd(ids, slots)), number):
                before = self._round(earlier, before)
        free = np.flatnonzero(~np.isin(order, before[-tail:]))[: slots - tail]
        return np.concatenate([order[free], np.delete(order, free)])

    def _pictures(self, identity: int, visit: int) -> NDArray[np.int64]:
        images = self._images[identity]
        deck, hand = divmod(visit, math.ceil(len(images) / self.k))
        shuffled = self._random(_PICTURES, identity, deck).permutation(images)
        return shuffled[(hand * self.k + np.arange(self.k)) % len(images)]
