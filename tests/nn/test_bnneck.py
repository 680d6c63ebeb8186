import torch

from occreid.nn import BNNeck


def test_normalises_each_dimension_over_the_batch_and_classifies_without_bias():
    neck = BNNeck(6, 10)
    x = 5 + 3 * torch.randn(64, 6)
    normalised = neck(x)
    torch.testing.assert_close(normalised.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(normalised.var(0, correction=0), torch.ones(6), atol=1e-3, rtol=0)
    assert neck.logits(normalised).shape == (64, 10)
    assert not neck.logits(torch.zeros(1, 6)).any()


def test_the_shift_stays_zero():
    neck = BNNeck(4, 3)
    optimizer = torch.optim.SGD([p for p in neck.parameters() if p.requires_grad], lr=1.0)
    neck.logits(neck(torch.randn(8, 4)))[:, 0].sum().backward()
    optimizer.step()
    assert not neck.bn.bias.any() and neck.bn.bias.grad is None
