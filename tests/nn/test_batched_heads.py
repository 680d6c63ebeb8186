import pytest
import torch
from torch import nn

from occreid.nn import BatchedLinear, BatchedNorm


def separate_linears(batched):
    """The same maps as single modules, in float64."""
    heads, outputs, inputs = batched.weight.shape
    modules = nn.ModuleList(nn.Linear(inputs, outputs, bias=batched.bias is not None) for _ in range(heads)).double()
    with torch.no_grad():
        for p, module in enumerate(modules):
            module.weight.copy_(batched.weight[p])
            if batched.bias is not None:
                module.bias.copy_(batched.bias[p, :, 0])
    return modules


@pytest.mark.parametrize("bias", [True, False])
def test_linear_equals_a_loop_over_modules_forward_and_backward(bias):
    batched = BatchedLinear(5, 7, 3, bias=bias)
    modules, x = separate_linears(batched), torch.randn(5, 4, 7)
    upstream = torch.randn(5, 4, 3)
    ours = batched(x)
    (ours * upstream).sum().backward()
    theirs = torch.stack([module(row.double()) for module, row in zip(modules, x, strict=True)])
    (theirs * upstream).sum().backward()
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    for p, module in enumerate(modules):
        torch.testing.assert_close(batched.weight.grad[p].double(), module.weight.grad, rtol=1e-4, atol=1e-5)
        if bias:
            torch.testing.assert_close(batched.bias.grad[p, :, 0].double(), module.bias.grad, rtol=1e-4, atol=1e-5)


def test_linear_starts_as_single_linear_layers_do():
    torch.manual_seed(0)
    batched, single = BatchedLinear(8, 100, 50), nn.Linear(100, 50)
    assert batched.weight.abs().max() <= 0.1 and single.weight.abs().max() <= 0.1
    assert batched.weight.std().item() == pytest.approx(single.weight.std().item(), rel=0.05)
    assert batched.bias.abs().max() <= 0.1 and batched.bias.any()
    assert "heads=8, inputs=100, outputs=50, bias=True" in repr(batched)


def test_norm_equals_a_loop_over_modules_in_training_and_after_it():
    batched, x = BatchedNorm(3, 4), 2 + 3 * torch.randn(3, 16, 4)
    modules = nn.ModuleList(nn.BatchNorm1d(4) for _ in range(3)).double()
    with torch.no_grad():
        batched.bn.weight.uniform_(0.5, 2)
        batched.bn.bias.uniform_(-1, 1)
        for p, module in enumerate(modules):
            module.weight.copy_(batched.bn.weight.view(3, 4)[p])
            module.bias.copy_(batched.bn.bias.view(3, 4)[p])
    for training in (True, True, False):
        batched.train(training)
        modules.train(training)
        theirs = torch.stack([module(row.double()) for module, row in zip(modules, x, strict=True)])
        torch.testing.assert_close(batched(x).double(), theirs, rtol=1e-5, atol=1e-5)
    running = torch.cat([module.running_var for module in modules])
    torch.testing.assert_close(batched.bn.running_var.double(), running, rtol=1e-5, atol=1e-6)


def test_a_head_sees_only_its_own_input():
    linear, norm, x = BatchedLinear(3, 4, 2), BatchedNorm(3, 2), torch.randn(3, 6, 4)
    changed = x.clone()
    changed[1] += 1
    with torch.no_grad():
        before, after = norm(linear(x)), norm(linear(changed))
    assert torch.equal(before[[0, 2]], after[[0, 2]])


def test_the_norm_can_be_synchronised():
    assert isinstance(nn.SyncBatchNorm.convert_sync_batchnorm(BatchedNorm(2, 3)).bn, nn.SyncBatchNorm)
