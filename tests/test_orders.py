import math

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import METRICS, distances
from occreid.errors import UserError
from occreid.orders import ADD, AS_IS, SCALE, Order, map_orders


@pytest.fixture
def threads():
    """Sets torch's number of threads; it is as before afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def sides(*numbers):
    generator = torch.Generator().manual_seed(5)
    return [
        Descriptors(
            torch.randn(n, 2, 4, generator=generator).requires_grad_(), torch.rand(n, 2, generator=generator) > 0.3
        )
        for n in numbers
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("metric", METRICS)
def test_threads_see_every_piece_once_and_their_work_comes_back_in_order(metric, count, threads):
    threads(count)
    query, gallery = sides(50, 5000)
    whole, seen = distances(query, gallery, metric).detach(), []

    def work(start, order):
        block = order.whole()
        assert not block.requires_grad
        seen.append(start)
        kept = block.clone()
        block.fill_(torch.nan)  # the work may write into its block
        return start, kept

    found = map_orders(query, gallery, metric, work, rows=7)
    assert [start for start, _ in found] == sorted(seen) == list(range(0, 50, 7))
    numbers = torch.cat([block for _, block in found])
    in_order = whole.nan_to_num(posinf=9).gather(1, numbers.argsort(1))
    assert (in_order.diff(dim=1) > -1e-5).all()  # as close as rounding tells apart
    assert torch.get_num_threads() == count


def test_an_error_in_a_thread_is_raised_and_leaves_torch_as_it_was(threads):
    threads(2)
    side = Descriptors(torch.ones(40, 1, 4))

    def fail(start, order):
        raise UserError("it broke.", "Mend it.")

    with pytest.raises(UserError, match="it broke"):
        map_orders(side, side, "cosine", fail, rows=5)
    assert torch.get_num_threads() == 2 and torch.get_float32_matmul_precision() == "highest"


def test_what_a_column_lacks_is_added_or_scales_and_is_rounded_each_time():
    numbers, column = torch.rand(3, 50), torch.rand(50)
    assert torch.equal(Order(numbers.clone(), column, ADD).whole(), column - 2 * numbers)
    assert torch.equal(Order(numbers.clone(), column, SCALE).whole(), numbers * column + 1)
    as_is = Order.of(numbers)
    assert as_is.finish == AS_IS and as_is.whole() is numbers and len(as_is) == 3


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("worse", [0, 1])
@pytest.mark.parametrize(("value", "words"), [(math.nan, r"b\.jpg holds NaN"), (1e30, "is too long")])
def test_a_feature_that_is_no_number_or_too_long_is_refused_on_either_side(metric, worse, value, words):
    two = [torch.ones(3, 1, 4), torch.ones(3, 1, 4)]
    two[worse][1, 0, 2] = value
    named = [Descriptors(features, paths=["a.jpg", "b.jpg", "c.jpg"]) for features in two]
    with pytest.raises(UserError, match=words):
        map_orders(*named, metric, lambda start, order: None)


@pytest.mark.parametrize("metric", METRICS)
def test_zero_features_and_empty_galleries_are_ordered(metric):
    query, gallery = Descriptors(torch.zeros(2, 1, 4)), Descriptors(torch.zeros(3, 1, 4))
    (numbers,) = map_orders(query, gallery, metric, lambda start, order: order.whole().clone())
    assert (numbers == numbers[0, 0]).all() and numbers.isfinite().all()
    (nothing,) = map_orders(query, gallery[:0], metric, lambda start, order: order.whole().clone())
    assert nothing.shape == (2, 0)


def test_other_metrics_and_shapes_are_told():
    one, other = Descriptors(torch.zeros(1, 4)), Descriptors(torch.zeros(1, 5))
    with pytest.raises(UserError, match="same model"):
        map_orders(one, other, "cosine", lambda start, order: None)
    with pytest.raises(UserError, match="Did you mean 'cosine'"):
        map_orders(one, one, "cosin", lambda start, order: None)  # type: ignore[arg-type]
