import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods.orgnn.neighbourhood import NOBODY, neighbourhoods, searched_by

P, D = 3, 4


def people(n, seed=0, visible=0.7, paths=None):
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(n, P, D, generator=generator)
    return Descriptors(features, torch.rand(n, P, generator=generator) < visible, paths=paths)


def found(descriptors, gallery, k, theta, **options):
    """Sets of neighbours, one for each image."""
    return [
        {index for index in row if index != NOBODY}
        for _, rows in neighbourhoods(descriptors, gallery, k, theta, **options)
        for row in rows.tolist()
    ]


def loop(descriptors, gallery, k, theta, itself=lambda i, j: False):
    """Eq. 3 in float64, image by image and part by part."""
    result = []
    x, y = descriptors.features.double().tolist(), gallery.features.double().tolist()
    for i, parts in enumerate(descriptors.visibility.tolist()):
        common = None
        for part in (p for p in range(P) if parts[p]):
            near = []
            for j in range(len(y)):
                if not itself(i, j):
                    a, b = x[i][part], y[j][part]
                    product = sum(s * t for s, t in zip(a, b, strict=True))
                    near.append((product / math.hypot(*a) / math.hypot(*b), j))
            near = {j for similarity, j in sorted(near, reverse=True)[:k] if similarity >= theta}
            common = near if common is None else common & near
        result.append(common or set())
    return result


@given(st.integers(0, 500), st.integers(1, 9), st.sampled_from([-1.0, 0.6, 0.9]), st.integers(1, 40))
def test_eq_3_equals_the_float64_loop_whatever_the_blocks(seed, k, theta, columns):
    images, gallery = people(7, seed), people(30, seed + 1)
    assert found(images, gallery, k, theta, rows=3, columns=columns) == loop(images, gallery, k, theta)


@given(st.integers(0, 500), st.integers(1, 9))
def test_a_gallery_image_never_neighbours_itself(seed, k):
    gallery = people(20, seed, visible=0.9)
    neighbours = found(gallery, gallery, k, 0.5, rows=7, columns=6)
    assert all(i not in near for i, near in enumerate(neighbours))
    assert neighbours == loop(gallery, gallery, k, 0.5, itself=lambda i, j: i == j)


def test_an_image_is_known_again_by_its_path():
    names = [f"g/{i}.jpg" for i in range(12)]
    gallery = people(12, paths=names, visible=1)
    part = gallery[torch.tensor([5, 2])]
    whole = found(gallery, gallery, 4, 0.0)
    assert found(part, gallery, 4, 0.0) == [whole[5], whole[2]]
    stranger = Descriptors(part.features, part.visibility, paths=["q/5.jpg", "q/2.jpg"])
    assert [5 in found(stranger, gallery, 4, 0.0)[0], 2 in found(stranger, gallery, 4, 0.0)[1]] == [True, True]


def test_the_same_features_under_another_path_are_another_image():
    gallery = people(3, visible=1, paths=["a", "b", "c"])
    twice = Descriptors.cat([gallery, Descriptors(gallery.features, gallery.visibility, paths=["d", "e", "f"])])
    assert [3 in found(twice, twice, 1, 0.99)[0], 0 in found(twice, twice, 1, 0.99)[3]] == [True, True]


def test_parts_that_disagree_have_an_empty_intersection():
    e = torch.eye(D)
    gallery = Descriptors(torch.stack([torch.stack([e[0], e[1], e[1]]), torch.stack([e[1], e[0], e[1]])]))
    image = Descriptors(e[0].repeat(1, P, 1))
    assert found(image, gallery, 1, 0.7) == [set()]
    first_only = Descriptors(image.features, torch.tensor([[True, False, False]]))
    assert found(first_only, gallery, 1, 0.7) == [{0}]


def test_an_image_without_a_visible_part_has_no_neighbours():
    image = Descriptors(torch.rand(2, P, D), torch.tensor([[False] * P, [True] * P]))
    assert found(image, people(5), 5, -1.0) == [set(), {0, 1, 2, 3, 4}]


def test_a_gallery_smaller_than_k_gives_whom_it_has():
    gallery = people(3, visible=1)
    assert found(gallery, gallery, 30, -1.0) == [{1, 2}, {0, 2}, {0, 1}]
    assert found(people(1, 5, visible=1), gallery, 30, -1.0) == [{0, 1, 2}]
    alone = people(1, visible=1)
    assert found(alone, alone, 10, -1.0) == [set()]


def test_rows_are_padded_and_ascending():
    gallery = people(15, visible=1)
    for _, rows in neighbourhoods(people(6, 1), gallery, 5, 0.8):
        assert rows.shape[1] <= 5
        for row in rows.tolist():
            present = [index for index in row if index != NOBODY]
            assert present == sorted(set(present)) and row == present + [NOBODY] * (len(row) - len(present))


def test_the_upper_body_searches_alone_where_it_is_seen():
    visibility = torch.tensor([[True, True, True], [False, True, True], [False, False, True], [False] * 3])
    assert searched_by(visibility, None) is visibility
    expected = [[True, True, False], [False, True, False], [False, False, True], [False] * 3]
    assert searched_by(visibility, (0, 1)).tolist() == expected
    images, gallery = Descriptors(torch.rand(4, P, D), visibility), people(9)
    only = Descriptors(images.features, torch.tensor(expected))
    assert found(images, gallery, 3, 0.5, search_parts=(0, 1)) == found(only, gallery, 3, 0.5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"k": 0}, "a neighbourhood of 0 images"),
        ({"theta": 1.5}, "at least 1.5 is no cosine"),
        ({"gallery": people(0)}, "the gallery is empty"),
        ({"gallery": Descriptors(torch.rand(5, P, D + 1))}, r"the images have \(3, 4\).*the gallery \(3, 5\)"),
        ({"search_parts": (0, 3)}, r"search_parts \[0, 3\] are not among the 3 parts"),
        ({"search_parts": ()}, r"search_parts \[\] are not among"),
    ],
)
def test_what_cannot_be_searched_is_refused(change, message):
    options = {"gallery": people(5), "k": 2, "theta": 0.5} | change
    with pytest.raises(UserError, match=message):
        list(neighbourhoods(people(2), **options))


@pytest.mark.parametrize("side", ["image", "gallery"])
def test_nan_is_refused_and_named(side):
    sides = {"image": people(2, paths=["q0", "q1"]), "gallery": people(4, 1, paths=["g0", "g1", "g2", "g3"])}
    sides[side].features[1, 2, 0] = torch.nan
    with pytest.raises(UserError, match=f"the descriptor of {side[0].replace('i', 'q')}1 holds NaN"):
        list(neighbourhoods(sides["image"], sides["gallery"], 2, 0.5))


def test_a_similarity_of_exactly_theta_is_near_enough():
    one = Descriptors(torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
    other = Descriptors(torch.tensor([[[1.0, 1.0, 1.0, 1.0]]]))  # a cosine of exactly one half
    assert found(one, other, 1, 0.5) == [{0}]
    assert found(one, other, 1, 0.5 + 1e-6) == [set()]
