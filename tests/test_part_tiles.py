import pytest
import torch
from torch.nn.functional import normalize

from occreid import part_tiles
from occreid.descriptors import Descriptors
from occreid.distances import distances
from occreid.factors import left_parts, right_parts
from occreid.orders import map_orders


def sides(*numbers, parts=3):
    generator = torch.Generator().manual_seed(5)
    return [
        Descriptors(torch.randn(n, parts, 8, generator=generator), torch.rand(n, parts, generator=generator) > 0.4)
        for n in numbers
    ]


def test_the_loops_give_the_distances_up_to_a_root_s_rounding(monkeypatch):
    query, gallery = sides(20, 2100)
    gallery.features[3] = gallery.features[7] = query.features[1]
    gallery.visibility[3] = gallery.visibility[7]
    gallery.visibility[9] = query.visibility[2] = False  # nothing to be seen
    query.visibility[:, 1] = False  # a part that no query shows
    expected = distances(query, gallery, "visible_parts")
    monkeypatch.setattr(part_tiles, "_LOOPS_FROM", 0)
    found = distances(query, gallery, "visible_parts")
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)  # torch's own root is not always the nearest

    def strips(rows):
        return torch.cat(
            map_orders(query, gallery, "visible_parts", lambda start, order: order.whole().clone(), rows=rows)
        )

    assert torch.equal(strips(20), found)
    torch.testing.assert_close(strips(7), found, rtol=1e-6, atol=1e-6)  # a product of fewer rows may round otherwise
    assert found[:, 9].isinf().all() and found[2].isinf().all()
    assert torch.equal(found[:, 3], found[:, 7])


@pytest.mark.parametrize("left", [True, False])
def test_factors_are_those_of_normalised_parts_bit_for_bit(left):
    (side,) = sides(700, parts=40)
    side.features[5] = 0
    factor, visible = left_parts if left else right_parts, side.visibility.float()
    expected = factor(normalize(side.features, dim=2), visible)
    assert torch.equal(part_tiles._unit_parts(side, left), expected)
