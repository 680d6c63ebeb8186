import numpy as np
import pytest

from occreid.compiled.part_roots import add_roots, divide_by_shared


@pytest.mark.parametrize(("rows", "columns", "stride"), [(1, 1, 1), (3, 20, 20), (4, 17, 30)])
def test_the_loops_equal_numpy_on_a_tile_of_a_wider_matrix(rows, columns, stride):
    generator = np.random.default_rng(0)
    wide = generator.random((rows, stride)).astype(np.float32)
    around, memory = wide[:, columns:].copy(), wide.reshape(-1)[: (rows - 1) * stride + columns]
    squared = generator.normal(size=(2, rows, columns)).astype(np.float32)
    shared = generator.integers(0, 3, (rows, columns)).astype(np.float32)
    for part in range(2):
        add_roots(memory, stride, squared[part], part == 0)
    roots = np.sqrt(np.maximum(squared, 0))
    np.testing.assert_array_equal(wide[:, :columns], roots[0] + roots[1])
    divide_by_shared(memory, stride, shared)
    mean = (roots[0] + roots[1]) / np.where(shared > 0, shared, 1)
    np.testing.assert_array_equal(wide[:, :columns], np.where(shared > 0, mean, np.inf).astype(np.float32))
    np.testing.assert_array_equal(wide[:, columns:], around)
