import numpy as np
import pytest
import torch

from occreid.distances import METRICS
from occreid.errors import UserError
from occreid.retrieval import rerank_k_reciprocal
from occreid.retrieval.neighbourhoods import close_pairs


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("limit", [0.3, 0.7])
def test_each_pair_is_as_far_as_re_ranking_of_one_image_against_the_rest_says(random_sides, metric, limit):
    images, _ = random_sides(40, 5, parts=3, seed=3)
    found = close_pairs(images, metric, k1=6, k2=3, limit=limit)
    dense = np.ones((40, 40))
    dense[found.rows, found.columns] = found.distances
    expected = np.zeros((40, 40))
    for one in range(40):
        rest = [other for other in range(40) if other != one]
        query, others = images[torch.tensor([one])], images[torch.tensor(rest)]
        expected[one, rest] = rerank_k_reciprocal(query, others, metric, 6, 3, 0.0)[0].numpy()
    inside = expected <= limit
    # within rounding of the limit a pair may be on either side
    sure = np.abs(expected - limit) > 1e-5
    assert 40 < inside.sum() < 1600
    assert np.array_equal((dense < 1)[sure], inside[sure])
    np.testing.assert_allclose(dense[inside & sure], expected[inside & sure], atol=1e-5)


def test_impossible_neighbourhoods_are_refused(random_sides):
    images, _ = random_sides(5, 5)
    with pytest.raises(UserError, match="k1=0, k2=6"):
        close_pairs(images, "cosine", k1=0)
