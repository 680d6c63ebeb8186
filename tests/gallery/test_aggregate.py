import torch

from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.gallery.aggregate import aggregate, part_signs


def test_an_aggregate_is_the_signed_sum_of_visible_unit_parts():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(5, 3, 7, generator=generator)
    visible = torch.tensor([[1, 1, 1], [1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 0, 1]]).bool()
    found, signs = aggregate(Descriptors(features, visible)), part_signs(3, 7)
    assert found.dtype == torch.float32 and found.shape == (5, 7)
    for n in range(5):
        total = [0.0] * 7
        for p in range(3):
            if visible[n, p]:
                length = sum(float(v) ** 2 for v in features[n, p]) ** 0.5
                total = [t + float(signs[p, d]) * float(features[n, p, d]) / length for d, t in enumerate(total)]
        length = sum(t * t for t in total) ** 0.5
        expected = [t / length if length else 0.0 for t in total]
        torch.testing.assert_close(found[n].tolist(), expected, atol=1e-5, rtol=1e-4)


def test_signs_are_the_same_for_ever():
    # stored aggregates were made with these: another pattern would need a new format number
    assert part_signs(2, 8).tolist() == [
        [1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0],
        [-1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0],
    ]


def test_aggregates_rank_persons_as_their_parts_do():
    generator = torch.Generator().manual_seed(1)
    persons = torch.randn(30, 4, 64, generator=generator)
    seen = torch.rand(2, 30, 4, generator=generator) > 0.3
    seen[:, :, 0] = True
    query, gallery = (Descriptors(persons + 0.5 * torch.randn(30, 4, 64, generator=generator), side) for side in seen)
    similar = aggregate(query) @ aggregate(gallery).T
    exact = distances(query, gallery, "visible_parts")
    assert (similar.argmax(1) == torch.arange(30)).float().mean() > 0.95
    assert (exact.argmin(1) == torch.arange(30)).float().mean() > 0.95
