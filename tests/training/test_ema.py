import pytest
import torch
from torch import nn

from occreid.training.ema import MovingAverage


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def moved(model, generator):
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.randn(tensor.shape, generator=generator))
            else:
                tensor.add_(1)


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_the_average_follows_its_recursion_with_a_decay_that_rises_to_the_asked_one(decay):
    model, generator = network(), torch.Generator().manual_seed(0)
    average = MovingAverage(model, decay)
    expected = {name: tensor.double().clone() for name, tensor in model.state_dict().items()}
    for step in range(30):
        moved(model, generator)
        average.update(model, step)
        now = min(decay, (1 + step) / (10 + step))
        for name, tensor in model.state_dict().items():
            expected[name] = now * expected[name] + (1 - now) * tensor.double()
    for name, tensor in average.tensors.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-5, atol=1e-5)


def test_without_warm_up_the_decay_is_the_asked_one_at_once():
    model, generator = network(), torch.Generator().manual_seed(0)
    for warmup, decay in ((0, 0.9), (2, 0.5), (10, 0.1)):
        average = MovingAverage(model, 0.9, warmup)
        before = average.tensors["0.weight"].clone()
        moved(model, generator)
        average.update(model, 0)
        torch.testing.assert_close(average.tensors["0.weight"], decay * before + (1 - decay) * model[0].weight.detach())


def test_counters_are_copied_not_averaged():
    model = network()
    average = MovingAverage(model, 0.9)
    moved(model, torch.Generator().manual_seed(0))
    average.update(model, 0)
    assert average.tensors["1.num_batches_tracked"] == 1


def test_the_first_average_is_a_copy_that_training_does_not_touch():
    model = network()
    average = MovingAverage(model, 0.9)
    before = average.tensors["0.weight"].clone()
    moved(model, torch.Generator().manual_seed(0))
    assert torch.equal(average.tensors["0.weight"], before)


def test_within_the_block_the_model_is_the_average_and_afterwards_itself_even_after_an_error():
    model = network()
    average = MovingAverage(model, 0.9)
    moved(model, torch.Generator().manual_seed(0))
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ZeroDivisionError), average.applied(model):
        assert torch.equal(model.state_dict()["0.weight"], average.tensors["0.weight"])
        assert not torch.equal(model.state_dict()["0.weight"], own["0.weight"])
        1 / 0  # noqa: B018
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())


def test_saved_averages_are_gone_on_with():
    model = network()
    one, other = MovingAverage(model, 0.9), MovingAverage(model, 0.9)
    moved(model, torch.Generator().manual_seed(0))
    one.update(model, 5)
    other.load({name: tensor.clone() for name, tensor in one.tensors.items()})
    assert all(torch.equal(other.tensors[name], tensor) for name, tensor in one.tensors.items())
    with pytest.raises(KeyError):
        other.load({})
