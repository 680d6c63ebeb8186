import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid import distances as module
from occreid.descriptors import Descriptors
from occreid.distances import (
    METRICS,
    Prepared,
    cosine,
    distance_rows,
    distances,
    euclidean,
    paired_distances,
    visible_parts,
)
from occreid.errors import UserError


def by_loops(x, y, x_visible, y_visible, metric):
    """Every metric pair by pair in float64, from its definition."""
    out = torch.empty(len(x), len(y), dtype=torch.float64)
    x, y = x.double(), y.double()
    for i in range(len(x)):
        for j in range(len(y)):
            if metric == "euclidean":
                out[i, j] = (x[i] - y[j]).pow(2).sum().sqrt()
            elif metric == "cosine":
                length = x[i].norm() * y[j].norm()
                out[i, j] = 1 - (x[i] * y[j]).sum() / length if length else 1.0
            else:
                parts = [p for p in range(x.shape[1]) if x_visible[i, p] and y_visible[j, p]]
                unit = lambda v: v / v.norm() if v.norm() else v  # noqa: E731
                each = [(unit(x[i, p]) - unit(y[j, p])).norm() for p in parts]
                out[i, j] = sum(each) / len(each) if each else math.inf
    return out


@st.composite
def sides(draw):
    n, m, p, d = (draw(st.integers(1, high)) for high in (5, 7, 4, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    whole = draw(st.booleans())  # integers make ties and zero features

    def side(count):
        features = torch.randn(count, p, d, generator=generator)
        return Descriptors(features.round() if whole else features, torch.rand(count, p, generator=generator) > 0.4)

    return side(n), side(m)


@given(sides(), st.sampled_from(METRICS))
@settings(max_examples=80, deadline=None)
def test_distances_equal_the_definition_pair_by_pair(pair, metric):
    query, gallery = pair
    expected = by_loops(query.features, gallery.features, query.visibility, gallery.visibility, metric)
    torch.testing.assert_close(distances(query, gallery, metric).double(), expected, atol=2e-3, rtol=1e-4)
    rows, columns = torch.cartesian_prod(torch.arange(len(query)), torch.arange(len(gallery))).T
    paired = paired_distances(query, gallery, metric, rows, columns).view(len(query), -1)
    torch.testing.assert_close(paired.double(), expected, atol=1e-5, rtol=1e-5)


def test_visible_parts_takes_features_as_they_are_and_distances_normalises_them():
    generator = torch.Generator().manual_seed(0)
    features, visible = 3 * torch.randn(4, 2, 5, generator=generator), torch.ones(4, 2, dtype=torch.bool)
    raw = visible_parts(features, features, visible, visible)
    expected = (features[:, None] - features[None]).norm(dim=3).mean(2)
    torch.testing.assert_close(raw, expected, atol=5e-3, rtol=1e-4)
    assert not torch.allclose(raw, distances(*[Descriptors(features, visible)] * 2, "visible_parts"), atol=0.1)


@pytest.mark.parametrize("metric", METRICS)
def test_a_prepared_side_gives_the_same_distances_also_of_some_of_its_images(metric):
    generator = torch.Generator().manual_seed(3)
    made = [
        Descriptors(3 * torch.randn(n, 2, 5, generator=generator), torch.rand(n, 2, generator=generator) > 0.3)
        for n in (4, 9)
    ]
    query, gallery = made
    prepared, expected = Prepared(gallery, metric), distances(query, gallery, metric)
    torch.testing.assert_close(prepared.distances(query), expected)
    some = torch.arange(9) % 2 == 0
    torch.testing.assert_close(prepared[some].distances(query), expected[:, some])
    assert len(prepared) == 9 and len(prepared[some]) == 5
    with pytest.raises(UserError, match="query descriptors are"):
        prepared.distances(Descriptors(torch.zeros(1, 2, 4)))
    with pytest.raises(UserError, match="NaN"):
        Prepared(Descriptors(torch.full((1, 5), torch.nan)), metric)


def test_pairs_without_a_shared_part_are_infinitely_far():
    one, other = torch.tensor([[True, False]]), torch.tensor([[False, True], [True, True]])
    found = visible_parts(torch.ones(1, 2, 3), torch.ones(2, 2, 3), one, other)
    assert found[0, 0] == math.inf and found[0, 1] == 0


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_equal_float64_and_are_finite_where_the_distance_is_zero(metric):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(6, 3, 4, generator=generator)
    features[1] = features[0]
    features[2] = 0
    visible = torch.rand(6, 3, generator=generator) > 0.3
    visible[3] = False

    def total(x, dtype):
        if metric == "visible_parts":
            found = visible_parts(x, x, visible, visible)
        else:
            flat = x.flatten(1)
            found = {"euclidean": euclidean, "cosine": cosine}[metric](flat, flat)
        off = ~torch.eye(6, dtype=torch.bool) & torch.isfinite(found.detach())
        return found[off].pow(2).sum()

    x = features.clone().requires_grad_()
    total(x, torch.float32).backward()
    assert x.grad is not None and x.grad.isfinite().all()
    if metric == "euclidean":  # sum of squared distances: the gradient is known exactly
        expected = 4 * (6 * features - features.sum(0))
        torch.testing.assert_close(x.grad, expected, atol=1e-3, rtol=1e-3)


def test_gradient_of_a_plain_distance_is_zero_at_zero_and_never_passes_through_nan():
    x = torch.zeros(3, 4, requires_grad=True)
    with torch.autograd.set_detect_anomaly(True):  # also a NaN that is masked later is an error
        (0 * euclidean(x, x)).sum().backward()
    assert x.grad is not None and (x.grad == 0).all()


@pytest.mark.parametrize("metric", METRICS)
def test_pieces_of_any_size_give_the_same_rows(metric):
    generator = torch.Generator().manual_seed(2)
    query, gallery = (
        Descriptors(torch.randint(-2, 3, (n, 2, 4), generator=generator), torch.rand(n, 2, generator=generator) > 0.3)
        for n in (11, 29)
    )
    whole = distances(query, gallery, metric)
    for rows in (1, 4, 11, 50):
        pieces = [block.clone() for _, block in distance_rows(query, gallery, metric, rows)]
        assert all(len(piece) <= rows for piece in pieces)
        torch.testing.assert_close(torch.cat(pieces), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("metric", METRICS)
def test_an_empty_gallery_is_at_no_distance(metric):
    query, gallery = Descriptors(torch.randn(3, 2, 4)), Descriptors(torch.zeros(0, 2, 4))
    assert distances(query, gallery, metric).shape == (3, 0)
    assert [len(block) for _, block in distance_rows(query, gallery, metric, 2)] == [2, 1]


def test_tiles_cover_a_gallery_wider_than_one():
    generator = torch.Generator().manual_seed(3)
    query, gallery = (Descriptors(torch.randint(-3, 4, (n, 8), generator=generator)) for n in (3, 5000))
    expected = torch.cdist(query.features[:, 0].double(), gallery.features[:, 0].double())
    torch.testing.assert_close(distances(query, gallery, "euclidean").double(), expected, atol=1e-5, rtol=1e-6)


def test_float32_inside_autocast_and_after_a_lower_matmul_precision(monkeypatch):
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(5, 64, generator=generator)
    expected = euclidean(x, x)
    before, inside = torch.get_float32_matmul_precision(), []
    squared = module._squared
    note = lambda *a: inside.append(torch.get_float32_matmul_precision()) or squared(*a)  # noqa: E731
    monkeypatch.setattr(module, "_squared", note)
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", torch.bfloat16):
            found = euclidean(x, x)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
    assert inside == ["highest"]


def test_nan_names_the_image():
    bad = torch.zeros(3, 4)
    bad[1, 2] = math.nan
    query = Descriptors(bad, paths=["a.jpg", "b.jpg", "c.jpg"])
    with pytest.raises(UserError, match=r"b\.jpg holds NaN"):
        distances(query, Descriptors(torch.zeros(2, 4)), "euclidean")


def test_features_too_long_to_square_are_an_error_not_an_infinity():
    with pytest.raises(UserError, match="is too long"):
        distances(Descriptors(torch.full((1, 4), 1e30)), Descriptors(torch.zeros(2, 4)), "euclidean")


def test_errors_of_metric_and_shape():
    one, other = Descriptors(torch.zeros(1, 4)), Descriptors(torch.zeros(1, 5))
    with pytest.raises(UserError, match="Did you mean 'euclidean'"):
        distances(one, one, "euclidian")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="same model"):
        distances(one, other, "euclidean")
