import pytest
import torch

from occreid.descriptors import Descriptors
from occreid.models import create_model, load_model, save_model
from occreid.models.mirror import describe


class Halves(torch.nn.Module):
    """Mean and brightest pixel of the left and of the right half; a part is visible where it is not black."""

    flip_test = True
    flip_inside = False
    mirrored_parts = (1, 0)

    def describe(self, images, masks=None):
        halves = images.float().unflatten(-1, (2, -1)).movedim(-2, 1)  # (B, 2, 3, H, W / 2)
        left_to_right = torch.linspace(1, 2, halves.shape[-1])
        features = (halves * left_to_right).mean((2, 3, 4))[..., None]
        visible = halves.flatten(2).amax(2) > 0 if masks is None else masks.unflatten(-1, (2, -1)).sum((1, 3)) > 0
        return Descriptors(features, visible)


def pictures(n=3):
    return torch.randint(1, 256, (n, 3, 8, 6), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_a_picture_and_its_mirror_image_are_the_same_with_sides_changed():
    model, images = Halves(), pictures()
    seen, mirrored = describe(model, images), describe(model, images.flip(-1))
    torch.testing.assert_close(seen.features, mirrored.features[:, [1, 0]])
    expected = (model.describe(images).features + model.describe(images.flip(-1)).features[:, [1, 0]]) / 2
    torch.testing.assert_close(seen.features, expected)


def test_it_is_off_unless_the_model_or_the_caller_asks():
    model, images = Halves(), pictures()
    plain = model.describe(images).features
    assert torch.equal(describe(model, images, flip_test=False).features, plain)
    assert not torch.equal(describe(model, images).features, plain)
    model.flip_test = False
    assert torch.equal(describe(model, images).features, plain)
    model.flip_inside = True
    assert torch.equal(describe(model, images, flip_test=True).features, plain)


def test_a_part_that_one_image_shows_alone_is_that_images():
    class Once(Halves):
        mirrored_parts = None
        calls = 0

        def describe(self, images, masks=None):
            self.calls += 1
            shown = torch.tensor([[True, False, False]] if self.calls == 1 else [[False, True, False]])
            return Descriptors(torch.full((1, 3, 2), float(self.calls)), shown)

    found = describe(Once(), pictures(1))
    assert found.visibility.tolist() == [[True, True, False]]
    assert found.features[0, :, 0].tolist() == [1.0, 2.0, 1.5]


def test_masks_are_mirrored_with_their_pictures():
    model, images = Halves(), pictures(1)
    masks = torch.zeros(1, 8, 6, dtype=torch.uint8)
    masks[..., :3] = 1
    assert describe(model, images, masks).visibility.tolist() == [[True, False]]


@pytest.mark.parametrize("method", ["baseline", "orgnn"])
def test_it_is_on_the_card_and_makes_mirrored_queries_equal(method, tmp_path):
    options = {"orgnn": {"dim": 16, "mode": "gnn"}}.get(method, {})
    torch.manual_seed(0)
    model = create_model(method, 3, backbone="resnet18", pretrained="none", **options)
    model.input_size, model.flip_test = (64, 32), True
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded.flip_test
    images = torch.randint(0, 256, (2, 3, 64, 32), dtype=torch.uint8)
    order = list(loaded.mirrored_parts or [0])
    with torch.no_grad():
        seen, mirrored = describe(loaded, images), describe(loaded, images.flip(-1))
    torch.testing.assert_close(seen.features, mirrored.features[:, order])
    with torch.no_grad():
        assert not torch.allclose(loaded.describe(images).features, loaded.describe(images.flip(-1)).features[:, order])
    assert torch.equal(loaded.embed(images).features, seen.features)
