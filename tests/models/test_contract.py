import pytest
import torch

from occreid.errors import UserError
from occreid.models import create_model
from occreid.models.contract import Method, PartParser
from occreid.records import Batch


@pytest.fixture
def model(toy):
    return create_model(toy, 3)


def test_default_hooks_change_nothing(model):
    batch = Batch(torch.zeros(1, 3, 4, 4), torch.zeros(1), torch.zeros(1), torch.zeros(1))
    assert model.augment(batch, torch.Generator()) is batch
    d = model.describe(torch.rand(2, 3, 16, 8))
    assert model.refine(d, d) is d
    (stage,) = model.stages()
    assert (stage.name, stage.modules, stage.prepare) == ("main", (model,), None)


def test_one_group_holds_every_trainable_parameter(model):
    model.project.bias.requires_grad_(False)
    (group,) = model.parameter_groups(0.1)
    assert group["lr"] == 0.1
    assert {id(p) for p in group["params"]} == {id(p) for p in model.parameters()} - {id(model.project.bias)}


def test_uint8_and_float_pictures_mean_the_same_and_are_left_alone(model):
    images = torch.randint(0, 256, (2, 3, 5, 4), dtype=torch.uint8)
    before = images.clone()
    pixels = images.float() / 255
    expected = torch.stack([(pixels[:, c] - model.pixel_mean[c]) / model.pixel_std[c] for c in range(3)], 1)
    torch.testing.assert_close(model.normalize(images), expected)
    torch.testing.assert_close(model.normalize(pixels), expected)
    assert torch.equal(images, before) and torch.equal(pixels, images.float() / 255)


def test_an_unfinished_method_says_what_it_lacks():
    with pytest.raises(TypeError, match=r"losses\(batch\)"):
        Method().losses(None)
    with pytest.raises(TypeError, match="describe"):
        Method().describe(None)


def test_a_second_stream_is_for_networks_that_say_so(toy):
    with pytest.raises(UserError, match=f"{toy} has no use for a second stream"):
        create_model(toy, 3).parsing_losses(None)
    with pytest.raises(UserError, match=r"^Method has no use"):
        Method().parsing_losses(None)


def test_an_unfinished_parser_says_what_it_lacks():
    with pytest.raises(TypeError, match=r"PartParser does not define parse\(images\)"):
        PartParser().parse(None)
