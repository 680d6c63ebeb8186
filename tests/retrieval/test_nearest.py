import numpy as np
import pytest

from occreid.orders import ADD, AS_IS, SCALE
from occreid.retrieval.nearest import keep_nearest


@pytest.mark.parametrize("finish", [AS_IS, ADD, SCALE])
@pytest.mark.parametrize(("width", "k"), [(1, 1), (64, 7), (65, 64), (2100, 22)])
def test_the_nearest_are_the_first_of_a_stable_sort(finish, width, k):
    generator = np.random.default_rng(width)
    values = generator.integers(-9, 9, (6, width)).astype(np.float32)  # many ties
    values[1] = 3
    values[2] = np.arange(width)[::-1]  # each nearer than all before
    values[3, ::2] = np.inf
    values[4] = np.inf
    column = generator.integers(1, 4, width).astype(np.float32)
    if finish == ADD:
        values[np.isinf(values)] = -np.inf  # as far away
    whole = {AS_IS: values, ADD: column - 2 * values, SCALE: values * column + 1}[finish]
    nearest, farthest = np.full((6, k), width, np.int32), np.empty(6, np.float32)
    keep_nearest(values, column, finish, nearest, farthest)
    for row, numbers in enumerate(whole):
        finite = np.isfinite(numbers)
        order = [i for i in np.argsort(numbers, kind="stable")[:k] if finite[i]]
        assert nearest[row].tolist() == order + [width] * (k - len(order))
        assert farthest[row] == (numbers[finite].max() if finite.any() else -np.inf)
