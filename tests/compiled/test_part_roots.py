import numpy as np
import pytest

from occreid.compiled.part_roots import mean_roots


@pytest.mark.parametrize(("rows", "columns", "stride"), [(1, 1, 1), (5, 20, 20), (6, 17, 30)])
def test_the_loop_equals_numpy_on_a_tile_of_a_wider_matrix(rows, columns, stride):
    generator = np.random.default_rng(0)
    wide = generator.random((rows, stride)).astype(np.float32)
    around, memory = wide[:, columns:].copy(), wide.reshape(-1)[: (rows - 1) * stride + columns]
    seen = generator.random((rows, 3)) < 0.6
    seen[-1] = False
    others = (generator.random((3, columns + 4)) < 0.6).astype(np.float32)
    squared = generator.normal(size=(3, rows, columns)).astype(np.float32)
    given = np.full((3, rows + 2, columns), np.nan, np.float32)  # what lies behind a part's rows is not looked at
    place = np.empty((3, rows + 1), np.int64)
    total = np.zeros((rows, columns), np.float32)
    for part in range(3):
        showing = squared[part][seen[:, part]]
        given[part, : len(showing)] = showing
        place[part] = 100 + np.concatenate([[0], seen[:, part].cumsum()])
        total[seen[:, part]] += np.sqrt(np.maximum(showing, 0))
    mean_roots(memory, stride, given, place, seen, others, 3)
    shared = seen.astype(np.float32) @ others[:, 3 : 3 + columns]
    mean = total / np.where(shared > 0, shared, 1)
    np.testing.assert_array_equal(wide[:, :columns], np.where(shared > 0, mean, np.inf).astype(np.float32))
    np.testing.assert_array_equal(wide[:, columns:], around)
