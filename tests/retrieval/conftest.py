"""The definition of every number, by sorting, in float64: what all of retrieval is tested against."""

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from occreid.descriptors import Descriptors


def brute_force(matrix, query_pids, query_camids, gallery_pids, gallery_camids, same_camera="junk", ap="step"):
    """Per query (average precision, INP, rank of first hit), None where it has no valid match."""
    results = []
    for row, pid, cam in zip(np.asarray(matrix, np.float64), query_pids, query_camids, strict=True):
        seen = [
            j
            for j in range(len(row))
            if not (same_camera == "junk" and gallery_pids[j] == pid and gallery_camids[j] == cam)
        ]
        order = sorted(seen, key=lambda j: (row[j], j))
        hits = [place + 1 for place, j in enumerate(order) if gallery_pids[j] == pid]
        if not hits:
            results.append(None)
            continue
        area, old_precision, found = 0.0, 1.0, 0
        precisions = []
        for place in range(1, len(order) + 1):  # the trapezoid, step by step as Market-1501's script walks
            if place in hits:
                found += 1
                precisions.append(found / place)
                area += (old_precision + found / place) / 2 / len(hits)
            old_precision = found / place
        precision = float(np.mean(precisions)) if ap == "step" else area
        results.append((precision, len(hits) / hits[-1], hits[0]))
    return results


@pytest.fixture(scope="session")
def brute():
    return brute_force


@st.composite
def problems(draw, parts=st.integers(1, 3)):
    """A query and a gallery: ties, junk, distractors, queries without a match, one query, one gallery image, ∞."""
    q, g = draw(st.integers(1, 6)), draw(st.integers(1, 30))
    p = draw(parts)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    ids, cameras = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    spread = draw(st.integers(1, 6))

    def side(count, lowest):
        return Descriptors(
            torch.randint(-spread, spread + 1, (count, p, 2), generator=generator),
            torch.rand(count, p, generator=generator) > 0.35,
            torch.randint(lowest, ids + 1, (count,), generator=generator),
            torch.randint(0, cameras, (count,), generator=generator),
            [f"{lowest}/{i}.jpg" for i in range(count)],
        )

    return side(q, 1), side(g, 0)  # pid 0: distractors


@pytest.fixture(scope="session")
def random_sides():
    """Clustered descriptors of a given size: ``(queries, gallery images, persons, parts, dimensions, seed)``."""

    def make(q, g, persons=12, parts=1, dim=8, seed=0, noise=0.6):
        generator = torch.Generator().manual_seed(seed)
        centres = torch.randn(persons, parts, dim, generator=generator)

        def side(count):
            pids = torch.randint(0, persons, (count,), generator=generator)
            noisy = centres[pids] + noise * torch.randn(count, parts, dim, generator=generator)
            visible = torch.rand(count, parts, generator=generator) > 0.3
            camids = torch.randint(0, 4, (count,), generator=generator)
            return Descriptors(noisy, visible, pids, camids, [f"{i:04d}.jpg" for i in range(count)])

        return side(q), side(g)

    return make


@pytest.fixture(scope="session")
def retrieval_problems():
    return problems
