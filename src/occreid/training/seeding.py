"""Random numbers as a function of where training stands, so that a resumed run draws what it would have drawn."""

from __future__ import annotations

import random

import numpy as np
import torch


def derived_seed(*numbers: int) -> int:
    """A 63-bit seed made of whole numbers ≥ 0; other numbers, or another order, give an unrelated seed.

    >>> derived_seed(0, 1) != derived_seed(1, 0)
    True
    """
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def seed_globals(seed: int) -> None:
    """Seed the generators that code may draw from without being handed one: torch's, Python's and NumPy's."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
