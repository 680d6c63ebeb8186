import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occreid.descriptors import Descriptors
from occreid.distances import METRICS, distances
from occreid.errors import UserError
from occreid.retrieval import Protocol, evaluate, expand_queries, rank, rank_rows, rerank_rows


def expected_of(brute, matrix, query, gallery, same_camera, ap):
    lists = [t.tolist() for t in (query.pids, query.camids, gallery.pids, gallery.camids)]
    return brute(matrix, *lists, same_camera, ap)


def assert_equal(ranking, expected):
    assert ranking.num_skipped_queries == sum(e is None for e in expected)
    assert ranking.num_valid_queries == sum(e is not None for e in expected)
    for row, entry in enumerate(expected):
        if entry is None:
            assert math.isnan(ranking.average_precision[row]) and ranking.first_ranks[0, row] == 0
        else:
            assert ranking.average_precision[row] == pytest.approx(entry[0], abs=1e-12)
            assert ranking.inverse_negative_penalty[row] == pytest.approx(entry[1], abs=1e-12)
            assert ranking.first_ranks[0, row] == entry[2]
    valid = [e for e in expected if e is not None]
    assert ranking.mean_ap == pytest.approx(np.mean([e[0] for e in valid]))
    assert ranking.mean_inp == pytest.approx(np.mean([e[1] for e in valid]))
    for k, rate in ranking.cmc.items():
        assert rate == pytest.approx(np.mean([e[2] <= k for e in valid]))


@given(st.data(), st.sampled_from(METRICS), st.sampled_from(["junk", "keep"]), st.sampled_from(["step", "trapezoid"]))
@settings(max_examples=400, deadline=None)
def test_equals_sorting(brute, retrieval_problems, data, metric, same_camera, ap):
    query, gallery = data.draw(retrieval_problems())
    expected = expected_of(brute, distances(query, gallery, metric), query, gallery, same_camera, ap)
    if not any(expected):
        with pytest.raises(UserError, match="no query has a match"):
            evaluate(query, gallery, metric, same_camera, ap)
        return
    assert_equal(evaluate(query, gallery, metric, same_camera, ap, ranks=(1, 2, 5)), expected)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_integer_features_rank_as_in_float64(brute, retrieval_problems, data):
    query, gallery = data.draw(retrieval_problems())
    exact = (query.features.flatten(1).double()[:, None] - gallery.features.flatten(1).double()[None]).norm(dim=2)
    expected = expected_of(brute, exact, query, gallery, "keep", "step")
    if any(expected):
        assert_equal(evaluate(query, gallery, "euclidean", "keep"), expected)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_permuted_gallery_changes_nothing_but_ties(retrieval_problems, data):
    query, gallery = data.draw(retrieval_problems())
    noise = torch.rand(gallery.features.shape, generator=torch.Generator().manual_seed(0))
    gallery = Descriptors(gallery.features + noise, None, gallery.pids, gallery.camids)  # no ties, no ∞
    query = Descriptors(query.features, None, query.pids, query.camids)
    order = torch.tensor(data.draw(st.permutations(range(len(gallery)))))
    try:
        expected = evaluate(query, gallery, "euclidean")
    except UserError:
        return
    found = evaluate(query, gallery[order], "euclidean")
    np.testing.assert_array_equal(found.first_ranks, expected.first_ranks)
    np.testing.assert_allclose(found.average_precision, expected.average_precision)


@pytest.mark.parametrize("metric", METRICS)
def test_pieces_and_threads_change_nothing(random_sides, metric, monkeypatch):
    query, gallery = random_sides(70, 500, parts=2)
    whole = evaluate(query, gallery, metric)
    monkeypatch.setattr("occreid.tiles._ROW_BYTES", 4 * 500 * 16)
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    pieces = evaluate(query, gallery, metric)
    np.testing.assert_array_equal(pieces.first_ranks, whole.first_ranks)
    np.testing.assert_array_equal(pieces.average_precision, whole.average_precision)


@pytest.mark.parametrize(("ranks", "step", "trapezoid"), [([1, 2, 4, 7], 0.8304, 0.8110), ([2], 0.5, 0.25)])
def test_the_worked_examples_of_the_two_forms(ranks, step, trapezoid):
    gallery = Descriptors(
        torch.arange(8.0)[:, None], None, torch.tensor([int(r in ranks) for r in range(1, 9)]), torch.ones(8)
    )
    query = Descriptors(torch.tensor([[-1.0]]), None, torch.tensor([1]), torch.tensor([0]))
    assert evaluate(query, gallery, "euclidean", ap="step").mean_ap == pytest.approx(step, abs=5e-5)
    assert evaluate(query, gallery, "euclidean", ap="trapezoid").mean_ap == pytest.approx(trapezoid, abs=5e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("same_camera", ["junk", "keep"])
def test_large_galleries_full_of_ties_equal_sorting(brute, metric, same_camera, monkeypatch):
    monkeypatch.setattr("occreid.retrieval.ranks._LOOP_FROM", 1)
    monkeypatch.setattr("occreid.part_tiles._LOOPS_FROM", 1)
    generator, size = torch.Generator().manual_seed(7), 4200  # chunks and tiles have several borders
    features = torch.randint(-1, 2, (size, 2, 2), generator=generator).float()  # 81 different images
    visible = torch.rand(size, 2, generator=generator) > 0.2
    pids = torch.randint(100, 400, (size,), generator=generator)  # about 14 hits
    pids[::30], pids[2047:2050], pids[17], pids[18:20] = 1, 2, 3, 4
    cameras = torch.randint(0, 3, (size,), generator=generator)
    cameras[17:20] = torch.tensor([1, 0, 0])
    gallery = Descriptors(features, visible, pids, cameras)
    own = torch.tensor([1, 2, 3, 4, 5, *range(100, 107)])  # 140 hits, 3 at a border, 1, same camera only, none, some
    query = Descriptors(features[:12] + 0.0, visible[:12], own, torch.zeros(12))
    expected = expected_of(brute, distances(query, gallery, metric), query, gallery, same_camera, "step")
    assert expected[4] is None and (expected[3] is None) == (same_camera == "junk") and expected[2] is not None
    assert_equal(evaluate(query, gallery, metric, same_camera), expected)


def test_infinity_ranks_last_in_gallery_order():
    matrix = torch.tensor([[math.inf, 1.0, math.inf, 0.5]])
    query = Descriptors(torch.zeros(1, 1), None, torch.tensor([1]), torch.tensor([0]))
    gallery = Descriptors(torch.zeros(4, 1), None, torch.tensor([2, 3, 1, 1]), torch.ones(4))
    ranking = rank_rows([(0, matrix)], query, gallery, Protocol("given"))
    assert ranking.average_precision[0] == pytest.approx((1 / 1 + 2 / 4) / 2)


def test_nan_names_the_image(random_sides):
    query, gallery = random_sides(3, 9)
    gallery.features[4, 0, 1] = math.nan
    with pytest.raises(UserError, match=r"0004\.jpg holds NaN"):
        evaluate(query, gallery, "euclidean")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"ap": "trapezium"}, "trapezoid"),
        ({"shots": "singel"}, "single"),
        ({"same_camera": "drop"}, "camera rule"),
        ({"ranks": (0, 1)}, "ranks"),
        ({"ranks": ()}, "ranks"),
        ({"shots": "single", "draws": 0}, "draws"),
    ],
)
def test_wrong_options_are_told(random_sides, options, word):
    with pytest.raises(UserError, match=word):
        evaluate(*random_sides(3, 9), "euclidean", **options)


def test_memory_does_not_hold_the_whole_matrix(random_sides, monkeypatch):
    query, gallery = random_sides(300, 400)
    monkeypatch.setattr("occreid.tiles._ROW_BYTES", 4 * 400 * 20)
    seen = []
    real = torch.empty
    monkeypatch.setattr("torch.empty", lambda *s, **k: seen.append(s) or real(*s, **k))
    evaluate(query, gallery, "euclidean")
    assert max(math.prod(s) for s in seen if all(isinstance(i, int) for i in s)) <= 20 * 400


def test_the_ranking_says_what_it_was_of(random_sides):
    query, gallery = random_sides(5, 40)
    ranking = evaluate(query, gallery, "cosine", "keep", "trapezoid", (1, 7))
    assert ranking.protocol.metric == "cosine" and ranking.protocol.same_camera == "keep"
    assert ranking.protocol.ap == "trapezoid" and ranking.ranks == (1, 7) and ranking.protocol.draws == 1
    assert ranking.query_paths == tuple(query.paths)
    np.testing.assert_array_equal(ranking.query_pids, query.pids)
    np.testing.assert_array_equal(ranking.query_camids, query.camids)
    assert ranking.gallery == {"images": 40, "ids": len(set(gallery.pids.tolist()))}


def test_cameras_are_needed_only_where_the_rule_looks_at_them(random_sides):
    query, gallery = random_sides(5, 40)
    blind = [Descriptors(side.features, None, side.pids) for side in (query, gallery)]
    kept = evaluate(*blind, "euclidean", same_camera="keep")
    assert kept.query_camids is None and kept.scores() == evaluate(query, gallery, "euclidean", "keep").scores()
    with pytest.raises(UserError, match="carry no camids"):
        evaluate(*blind, "euclidean")


@pytest.mark.parametrize("metric", METRICS)
def test_the_queries_do_not_disturb_each_other(random_sides, metric):
    query, gallery = random_sides(12, 80, parts=2)
    together = evaluate(query, gallery, metric)
    for row in np.flatnonzero(together.valid):
        alone = evaluate(query[row : row + 1], gallery, metric)
        assert alone.average_precision[0] == pytest.approx(together.average_precision[row])
        assert alone.first_ranks[0, 0] == together.first_ranks[0, row]


def test_neither_side_is_changed(random_sides):
    query, gallery = random_sides(5, 40, parts=2)
    copies = [(s.features.clone(), s.visibility.clone(), s.pids.clone()) for s in (query, gallery)]
    for metric in METRICS:
        evaluate(query, gallery, metric)
        evaluate(query, gallery, metric, shots="single")
    for side, (features, visibility, pids) in zip((query, gallery), copies, strict=True):
        assert torch.equal(side.features, features) and torch.equal(side.visibility, visibility)
        assert torch.equal(side.pids, pids)


def test_distractors_match_nobody_but_take_ranks(random_sides):
    query, gallery = random_sides(10, 60)
    without = evaluate(query, gallery, "euclidean")
    nearest = Descriptors(query.features.clone(), None, torch.full((10,), -5), torch.full((10,), 9))
    both = Descriptors.cat([gallery, nearest])
    found = evaluate(query, both, "euclidean")
    assert (found.first_ranks[0][found.valid] > without.first_ranks[0][without.valid]).all()
    assert found.num_valid_queries == without.num_valid_queries


@pytest.mark.parametrize("shots", ["multi", "single"])
def test_a_protocol_is_ranked_by(random_sides, shots):
    query, gallery = random_sides(20, 90)
    asked = Protocol("cosine", "keep", "trapezoid", shots, 3, 7, ranks=(1, 2))
    ranking = rank(query, gallery, asked)
    assert ranking.protocol == asked
    assert ranking.scores() == evaluate(query, gallery, "cosine", "keep", "trapezoid", (1, 2), shots, 3, 7).scores()


def test_a_protocol_re_ranks(random_sides):
    query, gallery = random_sides(20, 90, noise=0.8)
    asked = Protocol("euclidean", rerank={"method": "k-reciprocal", "k1": 9, "k2": 3, "lambda": 0.5})
    expected = rank_rows(rerank_rows(query, gallery, "euclidean", 9, 3, 0.5), query, gallery, asked)
    found = rank(query, gallery, asked)
    assert found.scores() == expected.scores() and found.protocol == asked
    assert found.scores() != evaluate(query, gallery, "euclidean").scores()


@pytest.mark.parametrize(("way", "k", "alpha"), [("aqe", 5, 0.0), ("alpha-qe", 5, 3.0), ("alpha-qe", 7, 1.5)])
def test_a_protocol_expands_queries_by_its_own_neighbours_and_alpha(random_sides, way, k, alpha):
    query, gallery = random_sides(60, 300, persons=15, dim=6, noise=0.8, seed=4)
    settings = {} if (k, alpha) in ((5, 0.0), (5, 3.0)) else {"neighbours": k, "alpha": alpha}
    found = rank(query, gallery, Protocol("cosine", rerank={"method": way, **settings})).average_precision
    np.testing.assert_array_equal(
        found, evaluate(expand_queries(query, gallery, "cosine", k, alpha), gallery, "cosine").average_precision
    )
    for other in ((k + 1, alpha), (k, alpha + 1)):
        rest = evaluate(expand_queries(query, gallery, "cosine", *other), gallery, "cosine").average_precision
        assert (rest != found).any()
