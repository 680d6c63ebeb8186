from dataclasses import replace

import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.errors import UserError
from occreid.methods.orgnn.neighbourhood import NOBODY, neighbourhoods
from occreid.methods.orgnn.reconstruction import MODES, Reconstruction, Sizes, graphs, reconstruct
from occreid.nn import OutlierRemovableGNN

P, D = 3, 6
HOW = Reconstruction(k=4, theta=0.5)


@pytest.fixture
def gnn():
    torch.manual_seed(0)
    built = OutlierRemovableGNN(P, D)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return built


def people(n, seed=0, ids=5, visible=0.8):
    """Images of a few persons: each a noisy copy of its person, hidden parts pure noise."""
    generator = torch.Generator().manual_seed(seed)
    persons = torch.rand(ids, P, D, generator=torch.Generator().manual_seed(99))
    pids = torch.arange(n) % ids
    seen = torch.rand(n, P, generator=generator) < visible
    noise = torch.rand(n, P, D, generator=generator)
    features = torch.where(seen[..., None], persons[pids] + 0.1 * noise, noise)
    return Descriptors(features, seen, pids, torch.arange(n) % 3, [f"{seed}/{i}.jpg" for i in range(n)])


def test_graphs_start_the_target_as_its_neighbours_mean():
    own, gallery = torch.rand(3, P, D), torch.rand(5, P, D)
    neighbours = torch.tensor([[1, 4, NOBODY], [0, 2, 3], [NOBODY, NOBODY, NOBODY]])
    nodes, mask = graphs(own, gallery, neighbours)
    assert nodes.shape == (3, P, 4, D)
    assert mask.tolist() == [[True, True, True, False], [True] * 4, [True, False, False, False]]
    torch.testing.assert_close(nodes[0, :, 0], (gallery[1] + gallery[4]) / 2)
    assert torch.equal(nodes[0, :, 2], gallery[4]) and (nodes[0, :, 3] == 0).all()
    assert torch.equal(nodes[2, :, 0], own[2])  # nobody: the image alone


def test_no_neighbours_at_all_make_graphs_of_one_node():
    own = torch.rand(2, P, D)
    nodes, mask = graphs(own, torch.rand(5, P, D), torch.empty(2, 0, dtype=torch.int64))
    assert nodes.shape == (2, P, 1, D) and mask.all() and torch.equal(nodes[:, :, 0], own)


def test_the_method_is_search_then_graph_network(gnn):
    query, gallery = people(6, 1), people(20, 2)
    ((_, near),) = neighbourhoods(query, gallery, 4, 0.5)
    expected = gnn(*graphs(query.features, gallery.features, near))
    expected = torch.where((near != NOBODY).any(1)[:, None, None], expected, query.features)
    rebuilt = reconstruct(query, gallery, gnn, HOW)
    torch.testing.assert_close(rebuilt.features, expected.detach())
    assert rebuilt.visibility.all() and not rebuilt.features.requires_grad
    assert torch.equal(rebuilt.pids, query.pids) and rebuilt.paths == query.paths


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rows", [1, 3])
def test_blocks_do_not_change_the_result(gnn, mode, rows):
    query, gallery = people(5, 1), people(11, 2)
    how = replace(HOW, mode=mode)
    for images in (query, gallery):
        whole, parts = (reconstruct(images, gallery, gnn, how, rows=r) for r in (256, rows))
        torch.testing.assert_close(whole.features, parts.features, rtol=1e-4, atol=1e-5)


def test_a_new_query_does_not_need_the_others(gnn):
    query, gallery = people(5, 1), people(11, 2)
    together = reconstruct(query, gallery, gnn, HOW).features
    for i in range(5):
        alone = reconstruct(query[i : i + 1], gallery, gnn, HOW).features
        torch.testing.assert_close(alone, together[i : i + 1], rtol=1e-4, atol=1e-5)


def test_the_order_of_the_gallery_changes_nothing(gnn):
    query, gallery = people(5, 1), people(20, 2)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        reconstruct(query, gallery[order], gnn, HOW).features,
        reconstruct(query, gallery, gnn, HOW).features,
        rtol=1e-4,
        atol=1e-5,
    )
    torch.testing.assert_close(
        reconstruct(gallery[order], gallery[order], gnn, HOW).features,
        reconstruct(gallery, gallery, gnn, HOW).features[order],
        rtol=1e-4,
        atol=1e-5,
    )


def test_the_rows_of_table_4_differ_as_they_say(gnn):
    query, gallery = people(8, 1), people(20, 2)
    found = {mode: reconstruct(query, gallery, gnn, replace(HOW, mode=mode)) for mode in MODES}
    assert torch.equal(found["base"].features, query.features) and found["base"].visibility.all()
    assert torch.equal(found["oan"].features, query.features)
    assert torch.equal(found["oan"].visibility, query.visibility)
    ((_, near),) = neighbourhoods(query, gallery, 4, 0.5)
    nodes, mask = graphs(query.features, gallery.features, near)
    torch.testing.assert_close(found["oan+average"].features, nodes[:, :, 0])
    plain = torch.where((near != NOBODY).any(1)[:, None, None], gnn(nodes, mask, confidence=False), query.features)
    torch.testing.assert_close(found["oan+gnn"].features, plain.detach())
    seen = replace(query, visibility=torch.ones_like(query.visibility))
    torch.testing.assert_close(
        found["gnn"].features, reconstruct(seen, gallery, gnn, replace(HOW, mode="oan+gnn")).features
    )
    assert [mode for mode in MODES if Reconstruction(mode).metric == "visible_parts"] == ["oan"]
    assert [mode for mode in MODES if not Reconstruction(mode).needs_visibility] == ["base", "gnn"]


def test_a_network_trained_without_confidence_is_used_without(gnn):
    query, gallery = people(8, 1), people(20, 2)
    full, plain = (reconstruct(query, gallery, gnn, replace(HOW, mode=mode)) for mode in ("oan+orgnn", "oan+gnn"))
    gnn.confidence = False
    found = reconstruct(query, gallery, gnn, HOW)
    assert torch.equal(found.features, plain.features) and not torch.allclose(found.features, full.features, atol=1e-3)


def test_the_gallery_searches_itself_in_the_mode_without_oan_too(gnn):
    gallery = people(10, 2)
    nameless = replace(gallery, paths=None)
    how = replace(HOW, mode="gnn")
    found = [reconstruct(g, g, gnn, how).features for g in (gallery, nameless)]
    torch.testing.assert_close(*found)


def test_a_hidden_part_comes_nearer_to_its_person():
    gallery = people(40, 2, visible=1)
    query = people(10, 1, visible=0.6)
    query.visibility[:, 0] = True  # there is something to search by
    hidden = ~query.visibility
    true = people(10, 5, visible=1).features
    rebuilt = reconstruct(query, gallery, OutlierRemovableGNN(P, D), replace(HOW, theta=0.9))
    before = (query.features - true).norm(dim=2)[hidden].mean()
    after = (rebuilt.features - true).norm(dim=2)[hidden].mean()
    assert after < 0.5 * before


def test_the_oracle_keeps_only_the_same_person(gnn):
    query, gallery = people(6, 1, visible=0.5), people(20, 2)
    how = Reconstruction(k=15, theta=0.0)
    ((_, near),) = neighbourhoods(query, gallery, 15, 0.0)
    wrong = gallery.pids[near.clamp_min(0)] != query.pids[:, None]
    assert (wrong & (near != NOBODY)).any()  # else this test could not fail
    expected = gnn(*graphs(query.features, gallery.features, near.masked_fill(wrong, NOBODY)))
    torch.testing.assert_close(reconstruct(query, gallery, gnn, how, oracle=True).features, expected.detach())


def test_descriptors_of_another_method_are_refused(gnn):
    other = Descriptors(torch.rand(4, 1, 512))
    with pytest.raises(UserError, match=r"image descriptors have 1 parts of 512 dimensions, this model's 3 of 6"):
        reconstruct(other, other, gnn, HOW)
    with pytest.raises(UserError, match="the gallery descriptors have 1 parts"):
        reconstruct(people(3), other, gnn, HOW)


def test_what_an_oracle_needs_is_said(gnn):
    query, gallery = people(3, 1), people(9, 2)
    with pytest.raises(UserError, match="mode 'oan' has no neighbours an oracle could choose"):
        reconstruct(query, gallery, gnn, replace(HOW, mode="oan"), oracle=True)
    with pytest.raises(UserError, match="the oracle needs true pids on both sides"):
        reconstruct(replace(query, pids=None), gallery, gnn, HOW, oracle=True)


def test_an_unknown_mode_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"no mode 'oan\+orgn'") as error:
        Reconstruction(mode="oan+orgn")
    assert "oan+orgnn" in error.value.hint


@pytest.mark.parametrize("mode", ["gnn", "oan+average", "oan+gnn", "oan+orgnn"])
@pytest.mark.parametrize("own", [False, True])
def test_an_image_without_neighbours_keeps_its_features_unchanged(gnn, mode, own):
    query, gallery = people(4, 1, visible=1.1), people(20, 2)
    query.features[0] = -query.features[0]  # resembles nobody
    if mode != "gnn":
        query.visibility[1] = False  # its mask shows no part
    sizes = Sizes()
    rebuilt = reconstruct(query, gallery, gnn, replace(HOW, mode=mode, own=own), sizes=sizes)
    assert torch.equal(rebuilt.features[0], query.features[0])
    assert torch.equal(rebuilt.features[1], query.features[1]) == (mode != "gnn")
    assert not torch.equal(rebuilt.features[2], query.features[2])
    assert sizes.images == 4 and sizes.empty == (1 if mode == "gnn" else 2)


def test_k_and_theta_follow_the_gallery_where_they_are_open():
    few, many = people(20, ids=5), people(80, ids=5)
    strangers = replace(many, pids=None)
    asked = [(how.k, how.theta) for how in map(Reconstruction().following, (few, many, strangers))]
    assert asked == [(4, 0.8), (10, 0.7), (4, 0.8)]
    assert Reconstruction(k=3, theta=0.0).following(many) == Reconstruction(k=3, theta=0.0)
    assert Reconstruction(theta=0.9).following(many) == Reconstruction(k=10, theta=0.9)


def test_an_images_own_feature_may_join_its_neighbours():
    own, gallery = torch.rand(3, P, D), torch.rand(5, P, D)
    neighbours = torch.tensor([[1, 4, NOBODY], [0, 2, 3], [NOBODY, NOBODY, NOBODY]])
    nodes, mask = graphs(own, gallery, neighbours, joins=True)
    assert mask.tolist() == [[True, True, True, False, True], [True] * 5, [True, False, False, False, False]]
    torch.testing.assert_close(nodes[0, :, 0], (gallery[1] + gallery[4] + own[0]) / 3)
    assert torch.equal(nodes[0, :, 4], own[0]) and torch.equal(nodes[2, :, 0], own[2])
