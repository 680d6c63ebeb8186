import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occreid.nn import OutlierRemovableGNN
from occreid.nn.graph import affinities, confidences

P, D = 3, 5


def network(layers=2, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    gnn = OutlierRemovableGNN(P, D, layers, **options)
    with torch.no_grad():
        for parameter in gnn.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return gnn


def ragged(counts, seed=1, junk=0.0):
    """Graphs of so many nodes, padded with ``junk``."""
    x = torch.randn(len(counts), P, max(counts), D, generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    return x.masked_fill(~mask[:, None, :, None], junk), mask


def dot(x, y):
    return sum(a * b for a, b in zip(x, y, strict=True))


def loop_confidence(x, i):
    """Eq. 4 of node i in float64: cosine with the mean of the others; negative counts as 0."""
    others = [y for j, y in enumerate(x) if j != i]
    if not others:
        return 0.0
    mean = [sum(column) / len(others) for column in zip(*others, strict=True)]
    norms = math.sqrt(dot(x[i], x[i])) * math.sqrt(dot(mean, mean))
    return max(0.0, dot(x[i], mean) / norms) if norms else 0.0


def loop_affinity(x, i, j, v, b):
    """Eq. 6."""
    d = [p - q for p, q in zip(x[i], x[j], strict=True)]
    return 1 / (1 + math.exp(-(dot(v, [e * e for e in d]) + b)))


def loop_layer(x, w, v, b, trusting):
    """Eq. 5 for every node of one graph of one part."""
    c = [loop_confidence(x, i) if trusting else 1.0 for i in range(len(x))]
    result = []
    for i in range(len(x)):
        weight = [c[j] * loop_affinity(x, i, j, v, b) if j != i else 0.0 for j in range(len(x))]
        total = sum(weight)
        mean = [dot(weight, column) / total for column in zip(*x, strict=True)] if total > 0 else x[i]
        result.append([max(0.0, dot(row, mean)) for row in w])
    return result


def loop(gnn, x, mask, trusting=True):
    """The target after all layers, graph by graph and part by part."""
    x, (w, v, b) = x.double().tolist(), (p.detach().double().tolist() for p in (gnn.W, gnn.V, gnn.b))
    result = []
    for graph, present in zip(x, mask.tolist(), strict=True):
        rows = []
        for part in range(P):
            nodes = [node for node, there in zip(graph[part], present, strict=True) if there]
            for layer in range(len(w)):
                nodes = loop_layer(nodes, w[layer][part], v[layer][part], b[layer][part], trusting)
            rows.append(nodes[0])
        result.append(rows)
    return torch.tensor(result, dtype=torch.float64)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 3), st.booleans(), st.integers(0, 1000))
def test_eqs_4_to_6_equal_the_float64_loop_on_ragged_graphs(counts, layers, trusting, seed):
    gnn = network(layers, seed, confidence=trusting)
    x, mask = ragged(counts, seed)
    found = gnn(x, mask)
    assert found.shape == (len(counts), P, D) and found.dtype == torch.float32
    torch.testing.assert_close(found.double(), loop(gnn, x, mask, trusting), rtol=1e-3, atol=1e-4)


def test_confidence_and_affinity_equal_their_loops():
    x, mask = ragged([5, 2, 1])
    c = confidences(x, mask)
    v, b = torch.randn(P, D), torch.randn(P)
    a = affinities(x, v, b, 2)
    for g, count in enumerate((5, 2, 1)):
        for part in range(P):
            nodes = x[g, part, :count].double().tolist()
            for i in range(count):
                assert c[g, part, i].item() == pytest.approx(loop_confidence(nodes, i), abs=1e-5)
            for i in range(min(2, count)):
                for j in range(count):
                    expected = loop_affinity(nodes, i, j, v[part].double().tolist(), b[part].item())
                    assert a[g, part, i, j].item() == pytest.approx(expected, abs=1e-5)
    assert (c[1:, :, 2:] == 0).all() and (c[2] == 0).all()  # nobody there; nobody else


def test_the_order_of_the_neighbours_changes_nothing():
    gnn, (x, mask) = network(), ragged([6, 6])
    order = torch.tensor([0, 4, 2, 5, 1, 3])  # the target stays first
    torch.testing.assert_close(gnn(x[:, :, order], mask), gnn(x, mask), rtol=1e-4, atol=1e-5)
    other = torch.tensor([1, 0, 2, 3, 4, 5])  # another target gives another answer
    assert not torch.allclose(gnn(x[:, :, other], mask), gnn(x, mask), atol=1e-3)


@pytest.mark.parametrize("junk", [0.0, 1e6, float("nan")])
def test_padding_changes_nothing(junk):
    gnn, (x, mask) = network(), ragged([4, 2, 1], junk=junk)
    together = gnn(x, mask)
    for g, count in enumerate((4, 2, 1)):
        alone = gnn(x[g : g + 1, :, :count], torch.ones(1, count, dtype=torch.bool))
        torch.testing.assert_close(together[g : g + 1], alone, rtol=1e-4, atol=1e-5)


def test_a_graph_of_the_target_alone_passes_its_own_feature_through_w():
    gnn, (x, mask) = network(1), ragged([1])
    own = (gnn.W[0] @ x[0, :, 0, :, None])[..., 0].relu()
    torch.testing.assert_close(gnn(x, mask)[0], own)


def test_with_a_single_neighbour_the_mean_of_the_others_is_the_target_alone():
    x, mask = ragged([2])
    cosine = torch.nn.functional.cosine_similarity(x[:, :, 0], x[:, :, 1], dim=2)
    expected = cosine.clamp_min(0)[..., None].expand(1, P, 2)
    torch.testing.assert_close(confidences(x, mask), expected)
    assert torch.isfinite(network()(x, mask)).all()


def test_negative_confidences_count_as_nothing():
    gnn = OutlierRemovableGNN(1, 2, 1)
    friends, foe = torch.tensor([[1.0, 0.1], [1.0, 0.0], [1.0, 0.2]]), torch.tensor([[-1.0, 0.0]])
    nodes = torch.cat([friends, foe])[None, None]
    mask = torch.ones(1, 4, dtype=torch.bool)
    c = confidences(nodes, mask)[0, 0]
    assert c[3] == 0 and (c[:3] > 0.5).all()
    weights = c[1:3]  # of the target's others; the foe's is 0
    expected = (weights[:, None] * friends[1:]).sum(0) / weights.sum()
    torch.testing.assert_close(gnn(nodes, mask)[0, 0], expected)


def test_where_nobody_is_trusted_the_node_keeps_its_own_feature():
    gnn = OutlierRemovableGNN(1, 2, 1)
    nodes = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])[None, None]
    torch.testing.assert_close(gnn(nodes, torch.ones(1, 2, dtype=torch.bool))[0, 0], torch.tensor([1.0, 0.0]))


def test_an_injected_outlier_gets_the_lowest_confidence():
    generator = torch.Generator().manual_seed(3)
    person, stranger = torch.rand(2, P, D, generator=generator)
    nodes = person[:, None] + 0.05 * torch.rand(P, 7, D, generator=generator)
    nodes[:, 4] = stranger
    c = confidences(nodes[None], torch.ones(1, 7, dtype=torch.bool))[0]
    assert (c.argmin(1) == 4).all()


def test_untrained_and_without_confidence_one_layer_is_the_average_of_the_others():
    gnn = OutlierRemovableGNN(P, D, 1, confidence=False)
    x, mask = ragged([5, 3])
    x = x.abs()  # ReLU leaves it alone
    for g, count in enumerate((5, 3)):
        torch.testing.assert_close(gnn(x, mask)[g], x[g, :, 1:count].mean(1))


def test_all_parts_at_once_equal_each_part_alone():
    gnn, (x, mask) = network(), ragged([5, 2, 4])
    together = gnn(x, mask)
    for part in range(P):
        one = OutlierRemovableGNN(1, D, 2)
        with torch.no_grad():
            for mine, theirs in zip(one.parameters(), gnn.parameters(), strict=True):
                mine.copy_(theirs[:, part : part + 1])
        alone = one(x[:, part : part + 1], mask)
        torch.testing.assert_close(together[:, part : part + 1], alone, rtol=1e-4, atol=1e-5)


def test_confidence_can_be_switched_off_for_a_call():
    x, mask = ragged([4])
    plain = network(confidence=False)
    torch.testing.assert_close(network()(x, mask, confidence=False), plain(x, mask))
    assert not torch.allclose(network()(x, mask), plain(x, mask), atol=1e-3)


def test_gradients_are_finite_and_reach_every_parameter_even_of_lone_graphs():
    gnn, (x, mask) = network(), ragged([1, 2, 4])
    x.requires_grad_()
    gnn(x, mask).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().sum() > 0 for p in (*gnn.parameters(), x))


def test_autocast_does_not_lower_the_precision():
    gnn, (x, mask) = network(), ragged([4, 3])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gnn(x, mask)
    assert torch.equal(found, gnn(x, mask))
