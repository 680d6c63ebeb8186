import pytest
import torch
from torch.nn.functional import normalize

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.retrieval import evaluate, expand_queries, top_k


def test_aqe_is_the_mean_of_query_and_neighbours(random_sides):
    query, gallery = random_sides(5, 40)
    found = expand_queries(query, gallery, "euclidean", k=3)
    near, _ = top_k(query, gallery, "euclidean", 3, "keep")
    members = torch.cat([query.features[:, None], gallery.features[near]], dim=1)
    expected = members.mean(1)
    torch.testing.assert_close(found.features, expected)
    assert found.paths == query.paths and torch.equal(found.pids, query.pids)


def test_alpha_qe_weights_by_similarity(random_sides):
    query, gallery = random_sides(5, 40)
    found = expand_queries(query, gallery, "cosine", k=4, alpha=3.0)
    q, g = (normalize(s.features.flatten(1), dim=1) for s in (query, gallery))
    near, _ = top_k(query, gallery, "cosine", 4, "keep")
    for row in range(5):
        weights = (g[near[row]] @ q[row]).clamp_min(0) ** 3
        expected = (q[row] + weights @ g[near[row]]) / (1 + weights.sum())
        torch.testing.assert_close(found.features[row, 0], expected)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "visible_parts"])
@pytest.mark.parametrize("alpha", [0.5, 2.0, 4.0])
def test_any_alpha_is_the_power_of_a_similarity_that_is_not_negative(random_sides, metric, alpha):
    query, gallery = (Descriptors(side.features) for side in random_sides(6, 12, dim=3, noise=2.0))
    found = expand_queries(query, gallery, metric, k=12, alpha=alpha).features[:, 0].double()
    q, g = (s.features[:, 0].double() for s in (query, gallery))
    unit = metric != "euclidean"
    assert ((normalize(q, dim=1) @ normalize(g, dim=1).T) < 0).any()
    for row in range(6):
        total, weight = (normalize(q[row], dim=0) if unit else q[row]), 1.0
        for other in range(12):
            cosine = float(normalize(q[row], dim=0) @ normalize(g[other], dim=0))
            share = max(cosine, 0.0) ** alpha
            total = total + share * (normalize(g[other], dim=0) if unit else g[other])
            weight += share
        torch.testing.assert_close(found[row], total / weight, atol=1e-5, rtol=1e-4)


def test_parts_are_averaged_over_the_images_that_show_them():
    query = Descriptors(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.tensor([[True, False]]))
    gallery = Descriptors(
        torch.tensor([[[0.0, 2.0], [3.0, 0.0]], [[1.0, 0.0], [9.0, 9.0]]]),
        torch.tensor([[True, True], [True, False]]),
    )
    found = expand_queries(query, gallery, "visible_parts", k=2)
    torch.testing.assert_close(found.features[0], torch.tensor([[2 / 3, 1 / 3], [1.0, 0.0]]))
    assert found.visibility.tolist() == [[True, True]]


def test_ids_are_not_looked_at(random_sides):
    query, gallery = random_sides(8, 60)
    expected = expand_queries(query, gallery, "euclidean")
    blind = expand_queries(Descriptors(query.features, query.visibility), gallery, "euclidean")
    assert torch.equal(blind.features, expected.features)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "visible_parts"])
@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_expansion_helps_clusters(random_sides, metric, alpha):
    query, gallery = random_sides(60, 300, persons=15, parts=2, dim=6, noise=0.8, seed=4)
    before = evaluate(query, gallery, metric)
    after = evaluate(expand_queries(query, gallery, metric, 8, alpha), gallery, metric)
    assert after.mean_ap > before.mean_ap


def test_a_gallery_smaller_than_k():
    query, gallery = Descriptors(torch.ones(1, 2)), Descriptors(torch.zeros(1, 2))
    torch.testing.assert_close(expand_queries(query, gallery, "euclidean", 5).features[0, 0], torch.full((2,), 0.5))


def test_wrong_options_are_told(random_sides):
    with pytest.raises(UserError, match="alpha"):
        expand_queries(*random_sides(2, 5), "cosine", alpha=-1)
    with pytest.raises(UserError, match="at least 1"):
        expand_queries(*random_sides(2, 5), "cosine", k=0)
