import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.report.separation import separate


def sides(query, gallery, metric="euclidean"):
    return [
        Descriptors(
            torch.tensor([[x] for _, _, x in rows], dtype=torch.float32),
            pids=torch.tensor([p for p, _, _ in rows]),
            camids=torch.tensor([c for _, c, _ in rows]),
        )
        for rows in (query, gallery)
    ]


QUERY = [(1, 0, 0.0), (2, 0, 10.0)]
GALLERY = [(1, 1, 1.0), (1, 0, 0.0), (2, 1, 12.0), (3, 1, 5.0)]


def test_every_pair_that_counts_is_in_one_of_the_two(request):
    found = separate(*sides(QUERY, GALLERY), "euclidean", "junk")
    assert (found.same.sum(), found.other.sum()) == (2, 5)  # 8 pairs, one of them from the same camera
    assert (found.edges[0], found.edges[-1]) == (1, 12)
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    assert np.allclose(middle[found.same > 0], [1, 2], atol=0.5)
    assert separate(*sides(QUERY, GALLERY), "euclidean", "keep").same.sum() == 3


def test_what_can_be_told_apart_does_not_overlap_and_noise_does():
    far = [(p, 1, 100.0 * p) for p in range(1, 9)]
    near = [(p, 0, 100.0 * p + 1) for p in range(1, 9)]
    assert separate(*sides(near, far), "euclidean", "junk").overlap == 0
    noise = torch.rand(400, generator=torch.Generator().manual_seed(0)).tolist()
    query = [(i % 4, 0, noise[i]) for i in range(200)]
    gallery = [(i % 4, 1, noise[200 + i]) for i in range(200)]
    assert separate(*sides(query, gallery), "euclidean", "junk").overlap > 0.9


def test_pairs_without_a_distance_are_counted_apart():
    query, gallery = sides(QUERY, GALLERY)
    gallery.visibility[3] = False
    found = separate(query, gallery, "visible_parts", "junk")
    assert found.without_distance == 2
    assert found.other.sum() == 3


def test_of_many_queries_some_are_drawn_always_the_same():
    query = [(p, 0, float(p)) for p in range(50)]
    gallery = [(p, 1, p + 0.5) for p in range(50)]
    one, other = (separate(*sides(query, gallery), "euclidean", "junk", most=7, seed=3) for _ in range(2))
    assert one.queries == one.same.sum() == 7
    assert np.array_equal(one.other, other.other)


def test_equal_distances_have_a_histogram_too():
    found = separate(*sides([(1, 0, 0.0)], [(1, 1, 2.0), (2, 1, 2.0)]), "euclidean", "junk")
    assert (found.same.sum(), found.other.sum(), found.overlap) == (1, 1, pytest.approx(1))
