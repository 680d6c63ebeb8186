import numpy as np

from occreid.synth.people.spots import Spots


def test_take_keeps_rows_together():
    spots = Spots(np.arange(12.0).reshape(4, 3), np.arange(4.0), np.arange(4.0) + 10, np.arange(4.0) + 20)
    taken = spots.take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.place, [[6, 7, 8], [0, 1, 2]])
    assert taken.arm.tolist() == [2, 0] and taken.along.tolist() == [12, 10] and taken.around.tolist() == [22, 20]
