import numpy as np
import pytest
import torch

from occreid.orders import ADD, AS_IS, SCALE, Order
from occreid.retrieval.finishing import finish_numbers


@pytest.mark.parametrize("finish", [AS_IS, ADD, SCALE])
def test_numbers_are_finished_as_torch_finishes_them_to_the_last_bit(finish):
    generator = np.random.default_rng(0)
    numbers, column = generator.normal(size=(2, 1003)).astype(np.float32)
    numbers[5], found = np.nan, np.empty(1003, np.float32)
    finish_numbers(numbers, column if finish != AS_IS else column[:0], finish, found)
    whole = Order(torch.from_numpy(numbers.copy()[None]), torch.from_numpy(column), finish).whole()
    np.testing.assert_array_equal(found, whole[0].numpy())
