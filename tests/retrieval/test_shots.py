import numpy as np
import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.retrieval import evaluate
from occreid.retrieval.matches import find_matches
from occreid.retrieval.shots import draw_galleries


def drawn(query, gallery, draws=4, seed=0):
    matches = find_matches(query, gallery, "junk")
    return draw_galleries(gallery.pids.numpy(), matches, len(query), draws, seed)


def test_a_drawn_gallery_holds_one_image_of_each_person(random_sides):
    query, gallery = random_sides(20, 100)
    found = drawn(query, gallery)
    persons = np.unique(gallery.pids.numpy())
    for images in found.images:
        np.testing.assert_array_equal(gallery.pids.numpy()[images], persons)
    assert len({tuple(images) for images in found.images}) == 4  # draws differ


def test_the_own_person_is_stood_for_by_a_valid_image(random_sides):
    query, gallery = random_sides(40, 100)
    found = drawn(query, gallery)
    for own in found.own:
        has = own >= 0
        assert has.any()
        assert (gallery.pids[own[has]] == query.pids[has]).all()
        assert (gallery.camids[own[has]] != query.camids[has]).all()


def test_the_draw_is_even():
    gallery = Descriptors(torch.zeros(4, 1), None, torch.tensor([7, 7, 7, 8]), torch.ones(4))
    query = Descriptors(torch.zeros(1, 1), None, torch.tensor([7]), torch.tensor([0]))
    found = drawn(query, gallery, draws=3000)
    for chosen in (found.images[:, 0], found.own[:, 0]):
        counts = np.bincount(chosen, minlength=4)
        assert counts[3] == 0 and (abs(counts[:3] - 1000) < 120).all()


@pytest.mark.parametrize("ap", ["step", "trapezoid"])
def test_equals_sorting_each_drawn_gallery(random_sides, brute, ap):
    query, gallery = random_sides(30, 90)
    gallery.features.round_()  # ties
    query.features.round_()
    found, matrix = drawn(query, gallery, 5, 3), distances(query, gallery, "euclidean")
    ranking = evaluate(query, gallery, "euclidean", shots="single", draws=5, seed=3, ranks=(1, 5), ap=ap)
    rates, precisions = [], []
    for images, own in zip(found.images, found.own, strict=True):
        results = []
        for row in range(len(query)):
            if own[row] < 0:
                continue
            pid = int(query.pids[row])
            keep = sorted([int(i) for i in images if int(gallery.pids[i]) != pid] + [int(own[row])])
            results += brute(
                matrix[row : row + 1, keep], [pid], [0], gallery.pids[keep].tolist(), [1] * len(keep), ap=ap
            )
        rates.append(np.mean([r[2] <= 5 for r in results]))
        precisions.append(np.mean([r[0] for r in results]))
    assert ranking.cmc[5] == pytest.approx(np.mean(rates)) and ranking.cmc_std[5] == pytest.approx(np.std(rates))
    assert ranking.mean_ap == pytest.approx(np.mean(precisions))
    assert ranking.mean_ap_std == pytest.approx(np.std(precisions))


def test_the_seed_decides(random_sides):
    query, gallery = random_sides(30, 90)
    one, same, other = (
        evaluate(query, gallery, "euclidean", shots="single", seed=seed).first_ranks for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_queries_without_a_match_are_skipped_in_every_draw(random_sides):
    query, gallery = random_sides(10, 50)
    query.pids[3] = 99
    ranking = evaluate(query, gallery, "euclidean", shots="single")
    assert ranking.num_skipped_queries == 1 and (ranking.first_ranks[:, 3] == 0).all()
    assert np.isnan(ranking.average_precision[3]) and not np.isnan(ranking.mean_ap)
