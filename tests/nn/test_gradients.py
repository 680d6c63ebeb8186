import torch

from occreid.nn import gradient_size


def test_the_size_is_that_of_the_derivative_and_the_graph_stays():
    weight = torch.tensor([2.0, 3.0], requires_grad=True)
    features = weight * 2
    loss = (features**2).sum() / 2  # derivative: the features themselves
    torch.testing.assert_close(gradient_size(loss, features), torch.tensor(52**0.5))  # (4, 6)
    assert weight.grad is None
    loss.backward()
    assert weight.grad.tolist() == [8.0, 12.0]


def test_a_loss_of_something_else_does_not_pull():
    features = torch.ones(3, requires_grad=True) * 2
    assert gradient_size(torch.ones(1, requires_grad=True).sum(), features).item() == 0
    assert gradient_size(torch.tensor(1.0), features).item() == 0
