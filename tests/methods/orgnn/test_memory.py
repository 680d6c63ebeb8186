import torch

from occreid.descriptors import Descriptors
from occreid.methods.orgnn.memory import TrainingGraphs
from occreid.methods.orgnn.neighbourhood import NOBODY, ROWS, neighbourhoods


def descriptors(n):
    generator = torch.Generator().manual_seed(0)
    return Descriptors(torch.rand(n, 2, 4, generator=generator), torch.rand(n, 2, generator=generator) < 0.8)


def test_every_image_gets_its_neighbourhood_among_the_others():
    found = descriptors(12)
    graphs = TrainingGraphs.build(found, 5, 0.6)
    ((_, expected),) = neighbourhoods(found, found, 5, 0.6)
    assert torch.equal(graphs.neighbours, expected) and graphs.features is found.features
    assert not (graphs.neighbours == torch.arange(12)[:, None]).any()


def test_blocks_of_different_width_are_padded():
    n = ROWS + 3
    features = torch.eye(4)[torch.arange(n) % 4][:, None].repeat(1, 2, 1)
    features[-3:] = torch.tensor([[1.0, 1.0, 1.0, 1.0]])  # like nobody but each other, so the last block is narrow
    graphs = TrainingGraphs.build(Descriptors(features), 7, 0.9)
    assert graphs.neighbours.shape == (n, 7)
    assert (graphs.neighbours[-3:] != NOBODY).sum(1).tolist() == [2, 2, 2]


def test_a_batch_is_looked_up_by_its_positions():
    graphs = TrainingGraphs.build(descriptors(12), 5, 0.6)
    order = torch.tensor([7, 1, 7])
    nodes, mask = graphs.of(order)
    assert torch.equal(nodes[0], nodes[2]) and torch.equal(mask[0], mask[2])
    for i, row in zip((0, 1), graphs.neighbours[[7, 1]], strict=True):
        near = row[row != NOBODY]
        assert int(mask[i].sum()) == 1 + len(near)
        expected = graphs.features[near].mean(0) if len(near) else graphs.features[order[i]]
        torch.testing.assert_close(nodes[i, :, 0], expected)
