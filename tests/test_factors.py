import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.factors import inverse_lengths, left_parts, require_lengths, right_parts, squares


def test_squares_and_inverse_lengths_in_float64():
    x = torch.randn(3000, 2, 40, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(squares(x).double(), x.double().pow(2).sum(2), rtol=1e-6, atol=0)
    torch.testing.assert_close(inverse_lengths(x).double(), 1 / x.double().norm(dim=2), rtol=1e-6, atol=0)
    assert inverse_lengths(torch.zeros(1, 3)) == 1e12


def test_the_product_of_the_factors_is_the_squared_distance_where_both_show_the_part():
    generator = torch.Generator().manual_seed(1)
    (x, seen), (y, shown) = (
        (torch.randn(n, 2, 5, generator=generator), torch.rand(n, 2, generator=generator) > 0.4) for n in (4, 6)
    )
    product = left_parts(x, seen.float()) @ right_parts(y, shown.float()).transpose(1, 2)
    squared = (x.double()[:, None] - y.double()[None]).pow(2).sum(3) * (seen[:, None] & shown[None])
    torch.testing.assert_close(product.double(), squared.permute(2, 0, 1), rtol=1e-5, atol=1e-5)


def test_lengths_must_be_finite():
    side = Descriptors(torch.tensor([[1.0], [torch.nan]]), paths=["a.jpg", "b.jpg"])
    require_lengths(side, torch.ones(2))
    with pytest.raises(UserError, match=r"b\.jpg holds NaN"):
        require_lengths(side, torch.tensor([1.0, torch.nan]))
    with pytest.raises(UserError, match="longer than float32"):
        require_lengths(Descriptors(torch.ones(1, 1)), torch.tensor([torch.inf]))
