import numpy as np

from occreid.retrieval.reciprocal import expand_reciprocal, find_reciprocal, squared_lengths_apart


def lists(num, k, seed):
    """Neighbour lists of clustered points, some with places for nobody."""
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(num, 2)) + 3 * generator.integers(0, 4, (num, 1))
    near = np.linalg.norm(points[:, None] - points[None], axis=2).argsort(1)[:, :k].astype(np.int32)
    near[::5, k // 2 :] = num
    near[3] = num
    return near


def test_reciprocal_sets_and_their_expansion_equal_sets():
    near, k, half_k = lists(40, 12, 0), 9, 5

    def mutual(image, k):
        return {int(j) for j in near[image, :k] if j < 40 and image in near[j, :k]}

    reciprocal, half = np.empty((40, k), bool), np.empty((40, half_k), bool)
    find_reciprocal(near, k, reciprocal)
    find_reciprocal(near, half_k, half)
    grown = 0
    for start, stop in ((0, 25), (25, 40)):
        counts, members = np.empty(stop - start, np.int64), np.empty((stop - start, k + k * half_k), np.int32)
        expand_reciprocal(start, near, reciprocal, half, counts, members)
        for row, image in enumerate(range(start, stop)):
            own = mutual(image, k)
            assert set(near[image, :k][reciprocal[image]].tolist()) == own
            expanded = set(own)
            for other in own:
                theirs = mutual(other, half_k)
                if 3 * len(theirs & own) > 2 * len(theirs):
                    expanded |= theirs
            assert members[row, : counts[row]].tolist() == sorted(expanded)
            grown += len(expanded) > len(own)
    assert grown


def test_squared_distances_to_members():
    x = np.random.default_rng(0).normal(size=(5, 33)).astype(np.float32)
    starts, columns = np.array([0, 2, 2, 3, 3, 5]), np.array([1, 4, 2, 0, 3], np.int32)
    squared = np.empty(5, np.float32)
    squared_lengths_apart(x, starts, columns, squared)
    pairs = [(0, 1), (0, 4), (2, 2), (4, 0), (4, 3)]
    expected = [((x[i].astype(float) - x[j]) ** 2).sum() for i, j in pairs]
    np.testing.assert_allclose(squared, expected, rtol=1e-6)
