import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import METRICS, distances
from occreid.errors import UserError
from occreid.orders import AS_IS
from occreid.retrieval import Protocol, evaluate, rank_rows, rerank_k_reciprocal, rerank_rows
from occreid.retrieval.nearest import keep_nearest
from occreid.retrieval.rerank import _nearest_on_device


def published(matrix, num_queries, k1, k2, lambda_):
    """The paper's formulation, dense and with loops, in float64; ``matrix`` (N, N) holds squared distances."""
    num = len(matrix)
    farthest = np.where(np.isinf(matrix), 0, matrix).max(1, keepdims=True)
    normalised = np.full_like(matrix, np.inf)
    np.divide(matrix, farthest, out=normalised, where=np.isfinite(matrix))
    nearest = [[j for j in np.argsort(row, kind="stable") if np.isfinite(row[j])] for row in matrix]

    def reciprocal(i, k):
        return [j for j in nearest[i][: k + 1] if i in nearest[j][: k + 1]]

    encoding = np.zeros((num, num))
    for i in range(num):
        own = reciprocal(i, k1)
        expanded = set(own)
        for candidate in own:
            theirs = reciprocal(candidate, round(k1 / 2))
            if len(set(theirs) & set(own)) > 2 / 3 * len(theirs):
                expanded |= set(theirs)
        members = sorted(expanded)
        weights = np.exp(-normalised[i, members])
        if members:
            encoding[i, members] = weights / weights.sum()
    if k2 > 1:
        encoding = np.stack([encoding[n[:k2]].mean(0) if n else encoding[i] for i, n in enumerate(nearest)])
    result = np.empty((num_queries, num - num_queries))
    for i in range(num_queries):
        shared = np.minimum(encoding[i], encoding[num_queries:]).sum(1)
        original = np.minimum(normalised[i, num_queries:], 1)
        result[i] = (1 - lambda_) * (1 - shared / (2 - shared)) + lambda_ * original
    return result


def squared(query, gallery, metric):
    """Squared Euclidean distances in float64, of unit features for cosine."""
    everyone = Descriptors.cat([query, gallery])
    x = everyone.features.flatten(1).double()
    if metric == "visible_parts":
        return distances(everyone, everyone, metric).double().numpy() ** 2
    if metric == "cosine":
        x = x / x.norm(dim=1, keepdim=True)
    return (x[:, None] - x[None]).pow(2).sum(2).numpy()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("k1", "k2", "lambda_"), [(20, 6, 0.3), (15, 6, 0.3), (5, 3, 0.0), (7, 1, 0.5), (1, 1, 1.0)])
def test_equals_the_published_formulation(random_sides, metric, k1, k2, lambda_):
    query, gallery = random_sides(17, 90, parts=3, seed=k1)
    expected = published(squared(query, gallery, metric), 17, k1, k2, lambda_)
    found = rerank_k_reciprocal(query, gallery, metric, k1, k2, lambda_)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_images_that_show_nothing_or_share_nothing(random_sides):
    query, gallery = random_sides(6, 40, parts=2)
    gallery.visibility[3] = False
    gallery.visibility[4:30, 0] = False
    query.visibility[1:3] = torch.tensor([True, False])
    query.visibility[4] = False
    expected = published(squared(query, gallery, "visible_parts"), 6, 10, 4, 0.3)
    found = rerank_k_reciprocal(query, gallery, "visible_parts", 10, 4)
    assert found.isfinite().all()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_ties_follow_the_order_of_the_images():
    generator = torch.Generator().manual_seed(5)
    query, gallery = (Descriptors(torch.randint(0, 3, (n, 2), generator=generator)) for n in (5, 40))
    expected = published(squared(query, gallery, "euclidean"), 5, 6, 3, 0.3)
    np.testing.assert_allclose(rerank_k_reciprocal(query, gallery, "euclidean", 6, 3).numpy(), expected, atol=1e-5)


def test_fewer_images_than_neighbours(random_sides):
    query, gallery = random_sides(1, 3)
    expected = published(squared(query, gallery, "euclidean"), 1, 20, 6, 0.3)
    np.testing.assert_allclose(rerank_k_reciprocal(query, gallery, "euclidean").numpy(), expected, atol=1e-5)


def test_neighbours_on_a_device_equal_those_of_the_loop():
    block = torch.randint(0, 5, (9, 30), generator=torch.Generator().manual_seed(0)).float()
    block[2], block[3, 4:] = torch.inf, torch.inf
    near, farthest = np.full((9, 6), 30, np.int32), np.empty(9, np.float32)
    keep_nearest(block.numpy(), np.zeros(1, np.float32), AS_IS, near, farthest)
    found = _nearest_on_device(block, 6)
    np.testing.assert_array_equal(found[0], near)
    np.testing.assert_array_equal(found[1].numpy(), farthest)


def test_identical_images_are_at_distance_zero():
    same = Descriptors(torch.ones(3, 4))
    torch.testing.assert_close(rerank_k_reciprocal(same[:1], same[1:], "euclidean"), torch.zeros(1, 2))


def test_chunks_and_blocks_change_nothing(random_sides, monkeypatch):
    query, gallery = random_sides(20, 120)
    whole = rerank_k_reciprocal(query, gallery, "euclidean")
    monkeypatch.setattr("occreid.retrieval.rerank._CHUNK", 7)
    monkeypatch.setattr("occreid.retrieval.sparse._PIECE", 100)
    torch.testing.assert_close(rerank_k_reciprocal(query, gallery, "euclidean"), whole, atol=1e-6, rtol=0)


def test_re_ranking_helps_clusters_and_is_scored_in_blocks(random_sides):
    query, gallery = random_sides(60, 300, persons=15, dim=6, noise=0.75)
    before = evaluate(query, gallery, "euclidean")
    again = Protocol("euclidean", rerank="k-reciprocal")
    after = rank_rows(rerank_rows(query, gallery, "euclidean"), query, gallery, again)
    assert after.mean_ap > before.mean_ap + 0.02
    assert "k1=20" in after.protocol.sentence()


@pytest.mark.parametrize("options", [{"k1": 0}, {"k2": 0}, {"lambda_": 1.5}])
def test_wrong_options_are_told(random_sides, options):
    with pytest.raises(UserError, match="not defined"):
        rerank_k_reciprocal(*random_sides(2, 5), "euclidean", **options)


def test_lambda_one_keeps_the_original_order(random_sides):
    query, gallery = random_sides(6, 50)
    found = rerank_k_reciprocal(query, gallery, "euclidean", lambda_=1.0)
    expected = distances(query, gallery, "euclidean")
    assert torch.equal(found.argsort(dim=1, stable=True), expected.argsort(dim=1, stable=True))


def test_values_lie_between_zero_and_one(random_sides):
    for metric in METRICS:
        found = rerank_k_reciprocal(*random_sides(10, 60, parts=2), metric, k1=8, k2=3)
        assert found.shape == (10, 60) and (found >= -1e-6).all() and (found <= 1 + 1e-6).all()


def test_blocks_come_in_order_and_may_be_written_into(random_sides, monkeypatch):
    query, gallery = random_sides(40, 60)
    whole, seen = rerank_k_reciprocal(query, gallery, "euclidean"), 0
    for start, block in rerank_rows(query, gallery, "euclidean"):
        assert start == seen
        torch.testing.assert_close(block, whole[start : start + len(block)])
        block.fill_(torch.nan)
        seen += len(block)
    assert seen == 40


def test_features_are_left_alone(random_sides):
    query, gallery = random_sides(6, 50)
    before = query.features.clone(), gallery.features.clone()
    rerank_k_reciprocal(query, gallery, "cosine")
    assert torch.equal(query.features, before[0]) and torch.equal(gallery.features, before[1])
